"""What is read from a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_router_learned.reading import READ, SHAPE, read


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    reading = read(text)

    assert len(reading.shape) == len(SHAPE)
    assert all(value >= 0 and value == value for value in reading.shape)


def test_capitals_make_no_other_word() -> None:
    assert read("Prove It").words == read("prove it").words


def test_a_language_without_spaces_has_more_than_one_word() -> None:
    words = read("明日の天気を教えてください").words

    assert len(words) > 4
    assert len(set(words) & set(read("明日の天気は").words)) >= 2


@pytest.mark.parametrize("more", [1, 10_000])
def test_only_the_ends_of_a_long_text_are_looked_at(more: int) -> None:
    text = "a " * (READ // 2)
    long = read(f"beginning {text}{'b ' * more}{text} end")

    assert set(read("beginning").words) <= set(long.words)
    assert set(read("end").words) <= set(long.words)
    assert long.words.keys().isdisjoint(read("b").words)
