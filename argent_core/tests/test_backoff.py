from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_core.backoff import backoff


@given(attempt=st.integers(1, 10_000))
def test_a_wait_lies_between_half_and_all_of_its_ceiling(attempt: int) -> None:
    ceiling = min(300.0, 2.0 ** min(attempt - 1, 30))

    assert ceiling / 2 <= backoff(attempt) <= ceiling


@given(attempt=st.integers(1, 10_000), longest=st.floats(0.1, 1e6))
def test_no_wait_is_longer_than_the_longest(attempt: int, longest: float) -> None:
    assert 0 < backoff(attempt, longest=longest) <= longest


def test_those_who_failed_together_do_not_come_back_together() -> None:
    assert len({backoff(5) for _ in range(50)}) > 40


@pytest.mark.parametrize("first", [0.1, 1.0, 30.0])
def test_the_first_wait_can_be_chosen(first: float) -> None:
    assert first / 2 <= backoff(1, first=first) <= first
