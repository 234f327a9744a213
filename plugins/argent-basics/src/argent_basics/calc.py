"""The tool ``calc``."""

from __future__ import annotations

import asyncio
from typing import Annotated

from argent_hookspecs import Effect, tool


@tool(
    effect=Effect.IDEMPOTENT,
    hints=(
        "calc", "calculate", "compute", "sum", "plus", "minus", "times", "multiply", "multiplied",
        "divide", "divided", "percent", "percentage", "%", "square root", "sqrt", "factorial",
        "power of", "logarithm", "average", "how much is", "+", "*",
    ),
    timeout=10,
)  # fmt: skip
async def calc(
    expression: Annotated[
        str,
        "Arithmetic, e.g. '(12.5 + 3) * 4', 'sqrt(2)', '2^10', '200 + 10 %', '15 % of 80'. "
        "Write percentages with '% of', never with '*'",
    ],
) -> str:
    """Calculate exactly: + - * / ^, '% of', parentheses, sqrt, sin, log, round, min, max, pi."""
    from argent_basics.arithmetic import evaluate

    return await asyncio.to_thread(evaluate, expression)
