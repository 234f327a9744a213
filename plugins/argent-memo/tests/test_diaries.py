"""Of several things that are alike, that of the time is found that a question names."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import argent_memo
from argent_hookspecs import Memory, MemoryFilter, MemoryKind, NewMemory, Trust
from argent_memo.items import Place
from argent_memo.memo import Memo, memo_of
from argent_memo.recall import in_words
from argent_testing import FakeClock, load_plugin

from .embedder_kit import ToyEmbedder, remembering

pytestmark = pytest.mark.anyio

DIARIES: dict[str, Any] = json.loads(Path(__file__).with_name("diaries.json").read_text("utf-8"))
"""The same diary in several languages, and questions with the place of the entry they ask for."""
NOW = datetime(2024, 3, 6, 15, tzinfo=UTC)
FIRST = 3


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)


async def answers(memo: Memo, language: str) -> dict[str, list[str]]:
    diary = DIARIES["languages"][language]
    for day, text in zip(DIARIES["dates"], diary["items"], strict=True):
        said = NewMemory(text=text, speaker="Ann", said_at=at(day))
        await memo.store.add(said, Place(origin="turn", name="diary"))
    return {
        asked: [memory.text for memory in await memo.search(asked, FIRST)]
        for asked, _ in diary["questions"]
    }


@pytest.mark.parametrize("language", DIARIES["languages"])
async def test_the_entry_of_that_time_is_among_the_first(language: str, tmp_path: Path) -> None:
    diary = DIARIES["languages"][language]
    async with load_plugin(argent_memo, folder=tmp_path, clock=FakeClock(NOW)) as specimen:
        found = await answers(memo_of(specimen.ctx), language)
    right = {asked: diary["items"][place] for asked, place in diary["questions"]}
    assert [asked for asked in right if right[asked] not in found[asked]] == []
    assert sum(found[asked][0] == right[asked] for asked in right) >= 0.6 * len(right)


async def test_an_event_is_known_by_other_words_too(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    async with remembering(tmp_path, ToyEmbedder(), clock=clock) as memo:
        for day, text in (
            ("2023-01-10", "The walk went round the pond."),
            ("2023-05-01", "The dog is ours from today on."),
            ("2023-08-01", "The walk went round the castle."),
        ):
            await memo.add(NewMemory(text=text, said_at=at(day)))
        await memo.embedding.settled()
        before = await memo.search("Where did the walk go before the hound came?")
        after = await memo.search("Where did the walk go after the hound came?")
    walks = [[one.text for one in found if "walk" in one.text] for found in (before, after)]
    assert [found[0] for found in walks] == [
        "The walk went round the pond.",
        "The walk went round the castle.",
    ]


async def test_an_event_that_others_told_of_says_nothing(tmp_path: Path) -> None:
    async with load_plugin(argent_memo, folder=tmp_path, clock=FakeClock(NOW)) as specimen:
        memo = memo_of(specimen.ctx)
        for day, text, audience in (
            ("2023-01-10", "The walk went round the pond.", "owner"),
            ("2023-05-01", "The dog is ours from today on.", "club"),
            ("2023-08-01", "The walk went round the castle.", "owner"),
        ):
            await memo.add(NewMemory(text=text, said_at=at(day), audience=audience))
        asked = "Where did the walk go before the dog came?"
        mine = await memo.search(asked, filters=MemoryFilter(audiences=("owner",)))
        all = await memo.search(asked)
    walks = [[one.text for one in found if "walk" in one.text] for found in (mine, all)]
    assert [found[0] for found in walks] == [
        "The walk went round the castle.",
        "The walk went round the pond.",
    ]


async def test_a_date_far_from_an_event_in_a_text_is_not_its_date(tmp_path: Path) -> None:
    async with load_plugin(argent_memo, folder=tmp_path, clock=FakeClock(NOW)) as specimen:
        memo = memo_of(specimen.ctx)
        gossip = "They spoke of this and that. " * 20
        for day, text in (
            ("2021-01-10", "The walk went round the pond."),
            ("2023-05-01", f"The dog came to us. {gossip} The roof was new on 3 May 2020."),
            ("2023-08-01", "The walk went round the castle."),
        ):
            await memo.add(NewMemory(text=text, said_at=at(day)))
        found = await memo.search("Where did the walk go before the dog came?")
    walks = [one.text for one in found if "walk" in one.text]
    assert walks[0] == "The walk went round the pond."


async def test_what_is_counted_from_an_event_is_about_so_far_from_it(tmp_path: Path) -> None:
    async with load_plugin(argent_memo, folder=tmp_path, clock=FakeClock(NOW)) as specimen:
        memo = memo_of(specimen.ctx)
        for day, text in (
            ("2023-05-01", "The exam in chemistry was hard."),
            ("2023-05-02", "We painted the long fence behind the shed."),
            ("2023-05-16", "We planted tulips behind the shed."),
            ("2023-08-01", "We mended the roof of the shed."),
        ):
            await memo.add(NewMemory(text=text, said_at=at(day)))
        found = [
            await memo.search(f"What did we do {time} the exam?")
            for time in ("two weeks after", "in the week after", "three months after")
        ]
    first = [next(one.text for one in of if "exam" not in one.text) for of in found]
    assert first == [
        "We planted tulips behind the shed.",
        "We painted the long fence behind the shed.",
        "We mended the roof of the shed.",
    ]


async def test_summer_is_when_it_is_where_somebody_lives(tmp_path: Path) -> None:
    async with load_plugin(
        argent_memo,
        folder=tmp_path,
        clock=FakeClock(NOW),
        settings={"timeZone": "Australia/Sydney"},
    ) as specimen:
        memo = memo_of(specimen.ctx)
        for day, text in (("2023-07-01", "We swam indoors."), ("2024-01-15", "We swam outside.")):
            await memo.add(NewMemory(text=text, said_at=at(day)))
        found = await memo.search("Where have we swum last summer?")
    assert found[0].text == "We swam outside."


async def lived(memo: Memo, *places: tuple[str, str], audience: str = "owner") -> list[int]:
    """Say where somebody lives, each time as what takes the place of what was said before."""
    ids: list[int] = []
    for place, day in places:
        fact = NewMemory(
            text=f"I live in {place}.",
            kind=MemoryKind.FACT,
            speaker="Ann",
            said_at=at(day),
            trust=Trust.OWNER,
            audience=audience,
            supersedes=ids[-1] if ids else None,
        )
        ids.append(await memo.store.add(fact, Place(origin="tool")))
    return ids


async def found_by(tmp_path: Path, query: str, **filters: Any) -> list[Memory]:
    async with load_plugin(argent_memo, folder=tmp_path, clock=FakeClock(NOW)) as specimen:
        memo = memo_of(specimen.ctx)
        await lived(
            memo, ("Hamburg", "2020-02-01"), ("Bremen", "2021-02-01"), ("Berlin", "2023-05-03")
        )
        return list(await memo.search(query, filters=MemoryFilter(**filters)))


@pytest.mark.parametrize(
    "query",
    [
        "Where did I live before Berlin?",
        "Where did I use to live, before I moved to Berlin?",
        "Wo wohnte ich vor Berlin?",
        "¿Dónde vivía antes de Berlín?",
    ],
)
async def test_what_held_before_is_told_where_that_is_asked_for(query: str, tmp_path: Path) -> None:
    found = await found_by(tmp_path, query)
    assert found[0].text == "I live in Bremen."
    assert in_words(found[0]).startswith("[2021-02-01, until 2023-05-03] Ann")


@pytest.mark.parametrize(
    ("query", "texts", "told"),
    [
        ("What do I take before breakfast?", "I take {} before breakfast.", 2),
        ("Was steht vor dem Regal?", "Vor dem Regal steht ein {}.", 2),
        ("Which car do I drive?", "I drive a car called {}.", 1),
        ("When do we see the choir once a week?", "We see the choir of {} once a week.", 1),
    ],
)
async def test_what_holds_stands_in_front_where_the_past_is_not_asked_for(
    query: str, texts: str, told: int, tmp_path: Path
) -> None:
    async with load_plugin(argent_memo, folder=tmp_path, clock=FakeClock(NOW)) as specimen:
        memo = memo_of(specimen.ctx)
        (id,) = await said(memo, texts.format("Panda"), "2021-02-01")
        await memo.store.correct(id, text=texts.format("Volvo"), said_at=at("2023-05-03"))
        found = await memo.search(query)
    expected = [texts.format(name) for name in ("Volvo", "Panda")]
    assert [one.text for one in found] == expected[:told]


async def test_of_many_versions_the_last_are_told_beside_what_holds(tmp_path: Path) -> None:
    days = [f"{year}-02-01" for year in range(2010, 2024)]
    async with load_plugin(argent_memo, folder=tmp_path, clock=FakeClock(NOW)) as specimen:
        memo = memo_of(specimen.ctx)
        ids = await lived(memo, *((f"town {day}", day) for day in days))
        asked = ("Where did I live before?", "Where did I live in 2022 and in 2021?")
        found = [[one.id for one in await memo.search(query, k)] for query in asked for k in (1, 9)]
    assert found[0] == found[2] == [ids[-1]]
    assert found[1] == [*reversed(ids[-3:-1]), ids[-1]]
    assert len(found[3]) == 3 and found[3][-1] == ids[-1]


async def test_somebody_called_as_a_month_is_no_time(tmp_path: Path) -> None:
    async with load_plugin(argent_memo, folder=tmp_path, clock=FakeClock(NOW)) as specimen:
        memo = memo_of(specimen.ctx)
        names = {"Julie": "2023-07-10", "Marta": "2023-03-10", "Augusta": "2023-08-10"}
        for name, day in names.items():
            await said(memo, f"{name} is a nurse in the hospital.", "2023-11-03")
            await said(memo, f"We work where it is cold, and go to market {day}.", day)
        first = [(await memo.search(f"Where does {name} work?"))[0].text for name in names]
    assert first == [f"{name} is a nurse in the hospital." for name in names]


async def said(memo: Memo, text: str, day: str) -> list[int]:
    return [await memo.add(NewMemory(text=text, said_at=at(day)))]


async def test_what_held_then_is_told_where_a_time_is_named(tmp_path: Path) -> None:
    found = await found_by(tmp_path, "Where did I live in 2020?")
    assert [memory.text for memory in found][:2] == ["I live in Hamburg.", "I live in Berlin."]


async def test_what_holds_no_more_is_not_told_unasked(tmp_path: Path) -> None:
    found = await found_by(tmp_path, "Where do I live?")
    assert [memory.text for memory in found] == ["I live in Berlin."]


async def test_what_held_before_is_for_those_who_may_hear_it(tmp_path: Path) -> None:
    assert await found_by(tmp_path, "Where did I live before Berlin?", audiences=("club",)) == []


async def test_what_was_corrected_at_once_never_held(tmp_path: Path) -> None:
    async with load_plugin(argent_memo, folder=tmp_path, clock=FakeClock(NOW)) as specimen:
        memo = memo_of(specimen.ctx)
        (id,) = await lived(memo, ("Berlim", "2023-05-03"))
        await memo.store.correct(id, text="I live in Berlin.", trust=Trust.OWNER)
        found = await memo.search("Where did I live before?")
    assert [memory.text for memory in found] == ["I live in Berlin."]
