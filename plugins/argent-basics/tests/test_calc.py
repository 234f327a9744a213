from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argent_basics.arithmetic import LONGEST, evaluate
from argent_hookspecs import ToolError

pytestmark = pytest.mark.anyio
Use = Callable[..., Awaitable[Any]]


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("0.1 + 0.2", "0.3"),
        ("1.10 + 2.20", "3.3"),
        ("2 + 2 =", "4"),
        ("1/3 * 3", "1"),
        ("2^10", "1024"),
        ("2^200", str(2**200)),
        ("-7 % 3", "2"),
        ("15% of 80", "12"),
        ("100 + 10%", "110"),
        ("200 - 7.5%", "185"),
        ("1,234.5 * 2", "2469"),
        ("max(1,200)", "200"),
        ("$100 × 1.2 ÷ 4", "30"),
        ("20!", "2432902008176640000"),
        ("sqrt(2)", "1.4142135623731"),
        ("sqrt(144) + cbrt(27)", "15"),
        ("sin(radians(30))", "0.5"),
        ("round(2.675, 2)", "2.68"),
        ("log(100, 10)", "2"),
        ("1e-20", "1e-20"),
        ("0^0", "1"),
        ("3/7 > 2/5", "true"),
    ],
)
async def test_people_get_the_result_they_expect(use: Use, expression: str, result: str) -> None:
    assert await use("calc", expression=expression) == result


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("1/0", "division by zero"),
        ("0^-1", "division by zero"),
        ("sqrt(-4)", "real numbers"),
        ("log(0)", "real numbers"),
        ("tan(pi/2)", "real numbers"),
        ("9**9**9", "too large"),
        ("exp(99999)", "too large"),
        ("factorial(99999)", "from 0 to 1000"),
        ("price * 2", "price is not a number"),
        ("median(1, 2)", "there is no function median; use abs"),
        ("2 +", "not an expression"),
        ("sqrt(1, 2, 3)", "wrong number"),
        ("1; 2", "only numbers"),
        ("'a' * 999999999", "only numbers"),
        ("().__class__", "only arithmetic"),
        ("(1 < 2) + 1", "comparison"),
        ("1+" * LONGEST + "1", "longer than"),
    ],
)
async def test_a_failure_says_what_to_change(use: Use, expression: str, words: str) -> None:
    with pytest.raises(ToolError, match=words):
        await use("calc", expression=expression)


async def test_the_loop_goes_on_while_a_large_result_is_calculated(use: Use) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    heart = asyncio.create_task(beat())
    await use("calc", expression="factorial(1000) ^ 0.5")
    heart.cancel()

    assert beats > 1


def outcome(expression: str) -> str:
    began = time.monotonic()
    try:
        return evaluate(expression)
    except ToolError as error:
        return str(error)
    finally:
        assert time.monotonic() - began < 2


_numbers = st.one_of(
    st.integers(0, 10**30).map(str),
    st.decimals(0, 10**9, places=4).map(str),
    st.sampled_from(["9e9999", "1e-9999", "pi", "e"]),
)
_functions = st.sampled_from(
    ["sqrt", "exp", "ln", "log2", "sin", "tan", "factorial", "round", "gcd", "floor", "cbrt", "lcm"]
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from("+-*/^%<")
    return st.one_of(
        st.builds("({}){}({})".format, inner, operators, inner),
        st.builds("{}({})".format, _functions, inner),
        st.builds("-{}".format, inner),
    )


_expressions = st.recursive(_numbers, _larger, max_leaves=8)


@given(_expressions)
@settings(max_examples=300, deadline=None)
def test_any_arithmetic_ends_soon_with_a_result_or_a_reason(expression: str) -> None:
    assert outcome(expression)


@given(st.text(alphabet="0123456789.+-*/%^()<>=!, eflagpi_'\"[]{}\\\n", max_size=60) | st.text())
@settings(max_examples=500, deadline=None)
def test_any_text_ends_with_a_result_or_a_reason(expression: str) -> None:
    assert outcome(expression)


@given(st.integers(-(10**40), 10**40), st.integers(-(10**40), 10**40), st.sampled_from("+-*"))
def test_whole_numbers_are_exact(left: int, right: int, sign: str) -> None:
    exact = {"+": left + right, "-": left - right, "*": left * right}[sign]

    assert evaluate(f"({left}) {sign} ({right})") == str(exact)


@given(
    st.decimals(-(10**9), 10**9, places=3, allow_nan=False),
    st.decimals(-(10**9), 10**9, places=3, allow_nan=False),
)
def test_decimals_are_exact(left: object, right: object) -> None:
    result = evaluate(f"({left}) * ({right})")

    assert Fraction(result) == Fraction(str(left)) * Fraction(str(right))
