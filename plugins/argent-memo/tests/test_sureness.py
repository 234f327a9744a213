"""How sure a find is, and what is found where nothing fits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import argent_memo
from argent_hookspecs import MemoryFilter, NewMemory, Trust
from argent_memo.items import Place
from argent_memo.memo import Memo, memo_of
from argent_testing import load_plugin

pytestmark = pytest.mark.anyio

BEGAN = datetime(2024, 3, 6, 12, tzinfo=UTC)


@pytest.fixture
async def memo(tmp_path: Path) -> AsyncIterator[Memo]:
    """A memory of 400 things, each said on a day of its own, and one about a harbour."""
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        memo = memo_of(specimen.ctx)
        texts = [f"The {n}th of the apples is red, and is in the garden." for n in range(400)]
        texts.append("The harbour of Ulm is closed for the whole of the winter.")
        await memo.store.add_all(
            [
                (
                    NewMemory(text=text, speaker="Ann", said_at=BEGAN + timedelta(days=n)),
                    Place(origin="turn", name="home"),
                )
                for n, text in enumerate(texts)
            ]
        )
        yield memo


async def test_what_the_question_names_is_sure(memo: Memo) -> None:
    found = await memo.search("Why is the harbour closed?")

    assert "harbour" in found[0].text
    assert found[0].sureness > 0.5


@pytest.mark.parametrize("query", ["the and of", "is it in the", "What is it?"])
async def test_words_that_stand_everywhere_ask_for_nothing(memo: Memo, query: str) -> None:
    found = await memo.search(query)

    assert len(found) <= 2
    assert all(one.sureness == 0.0 for one in found)


async def test_what_has_nothing_in_common_is_not_found(memo: Memo) -> None:
    assert await memo.search("xyzzy plugh frobnitz") == []


@pytest.mark.parametrize("time", ["today", "this week", "this month"])
async def test_what_was_said_in_a_time_that_is_not_over_is_not_sure(memo: Memo, time: str) -> None:
    asked = f"How warm does it get on Elba {time}?"
    await memo.add(NewMemory(text="Paul is angry about a fence.", speaker="Ann"))
    (found, *_) = await memo.search(asked)

    assert found.text == "Paul is angry about a fence."
    assert found.sureness < 0.2
    assert await memo.searching.find(asked, floor=0.2) == []


async def test_of_somebody_that_nobody_has_named_little_is_sure(memo: Memo) -> None:
    (sure, *_), (doubtful, *_) = [
        await memo.search(f"When did {who} say that the garden gnome closed?")
        for who in ("we", "Xia")
    ]

    assert doubtful.sureness < sure.sureness


async def test_what_merely_asks_stands_behind_what_tells(memo: Memo) -> None:
    asked = "Where does my sister live now?"
    for n in range(3):
        said_at = BEGAN + timedelta(days=500 + n)
        await memo.add(NewMemory(text=asked, said_at=said_at, key=f"q{n}", trust=Trust.OWNER))
    await memo.add(NewMemory(text="My sister has moved to Bern, by the river.", said_at=BEGAN))

    found = await memo.search(asked)

    assert "Bern" in found[0].text


async def test_a_noun_is_no_strangers_name(memo: Memo) -> None:
    told = "Mein Handy liegt meistens auf dem Schrank, bei der Lampe und dem Buch."
    await memo.add(NewMemory(text=told, speaker="Ann", said_at=BEGAN))
    (large, *_), (small, *_) = [
        await memo.search(asked)
        for asked in ("Wo liegt mein Telefon meistens?", "wo liegt mein telefon meistens?")
    ]

    assert large.text == small.text == told
    assert large.sureness == small.sureness


async def test_who_is_named_elsewhere_is_no_less_a_stranger_here(memo: Memo) -> None:
    group = MemoryFilter(audiences=("telegram:-7", "everyone"))
    said = "The boat of the club is in the harbour, and it is red."
    await memo.add(NewMemory(text=said, speaker="Ivo", audience="telegram:-7"))
    asked = "Did Ivo say where Zebulon is, and whether the boat is in the harbour?"
    (before, *_) = await memo.search(asked.replace("Ivo", "anybody"), filters=group)
    await memo.add(NewMemory(text="Zebulon owes me money.", audience="owner", private=True))
    (after, *_) = await memo.search(asked.replace("Ivo", "anybody"), filters=group)

    assert abs(after.sureness - before.sureness) < 0.02


async def test_a_word_that_is_worth_nothing_hides_no_day(memo: Memo) -> None:
    for n in range(80):
        text = f"We go on and on about it, number {n}."
        await memo.add(NewMemory(text=text, speaker="Ann", said_at=BEGAN))
    sailed = NewMemory(text="Sailed round Elba.", said_at=BEGAN - timedelta(days=300))
    await memo.add(sailed)

    asked = f"What was going on on {sailed.said_at:%d %B %Y}?"
    assert "Elba" in (await memo.search(asked, 3))[0].text
