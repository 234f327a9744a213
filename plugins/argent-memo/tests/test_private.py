"""What is for models of this machine only, beside questions of other models."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import argent_memo
from argent_hookspecs import (
    ContextBlock,
    ContextProvider,
    ContextRequest,
    Event,
    MemoryFilter,
    NewMemory,
    Tool,
    ToolRun,
    Trust,
)
from argent_memo.items import Place
from argent_memo.memo import Memo, memo_of
from argent_testing import Specimen, load_plugin

from .embedder_kit import ToyEmbedder, remembering

pytestmark = pytest.mark.anyio

BEGAN = datetime(2024, 3, 6, 12, tzinfo=UTC)
OPEN = MemoryFilter(audiences=("owner", "everyone"), asker="Ann", without_private=True)
TULIPS = "Tulips grow behind our shed now."
ORLANDO = "The boiler man is called Mr. Orlando and comes in October."
BOILER = "Which boiler, which man, which October?"


async def say(memo: Memo, *texts: str, days: float = 0, **fields: Any) -> None:
    place = Place(origin="turn", name="home")
    new = [
        NewMemory(
            text=text,
            said_at=BEGAN + timedelta(days=days, seconds=n),
            trust=Trust.OWNER,
            **{"speaker": "Ann", **fields},
        )
        for n, text in enumerate(texts)
    ]
    await memo.store.add_all([(one, place) for one in new])


async def texts(memo: Memo, query: str, filters: MemoryFilter = OPEN) -> list[str]:
    return [one.text for one in await memo.search(query, filters=filters)]


async def offered(specimen: Specimen, said: str, *, private: bool = False) -> list[ContextBlock]:
    """Return what recall offers in a turn with the owner."""
    (provider,) = specimen.of(ContextProvider)
    event = Event(conversation="cli:now", content=said, trust=Trust.OWNER, sender="Ann")
    now = specimen.clock.now()
    return list(
        await provider.provide(ContextRequest(event=event, budget=2000, now=now, private=private))
    )


async def fill(memo: Memo) -> None:
    names = ["apples", "bread", "candles", "drums", "eggs", "forks", "gloves", "hinges"]
    await say(memo, *(f"Something about {a} and {b}." for a in names for b in names), days=-200)


async def test_a_private_event_dates_no_open_question(tmp_path: Path) -> None:
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        memo = memo_of(specimen.ctx)
        await fill(memo)
        await say(memo, "I had my first chemotherapy at the clinic.", private=True)
        await say(memo, TULIPS, days=14)
        asked = "What happened two weeks after the chemotherapy?"

        assert not any("time" in one.why for one in await memo.search(asked, filters=OPEN))
        assert TULIPS in await texts(memo, asked, MemoryFilter())
        # Only a model of this machine is told it: whoever is told it hears when the event was.
        assert [b.private for b in await offered(specimen, asked) if TULIPS in b.text] == [True]
        answers = await offered(specimen, asked, private=True)
        assert [b.private for b in answers if TULIPS in b.text] == [False]


@pytest.mark.parametrize("only", [{"private": True}, {"audience": "club"}])
async def test_nothing_is_found_for_what_stands_beside_it_and_may_not_be(
    tmp_path: Path, only: dict[str, Any]
) -> None:
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        memo = memo_of(specimen.ctx)
        await fill(memo)
        await say(memo, "It is about Klara and the divorce lawyer.", **only)
        await say(memo, "All right, I will ring you after lunch.", days=0.0001)

        assert await texts(memo, "divorce lawyer") == []
        assert len(await texts(memo, "divorce lawyer", MemoryFilter())) == 2


async def test_what_is_open_is_found_by_meaning_behind_what_is_private(tmp_path: Path) -> None:
    async with remembering(tmp_path, ToyEmbedder()) as memo:
        await say(memo, "A hound swims in the ocean.")
        await say(memo, *(f"hound {n}" for n in range(1100)), days=1, private=True)
        await memo.embedding.settled()

        everywhere = MemoryFilter(without_private=True)
        assert await texts(memo, "Dog?", everywhere) == ["A hound swims in the ocean."]


async def test_what_was_private_before_it_was_corrected_stays_so(tmp_path: Path) -> None:
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        memo = memo_of(specimen.ctx)
        await say(memo, "I live in Berne.", private=True)
        await memo.store.correct(
            1, text="I live in Basel.", private=False, said_at=BEGAN.replace(year=2025)
        )

        assert await texts(memo, "Where did I use to live?") == ["I live in Basel."]


async def test_private_notes_leave_room_for_what_any_model_may_be_told(tmp_path: Path) -> None:
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        memo = memo_of(specimen.ctx)
        await fill(memo)
        await say(memo, ORLANDO, days=10)
        before = await offered(specimen, BOILER)
        long = "Boiler, man, October: my secret note {} about it." + " The rest is long." * 60
        await say(memo, *(long.format(n) for n in range(9)), days=150, private=True)
        after = await offered(specimen, BOILER)

        assert [b.text for b in after if not b.private] == [b.text for b in before]
        assert sum("secret note" in b.text for b in after if b.private) >= 2
        assert len({b.source for b in after}) == len(after)


async def test_tools_find_what_lies_behind_much_that_is_private(tmp_path: Path) -> None:
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        memo = memo_of(specimen.ctx)
        notes = [f"The boiler note number {n}: the boiler is hot." for n in range(60)]
        await say(memo, *notes, private=True)
        await say(memo, ORLANDO, days=0.5)
        event = Event(conversation="cli:x", content="boiler", trust=Trust.OWNER, sender="Ann")
        run = ToolRun(key="k", conversation="cli:x", event=event, turn="t")
        tools = {tool.id: tool for tool in specimen.of(Tool)}

        found = await tools["memory_search"].run(query="hot boiler note", run=run)
        listed = await tools["memory_timeline"].run(since="2024-03-01", run=run)
    for told in (found, listed):
        assert ORLANDO in str(told)
        assert "hot" not in str(told)
