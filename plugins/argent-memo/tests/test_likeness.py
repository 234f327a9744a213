"""Whether texts say the same, or the same but for a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_memo.likeness import compare


@pytest.mark.parametrize(
    ("first", "second", "value"),
    [
        ("Ann lives in Bern.", "Ann lives in Basel.", "name"),
        ("Anna wohnt in Bern.", "Anna wohnt in Basel.", "name"),
        ("Анна живёт в Москве.", "Анна живёт в Киеве.", "name"),
        ("Ann lives in New York", "Ann lives in Basel", "name"),
        ("Ann is 34 years old.", "Ann is 35 years old.", "number"),
        ("The rent is 1,200 francs.", "The rent is 1,300 francs.", "number"),
        ("安住在伯尔尼，今年34岁。", "安住在伯尔尼，今年35岁。", "number"),
        ("The dentist is on Monday.", "The dentist is on Tuesday.", "time"),
        ("Ann likes tea.", "Ann does not like tea.", "negation"),
        ("Ann likes tea.", "Ann doesn't like tea.", "negation"),
        ("Anna mag Tee.", "Anna mag keinen Tee.", "negation"),
        ("Anna aime le thé.", "Anna n'aime pas le thé.", "negation"),
        ("Анна любит чай.", "Анна не любит чай.", "negation"),
        ("安喜欢喝茶", "安不喜欢喝茶", "negation"),
        ("Ann likes tea", "Ann likes coffee", ""),
        ("Ann lives in Bern.", "Ann works in Bern.", ""),
        ("Ann lives in Bern.", "Ann lives in Bern.", ""),
        ("Ann lives in Bern.", "Bob has 3 cats.", ""),
        ("Bern", "Basel", ""),
    ],
)
def test_one_value_that_differs_is_told_from_all_else(first: str, second: str, value: str) -> None:
    assert compare(first, second).value == compare(second, first).value == value


def test_what_adds_nothing_is_told() -> None:
    long, short = "I go for a run every morning before work.", "I go for a run every morning."

    assert not compare(long, short).adds
    assert compare(short, long).adds
    assert compare(long, short).share > 0.8


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_texts_compare(first: str, second: str) -> None:
    assert 0 <= compare(first, second).share <= 1


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Z", "M"]), max_size=200))
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    same = compare(text, text)

    assert not same.value
    assert same.share in (0, 1)
