"""How a mutant is written down: a right plugin with one fault, and what must be said of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from argent_testing import Contract, MadePlugin
from tests.mutants.expectations import Expected

C = TypeVar("C", bound=type[Contract])


def caught_by(test: str, words: str) -> Callable[[C], C]:
    """Make a mutant of a contract's class. Classes without it have a right plugin, and must pass.

    Args:
        test: The test that must fail.
        words: What it must say.
    """

    def note(contract: C) -> C:
        contract.expected = Expected(test, words)  # type: ignore[attr-defined]
        if "patience" not in vars(contract):
            contract.patience = 1.0
        contract.stop_seconds = 0.3
        return contract

    return note


def bringing(*records: Any) -> MadePlugin:
    """Return a plugin that brings these records."""
    return MadePlugin("mutant", *records)


async def stubborn(*_: Any) -> Any:
    """Ignore being cancelled, for longer than a contract waits."""
    for _tries in range(2):
        try:
            await asyncio.sleep(1.0)
        except asyncio.CancelledError:
            continue


async def nothing(*_: Any) -> None:
    """Do nothing."""
