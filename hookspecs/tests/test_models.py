from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_hookspecs import FREE, Finish, FinishReason, Price, Usage


@given(st.integers(min_value=0), st.integers(min_value=0))
def test_tokens_are_counted_from_nothing_upwards(sent: int, received: int) -> None:
    usage = Usage(input_tokens=sent, output_tokens=received)

    assert (usage.input_tokens, usage.output_tokens) == (sent, received)


@pytest.mark.parametrize("wrong", [{"input_tokens": -1}, {"output_tokens": -1}])
def test_fewer_tokens_than_none_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=">= 0"):
        Usage(**wrong)


def test_tokens_are_whole() -> None:
    with pytest.raises(TypeError, match="int"):
        Usage(input_tokens=1.5)  # type: ignore[arg-type]


def test_nobody_is_paid_for_asking() -> None:
    with pytest.raises(ValueError, match=">= 0"):
        Price(input=-1, output=0)
    assert (FREE.input, FREE.output) == (0, 0)


@pytest.mark.parametrize("reason", FinishReason)
def test_a_reason_may_be_given_by_name(reason: FinishReason) -> None:
    assert Finish(reason=reason.value).reason is reason
