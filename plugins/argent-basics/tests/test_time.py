from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argent_basics.time import time_tool
from argent_hookspecs import ToolError

pytestmark = pytest.mark.anyio
Use = Callable[..., Awaitable[Any]]


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 11, 20, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


TIME = time_tool(Noon(), zone="UTC")


def answer(**arguments: str) -> str:
    return asyncio.run(TIME.run(**arguments))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "Friday 20 November 2026, 06:30:00 (Europe/Berlin, UTC+01:00)"),
        ({"zone": "Tokyo"}, "14:30:00 (Asia/Tokyo, UTC+09:00)"),
        ({"zone": "new york"}, "00:30:00 (America/New_York, UTC-05:00)"),
        ({"zone": "Paris, France"}, "Europe/Paris"),
        ({"zone": "São Paulo"}, "America/Sao_Paulo"),
        ({"zone": "Beijing"}, "13:30:00 (Asia/Shanghai"),
        ({"zone": "Germany"}, "Europe/Berlin"),
        ({"zone": "India"}, "11:00:00 (Asia/Kolkata, UTC+05:30)"),
        ({"zone": "UTC+2"}, "07:30:00 (UTC+02:00)"),
        (
            {"date": "15:00", "from_zone": "New York", "zone": "Tokyo"},
            "15:00:00 (America/New_York, UTC-05:00) is Saturday 21 November 2026, 05:00:00 (Asia",
        ),
        ({"date": "2026-01-01T10:00:00Z", "zone": "Tokyo"}, "19:00:00 (Asia/Tokyo"),
        ({"date": "10:00 EST"}, "16:00:00 (Europe/Berlin"),
        ({"date": "3pm tomorrow"}, "Saturday 21 November 2026, 15:00:00"),
        ({"date": "2026-12-25"}, "Friday 25 December 2026"),
        ({"date": "next friday"}, "27 November 2026"),
        ({"date": "last monday"}, "16 November 2026"),
        ({"date": "2026-01-31", "add": "1 month"}, "Saturday 28 February 2026"),
        ({"date": "today", "add": "2 weeks ago"}, "Friday 6 November 2026"),
        ({"add": "1 month and 2 days 3 hours"}, "Tuesday 22 December 2026, 09:30:00"),
        ({"add": "90 minutes"}, "08:00:00"),
        ({"until": "2026-12-25"}, "35 days (5 weeks, or 1 month 5 days)"),
        ({"date": "2026-12-25", "until": "today"}, "-35 days"),
        ({"date": "10:00", "until": "11:30"}, "1 hour 30 minutes"),
        ({"date": "today", "until": "20 November"}, "0 days"),
    ],
)
async def test_questions_get_their_answer(use: Use, arguments: dict[str, str], words: str) -> None:
    assert words in await use("time", **arguments)


async def test_a_day_is_by_the_calendar_and_hours_by_the_clock(use: Use) -> None:
    before = "2026-03-28 12:00"

    assert "29 March 2026, 12:00:00" in await use("time", date=before, add="1 day")
    assert "29 March 2026, 13:00:00" in await use("time", date=before, add="24 hours")


async def test_a_time_that_the_clocks_skip_becomes_the_one_they_show(use: Use) -> None:
    assert "03:30:00 (Europe/Berlin, UTC+02:00)" in await use("time", date="2026-03-29 02:30")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"zone": "Tokio"}, "did you mean Asia/Tokyo"),
        ({"zone": "USA"}, "choose a city: America/New_York, America/Chicago"),
        ({"zone": "../../etc/passwd"}, "no time zone is known"),
        ({"zone": "UTC+99"}, "no place is 99 hours"),
        ({"date": "garbage"}, "not a date or time; write 2026-12-31"),
        ({"date": "2026-02-30"}, "not a date or time"),
        ({"date": "10:00 XYZ"}, "no time zone is known for 'XYZ'"),
        ({"add": "lots"}, "not an amount of time such as '3 days'"),
        ({"add": "1.5 days"}, "whole numbers"),
        ({"add": "999999999 years"}, "years 1 to 9999"),
        ({"date": "0001-01-01 00:00", "from_zone": "Tokyo", "zone": "UTC"}, "years 1 to 9999"),
    ],
)
async def test_a_failure_says_what_to_change(
    use: Use, arguments: dict[str, str], words: str
) -> None:
    with pytest.raises(ToolError, match=words):
        await use("time", **arguments)


async def test_without_a_setting_the_machine_decides() -> None:
    assert "UTC" in await time_tool(Noon()).run()


@given(st.dates(date(1, 1, 2), date(9998, 1, 1)), st.integers(-3000, 3000))
@settings(max_examples=100, deadline=None)
def test_adding_days_is_undone_by_the_difference(start: date, days: int) -> None:
    try:
        end = start + timedelta(days=days)
    except OverflowError:
        end = None
    if end is None:
        with pytest.raises(ToolError):
            answer(date=start.isoformat(), add=f"{days} days")
        return

    assert end.isoformat() in answer(date=start.isoformat(), add=f"{days} days")
    assert answer(date=start.isoformat(), until=end.isoformat()).startswith(f"{days} day")


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_words_end_with_an_answer_or_a_reason(one: str, two: str, three: str) -> None:
    for arguments in ({"date": one, "add": two}, {"zone": three}, {"until": one}):
        try:
            assert answer(**arguments)
        except ToolError as error:
            assert str(error)
