from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from argent_core.database import open_database
from argent_core.outbound import outbox as rows
from argent_core.paths import Home
from argent_core.schema import MIGRATIONS
from argent_hookspecs import Address, Reply

from .conftest import Run

Stored = Callable[..., None]


@pytest.fixture
def stored(alone: Home) -> Stored:
    """Put replies on record that a filter has held back."""

    def store(*keys: str, held: str = "sieve: rude") -> None:
        async def work() -> None:
            async with open_database(alone.kernel_database, MIGRATIONS) as database:
                for key in keys:
                    reply = Reply(
                        key=key,
                        to=Address("mail", "x"),
                        text=f"Damn {key}.",
                        turn="t",
                        conversation="c",
                    )
                    await database.write(
                        lambda tx, one=reply: rows.put(tx, one, now=1e9, held=held)
                    )

        asyncio.run(work())

    return store


class TestList:
    def test_newest_first(self, argent: Run, stored: Stored) -> None:
        stored("one", "two")

        shown, as_json = argent("replies", "list"), argent("replies", "list", "--json")

        head, first, second = shown.output.splitlines()
        assert head.split() == ["KEY", "STATE", "CHANNEL", "CREATED", "WHAT"]
        assert first.split()[:3] == ["two", "held", "mail"]
        assert first.endswith("Damn two. [sieve: rude]")
        assert second.split()[0] == "one"
        assert [reply["key"] for reply in json.loads(as_json.output)] == ["two", "one"]

    def test_of_one_state_or_no_more_than_so_many(self, argent: Run, stored: Stored) -> None:
        stored("one", "two")
        stored("three", held="")

        held = json.loads(argent("replies", "list", "--state", "held", "--json").output)
        newest = json.loads(argent("replies", "list", "--limit", "1", "--json").output)

        assert [reply["key"] for reply in held] == ["two", "one"]
        assert [reply["key"] for reply in newest] == ["three"]

    def test_when_there_are_none(self, argent: Run, alone: Home) -> None:
        assert argent("replies", "list").output == "There are none.\n"


def test_one_is_shown_by_the_beginning_of_its_key(argent: Run, stored: Stored) -> None:
    stored("one", "two")

    rows = dict(line.split(None, 1) for line in argent("replies", "show", "t").output.splitlines())

    assert (rows["key"], rows["state"], rows["says"]) == (
        "two",
        "held",
        "Damn two. [sieve: rude]",
    )


def test_one_that_is_held_is_retried(argent: Run, stored: Stored) -> None:
    stored("one")

    assert argent("replies", "retry", "one").output == "Reply one is pending now.\n"
    assert json.loads(argent("replies", "show", "one", "--json").output)["state"] == "pending"


def test_one_that_is_dropped_stays_on_record(argent: Run, stored: Stored) -> None:
    stored("one")

    assert argent("replies", "drop", "one").output == "Reply one is dead now.\n"
    assert json.loads(argent("replies", "show", "one", "--json").output)["reason"] == "dropped"


def test_a_key_that_is_none(argent: Run, alone: Home) -> None:
    shown = argent("replies", "retry", "zzz")

    assert shown.exit_code == 1
    assert "there is no reply 'zzz'; see: argent replies list" in shown.output


def test_status_leads_there(argent: Run, stored: Stored) -> None:
    stored("one")

    assert "see them with: argent replies list" in argent("status").output
