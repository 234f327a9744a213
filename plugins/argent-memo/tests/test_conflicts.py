"""Facts that cannot both hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import argent_memo
from argent_hookspecs import MemoryKind, NewMemory, Trust
from argent_memo import conflicts
from argent_memo.entities import Entities
from argent_memo.memo import Memo, memo_of
from argent_testing import Argent, FakeClock, load_plugin

from .conftest import Neighbour, history, told

pytestmark = pytest.mark.anyio
DAY = 86400.0


class Facts:
    """A memory of facts."""

    def __init__(self, memo: Memo, clock: FakeClock) -> None:
        self.memo = memo
        self.clock = clock

    async def add(self, text: str, *, days: float = 0.0, **facts: Any) -> int:
        """Keep a fact, some days later."""
        self.clock.jump(days * DAY)
        given = {"kind": MemoryKind.FACT, "trust": Trust.OWNER, "speaker": "Eva", **facts}
        return await self.memo.add(NewMemory(text=text, **given))

    async def open(self) -> list[tuple[str, str]]:
        found = await self.memo.store.database.read(conflicts.unsettled)
        count = await self.memo.store.database.read(conflicts.count)
        assert count == len(found)
        return [(one.older.text, one.newer.text) for one in found]

    async def found(self, query: str) -> list[str]:
        return [one.text for one in await self.memo.search(query)]


@pytest.fixture
async def facts(tmp_path: Path) -> AsyncIterator[Facts]:
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        yield Facts(memo_of(specimen.ctx), specimen.clock)


async def test_what_has_only_common_words_is_compared_with_none(
    facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await facts.add("Ann lives in Bern.")
        await facts.add("Ann lives near Bern, by the way.", audience="club")
    monkeypatch.setattr(conflicts, "_POSTINGS", 1)
    await facts.add("Ann lives in Basel.", days=30)
    assert await facts.open() == []
    assert set(await facts.found("Where does Ann live?")) >= {"Ann lives in Bern."}

    monkeypatch.undo()
    await facts.add("Ann lives in Biel.", days=30)
    assert len(await facts.open()) == 2


async def test_the_owners_newer_word_settles_it_and_the_older_is_history(facts: Facts) -> None:
    await facts.add("Ann lives in Bern.")
    new = await facts.add("Ann lives in Basel.", days=30)

    assert await facts.found("Where does Ann live?") == ["Ann lives in Basel."]
    assert await history(facts.memo, new) == ["Ann lives in Bern."]
    assert await facts.open() == []


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({}, {"trust": Trust.PAIRED}),
        ({}, {"trust": Trust.OUTSIDE}),
        ({"speaker": "Bob", "trust": Trust.PAIRED}, {}),
        ({}, {"kind": MemoryKind.DECISION}),
        ({}, {"days": 0.5}),
        ({}, {"days": -40}),
    ],
)
async def test_what_nothing_settles_is_told_with_both_dates(
    facts: Facts, older: dict[str, Any], newer: dict[str, Any]
) -> None:
    await facts.add("I met Ann.", kind=MemoryKind.EPISODIC)
    await Entities(facts.memo.store.database, facts.clock).learn()
    await facts.add("Ann lives in Bern.", **older)
    await facts.add("Ann lives in Basel.", **{"days": 30, **newer})

    assert {frozenset(pair) for pair in await facts.open()} == {
        frozenset({"Ann lives in Bern.", "Ann lives in Basel."})
    }
    assert {"Ann lives in Bern.", "Ann lives in Basel."} <= {*await facts.found("Ann lives")}


@pytest.mark.parametrize(
    "newer",
    [
        {"text": "Ann lives in Basel.", "audience": "club"},
        {"text": "Ann lives in Basel.", "private": True},
        {"text": "Ann lives in Basel.", "kind": MemoryKind.EPISODIC},
        {"text": "Ann works in Bern."},
        {"text": "Ann lives in Bern with Bob."},
        {"text": "I live in Basel.", "speaker": "Bob"},
    ],
)
async def test_what_can_both_hold_is_left_alone(facts: Facts, newer: dict[str, Any]) -> None:
    await facts.add("Ann lives in Bern.")
    await facts.add("I live in Bern.")
    await facts.add(**{"days": 30, **newer})

    assert await facts.open() == []
    assert "Ann lives in Bern." in await facts.found("Ann Bern")


async def test_what_makes_a_list_is_no_change(facts: Facts) -> None:
    await facts.add("Ann has been to Rome.")
    await facts.add("Ann has been to Paris.")
    await facts.add("Ann has been to Oslo.", days=30)

    assert len(await facts.found("Where has Ann been to?")) == 3


async def test_many_of_a_kind_do_not_disagree(facts: Facts) -> None:
    for place in ("Rome", "Paris", "Oslo", "Bern", "Lima", "Cork"):
        await facts.add(f"Ann has been to {place}.", days=10, trust=Trust.PAIRED)

    assert await facts.open() == []


async def test_a_conflict_ends_when_one_side_goes(facts: Facts) -> None:
    await facts.add("Ann is 34 years old.")
    wrong = await facts.add("Ann is 43 years old.")
    assert len(await facts.open()) == 1
    await facts.memo.forget([wrong])

    assert await facts.open() == []


async def test_recall_tells_both_sides_with_their_dates(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["One of the two."]):
        facts = Facts(neighbour.memo(), argent.clock)
        await facts.add("Ann is 34 years old.")
        await facts.add("Ann is 35 years old.", days=30, trust=Trust.PAIRED)
        await argent.channel.ask("How old is Ann?")

    shown = told(argent.model.requests[0])
    assert "Ann is 34 years old. (This does not agree with what was said on 2026-02-01.)" in shown
    assert "Ann is 35 years old. (This does not agree with what was said on 2026-01-02.)" in shown
