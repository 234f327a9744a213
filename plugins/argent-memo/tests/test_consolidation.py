"""Many episodes that say the same become one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import argent_memo
from argent_hookspecs import Memory, MemoryFilter, NewMemory, Trust
from argent_memo import derived
from argent_memo.consolidation import Consolidation
from argent_memo.items import Place
from argent_memo.memo import Memo, memo_of
from argent_testing import FakeClock, load_plugin

pytestmark = pytest.mark.anyio
DAY = 86400.0
RUNS = (
    "I went for a run along the river.",
    "I went for a long run along the river.",
    "Went for a run along the river.",
)


class Days:
    """A memory over many days."""

    def __init__(self, memo: Memo, clock: FakeClock) -> None:
        self.memo = memo
        self.clock = clock

    async def say(self, *texts: str, **facts: Any) -> list[int]:
        ids = []
        for text in texts:
            self.clock.jump(DAY)
            given = {"trust": Trust.OWNER, "speaker": "Eva", **facts}
            ids.append(await self.memo.add(NewMemory(text=text, **given)))
        return ids

    async def night(self) -> list[Memory]:
        await Consolidation(self.memo.store).run()
        return await self.memo.store.timeline(MemoryFilter(), limit=100)


@pytest.fixture
async def days(tmp_path: Path) -> AsyncIterator[Days]:
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        yield Days(memo_of(specimen.ctx), specimen.clock)


async def test_what_was_said_on_many_days_is_one_with_its_dates(days: Days) -> None:
    first = days.clock.now()
    await days.say(*RUNS, "The bus was late.")
    one, other = await days.night()

    assert (one.text, one.kind, one.count) == (RUNS[1], "semantic", 3)
    assert (one.trust, one.speaker) == (Trust.OWNER, "Eva")
    assert one.holds_from is not None
    assert (one.holds_from - first).days == 1
    assert (one.said_at - one.holds_from).days == 2
    assert other.text == "The bus was late."
    assert [found.text for found in await days.memo.search("Did I run?")] == [RUNS[1]]


async def test_two_are_not_many(days: Days) -> None:
    await days.say(*RUNS[:2])

    assert len(await days.night()) == 2


@pytest.mark.parametrize(
    "texts",
    [
        [f"I ran {n} km along the river today." for n in (5, 6, 7)],
        ["I like tea with milk.", "I do not like tea with milk.", "I never like tea with milk."],
        [f"I had lunch with {name} in town." for name in ("Ann", "Bob", "Carl")],
        ["See you on Monday at noon.", "See you on Tuesday at noon.", "See you on Friday at noon."],
    ],
)
async def test_what_differs_in_a_value_is_not_the_same(days: Days, texts: list[str]) -> None:
    await days.say(*texts)

    assert sorted(one.text for one in await days.night()) == sorted(texts)


@pytest.mark.parametrize(
    "facts", [{"audience": "club"}, {"private": True}, {"trust": Trust.OUTSIDE}, {"speaker": "Bob"}]
)
async def test_what_others_said_or_may_hear_stays_apart(days: Days, facts: dict[str, Any]) -> None:
    await days.say(*RUNS[:2])
    await days.say(RUNS[2], **facts)

    assert len(await days.night()) == 3


async def test_what_adds_something_stays(days: Days) -> None:
    longest = "Well, yes, I went for a run along the river and felt good."
    adding = "Yes, I went for a run along the river and felt bad."
    shorter = "I went for a run along the river and felt good."
    await days.say(longest, shorter, adding, f"Well, {shorter}")
    kept = await days.night()

    assert [(one.text, one.count) for one in kept] == [(adding, 1), (longest, 3)]


async def test_it_goes_on_from_night_to_night(days: Days) -> None:
    await days.say(*RUNS)
    await days.night()
    await days.say("I went for a run along the river.")
    (one,) = await days.night()

    assert one.count == 4


async def test_when_one_is_forgotten_the_others_come_back(days: Days, tmp_path: Path) -> None:
    ids = await days.say(*RUNS[:2], "I went for a long run along the zwiebelbach river.")
    (one,) = await days.night()
    gone = await days.memo.store.forget([ids[2]])

    assert one.id in gone.made_of_them
    texts = [found.text for found in await days.memo.store.timeline(MemoryFilter(), limit=9)]
    assert texts == list(RUNS[:2])
    assert len(await days.memo.search("run river")) == 2
    assert b"zwiebel" not in (tmp_path / "data" / "memory.db").read_bytes().lower()


async def test_when_it_is_forgotten_itself_its_words_go(days: Days, tmp_path: Path) -> None:
    ids = await days.say(*RUNS[:2], "I went for a long run along the zwiebelbach river.")
    (one,) = await days.night()
    gone = await days.memo.store.forget([one.id])

    assert gone.items == (one.id, *ids)
    assert await days.memo.search("run river") == []
    assert b"zwiebel" not in (tmp_path / "data" / "memory.db").read_bytes().lower()


async def test_what_is_summed_up_stays_so_when_something_else_is_forgotten(days: Days) -> None:
    ids = await days.say(*RUNS)
    new = NewMemory(text="Eva is fond of the outdoors.", trust=Trust.OWNER)
    place = Place(origin="tool")
    fact = await derived.keep(days.memo.store, new, place=place, of=ids[:1])
    await days.night()
    await days.memo.forget([fact])

    assert [(one.text, one.count) for one in await days.memo.search("run")] == [(RUNS[1], 3)]


async def test_what_a_source_said_again_is_no_longer_counted(days: Days) -> None:
    for source in ("home", "file"):
        await days.say(*RUNS, source=source)
    (one,) = await days.night()
    await days.memo.store.forget_source("file")
    (left,) = await days.memo.search("run")

    assert (one.count, left.id, left.count) == (6, one.id, 3)


async def test_what_its_correction_replaced_does_not_come_back(days: Days) -> None:
    ids = await days.say(*RUNS)
    (one,) = await days.night()
    await days.memo.store.correct(one.id, text="I walk along the river.", trust=Trust.OWNER)
    await days.memo.forget(ids[:1])

    assert [one.text for one in await days.memo.search("river")] == ["I walk along the river."]
