"""What a question says about when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_memo.times import asks_when, named_spans, says_i, tells_time

NOW = datetime(2024, 3, 6, 15, tzinfo=UTC)  # a Wednesday


def named(query: str, now: datetime = NOW) -> list[tuple[str, str]]:
    spans = named_spans(query, now=now, years=range(2023, 2025))
    return [
        (f"{datetime.fromtimestamp(a, UTC):%Y-%m-%d}", f"{datetime.fromtimestamp(b, UTC):%Y-%m-%d}")
        for a, b in spans
    ]


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ("What happened on 2023-05-07?", "2023-05-07", "2023-05-08"),
        ("What did we do on 7 May 2023?", "2023-05-07", "2023-05-08"),
        ("What did we do on May 7th, 2023?", "2023-05-07", "2023-05-08"),
        ("Was war am 7. Mai 2023?", "2023-05-07", "2023-05-08"),
        ("Что было 7 мая 2023?", "2023-05-07", "2023-05-08"),
        ("2023年5月7日に何をしましたか", "2023-05-07", "2023-05-08"),
        ("What did we do in February 2024?", "2024-02-01", "2024-03-01"),
        ("What was on 29 February 2024?", "2024-02-29", "2024-03-01"),
        ("What was on 31 December 2023?", "2023-12-31", "2024-01-01"),
        ("What did we do in 2024?", "2024-01-01", "2025-01-01"),
        ("What did I say yesterday?", "2024-03-05", "2024-03-06"),
        ("What did I say last week?", "2024-02-26", "2024-03-04"),
        ("What did I say last month?", "2024-02-01", "2024-03-01"),
        ("What did I say last year?", "2023-01-01", "2024-01-01"),
        ("Was habe ich gestern gesagt?", "2024-03-05", "2024-03-06"),
        ("昨天我说了什么？", "2024-03-05", "2024-03-06"),
    ],
)
def test_a_time_that_is_named(query: str, start: str, end: str) -> None:
    assert named(query) == [(start, end)]


def test_a_day_without_a_year_is_that_of_each_year() -> None:
    found = named("What did we do on 7 May?")
    assert found == [("2023-05-07", "2023-05-08"), ("2024-05-07", "2024-05-08")]


def test_a_day_that_only_some_years_have_is_of_those() -> None:
    assert named("What was on 29 February?") == [("2024-02-29", "2024-03-01")]


def test_the_month_before_january_is_of_the_year_before() -> None:
    january = datetime(2024, 1, 31, tzinfo=UTC)
    assert named("What was last month?", january) == [("2023-12-01", "2024-01-01")]


def test_days_are_those_of_utc_wherever_one_is() -> None:
    here = datetime(2024, 3, 31, 23, 30, tzinfo=timezone(-timedelta(hours=5)))
    assert named("What was yesterday?", here) == [("2024-03-31", "2024-04-01")]


@pytest.mark.parametrize(
    "query",
    [
        "You may march on.",
        "Where is the key?",
        "Before I moved, who lived there?",
        "",
    ],
)
def test_no_time_is_named(query: str) -> None:
    assert named(query) == []


def test_who_asks_for_a_time_and_of_themselves() -> None:
    for query in ("When was it?", "Wann war das?", "什么时候?", "когда это было", "متى"):
        assert asks_when(query), query
    assert not asks_when("Who whenever?"[:3])
    for query in ("What do I like?", "Was mag ich?", "我喜欢什么", "что я люблю"):
        assert says_i(query), query
    assert not says_i("What does Ann like?")


def test_texts_that_tell_a_time() -> None:
    for text in ("We met last week.", "Am Montag war es.", "In 2019.", "昨天", "Two years ago"):
        assert tells_time(text), text
    assert not tells_time("The dog is brown; it may bark.")


@given(st.text(st.characters(codec=None)), st.integers(1970, 2100))
def test_any_text_is_read(text: str, year: int) -> None:
    for start, end in named_spans(text, now=NOW, years=range(year, year + 2)):
        assert start < end
    asks_when(text), says_i(text), tells_time(text)
