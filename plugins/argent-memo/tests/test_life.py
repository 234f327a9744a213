"""How much a memory counts now."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_memo.life import Facts, weight

DAY = 86400.0
FRESH = Facts(importance=0.5, last=0.0)


def test_it_counts_half_after_its_half_life() -> None:
    assert weight(FRESH, 0.0) == 0.5
    assert weight(FRESH, 30 * DAY, half_life=30.0) == pytest.approx(0.25)


def test_what_mattered_and_what_was_said_again_counts_more() -> None:
    used = Facts(importance=0.5, last=0.0, mattered=1)
    said = Facts(importance=0.5, last=0.0, count=2)

    assert weight(used, DAY) == weight(said, DAY) > weight(FRESH, DAY)


def test_age_begins_with_the_last_use_that_mattered() -> None:
    used = Facts(importance=0.5, last=80 * DAY)

    assert weight(used, 90 * DAY) > 1.5 * weight(FRESH, 90 * DAY)


@given(
    importance=st.floats(0, 1),
    last=st.floats(-1e12, 1e12),
    now=st.floats(-1e12, 1e12),
    count=st.integers(1, 10**6),
    mattered=st.integers(0, 10**6),
    half_life=st.floats(1, 1e6),
)
def test_it_always_counts_something_and_never_more_than_all(
    importance: float, last: float, now: float, count: int, mattered: int, half_life: float
) -> None:
    facts = Facts(importance, last, count, mattered)

    assert 0 < weight(facts, now, half_life=half_life) <= 1
