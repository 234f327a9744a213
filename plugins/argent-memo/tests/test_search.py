"""What a search returns, and in which order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import argent_memo
from argent_hookspecs import MemoryFilter, MemoryKind, NewMemory, Trust
from argent_memo.items import Place
from argent_memo.memo import Memo, memo_of
from argent_memo.question import Names, read
from argent_testing import load_plugin

from .embedder_kit import ToyEmbedder, remembering

pytestmark = pytest.mark.anyio

BEGAN = datetime(2024, 3, 6, 12, tzinfo=UTC)
HERE = Place(origin="turn", name="home")


@pytest.fixture
async def memo(tmp_path: Path) -> AsyncIterator[Memo]:
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        yield memo_of(specimen.ctx)


async def say(memo: Memo, *said: str, who: str = "Ann", days: float = 0) -> None:
    """Say things one after the other."""
    for n, text in enumerate(said):
        at = BEGAN + timedelta(days=days, seconds=n)
        await memo.store.add(NewMemory(text=text, speaker=who, said_at=at), HERE)


async def test_how_soon_it_counts_half_is_as_the_person_set_it(tmp_path: Path) -> None:
    scores = []
    for days in (1.0, 10_000.0):
        folder = tmp_path / str(days)
        settings = {"halfLife": days}
        async with load_plugin(argent_memo, folder=folder, settings=settings) as specimen:
            memo = memo_of(specimen.ctx)
            said_at = specimen.clock.now() - timedelta(days=30)
            await memo.add(NewMemory(text="The tin is empty.", said_at=said_at))
            (found,) = await memo.search("Is the tin empty?")
            scores.append(found.score)

    assert scores[0] < scores[1]


async def test_an_answer_is_found_beside_its_question(memo: Memo) -> None:
    await say(memo, *(f"Something about apples, number {n}." for n in range(40)))
    await say(memo, "Which instrument do you play?", who="Bob", days=1)
    await say(memo, "The cello, for twenty years now.", days=1)

    found = await memo.search("What instrument is played?", 2)
    assert "The cello, for twenty years now." in [one.text for one in found]


async def test_what_was_said_by_whom_is_asked_for_comes_first(memo: Memo) -> None:
    await say(memo, "I have a boat in Genoa.", who="Ann")
    await say(memo, "I have a boat in Trieste.", who="Bob", days=1)

    assert (await memo.search("Which boat does Bob have?"))[0].speaker == "Bob"
    mine = MemoryFilter(asker="Ann")
    assert (await memo.search("Which boat do I have?", filters=mine))[0].speaker == "Ann"


@pytest.mark.parametrize("year", [1, 1970, 2150, 9999])
async def test_one_odd_date_does_not_hide_when_something_was(memo: Memo, year: int) -> None:
    await say(memo, *(f"We cooked something else, number {n}." for n in range(30)), days=300)
    await say(memo, "We sailed to the island.", days=70)  # in May
    odd = datetime(year, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    await memo.add(NewMemory(text="A note of unknown date.", said_at=odd, holds_until=odd))

    found = await memo.search("What did we do in May?", 2)
    assert found[0].text == "We sailed to the island."
    assert len(await memo.store.timeline(MemoryFilter(), limit=99)) == 32


async def test_what_was_said_at_the_time_that_is_named_comes_first(memo: Memo) -> None:
    for month in range(12):
        await say(memo, "We had soup with the neighbours.", days=30 * month)
        await say(memo, f"Dish number {month}.", days=30 * month)

    best, *_ = await memo.search("What did we have on 4 July 2024?")
    assert abs(best.said_at - datetime(2024, 7, 4, tzinfo=UTC)) < timedelta(days=2)
    assert "said at that time" in best.why


async def test_a_filter_finds_what_many_better_ones_hide(memo: Memo) -> None:
    await memo.store.add_all(
        [(NewMemory(text=f"The harbour, {n}."), Place(origin="turn")) for n in range(600)]
    )
    rare = NewMemory(
        text="The harbour is closed on the day after a very long storm from the south.",
        kind=MemoryKind.FACT,
        trust=Trust.OWNER,
        audience="telegram:-7",
    )
    await memo.add(rare)

    for wanted in (
        MemoryFilter(kinds=(MemoryKind.FACT,)),
        MemoryFilter(trust=(Trust.OWNER,)),
        MemoryFilter(audiences=("telegram:-7",)),
    ):
        assert [one.text for one in await memo.search("harbour", filters=wanted)] == [rare.text]


async def test_with_a_floor_nothing_is_found_about_something_else(memo: Memo) -> None:
    await say(memo, *(f"Apples of tree {n} are ripe and red in the garden." for n in range(400)))
    await say(memo, "The cello stands in the hall.", days=1)

    asked = "Which garden gnome explained quantum chromodynamics to Parliament?"
    assert await memo.searching.find(asked, floor=0.2) == []
    assert len(await memo.searching.find(asked)) == 2
    found = await memo.searching.find("Where is the cello?", floor=0.2)
    assert found[0].text == "The cello stands in the hall."


async def test_meaning_has_no_vote_in_a_script_that_the_embedder_cannot_read(
    tmp_path: Path,
) -> None:
    toy = ToyEmbedder(scripts=("LATIN",))
    async with remembering(tmp_path, toy) as memo:
        await memo.add(NewMemory(text="The hound barks."))
        await memo.add(NewMemory(text="Скрипка висит на стене."))
        await memo.embedding.settled()

        assert [one.text for one in await memo.search("dog")] == ["The hound barks."]
        assert [one.text for one in await memo.search("скрипка dog", 1)] == [
            "Скрипка висит на стене."
        ]


@pytest.mark.parametrize(
    ("query", "rest", "speakers"),
    [
        ("What does Ann's sister like?", "What does sister like?", {"Ann Lee"}),
        ("Что говорила Мариной?", "Что говорила Мариной?", {"Марина"}),
        ("Что говорила Марина?", "Что говорила ?", {"Марина"}),
        ("小明喜欢什么", "喜欢什么", {"小明"}),
        ("Is it an annex?", "Is it an annex?", set()),
    ],
)
def test_names_are_taken_out_of_a_question(query: str, rest: str, speakers: set[str]) -> None:
    found = read(query, names=Names.of(["Ann Lee", "Марина", "小明", "B"]))
    assert (found.rest, found.speakers) == (rest, frozenset(speakers))


@given(st.text(st.characters(codec=None)), st.lists(st.text(st.characters(codec=None))))
def test_any_text_is_a_question(query: str, speakers: list[str]) -> None:
    found = read(query, names=Names.of(speakers), asker=speakers[0] if speakers else "")
    found.text.encode()
    assert found.speakers <= set(speakers)


@pytest.mark.parametrize("audience", ["owner", "other"])
async def test_a_day_is_seen_however_busy_those_before_it_were(memo: Memo, audience: str) -> None:
    now = memo.store.clock.now()
    for back in (4, 3, 2):
        at = (now - timedelta(days=back)).replace(hour=9)
        await memo.store.add_all(
            [
                (
                    NewMemory(
                        text=f"Parcel {back}x{n} came by courier.",
                        said_at=at + timedelta(minutes=n),
                        audience=audience,
                    ),
                    Place(origin="turn", name=f"day {back}"),
                )
                for n in range(60)
            ]
        )
    yesterday = (now - timedelta(days=1)).replace(hour=13)
    boiler = "The boiler broke and water flooded the cellar."
    await memo.store.add(NewMemory(text=boiler, said_at=yesterday), HERE)

    mine = MemoryFilter(audiences=("owner",))
    assert (await memo.search("What happened yesterday?", filters=mine))[0].text == boiler


async def test_the_end_of_a_busy_month_does_not_hide_its_beginning(memo: Memo) -> None:
    busy = [
        NewMemory(text=f"Memo {n}, office.", said_at=BEGAN + timedelta(days=100 + n / 20))
        for n in range(200)
    ]
    await memo.store.add_all([(one, Place(origin="turn", name=one.text)) for one in busy])
    rowed = "Paddled down that river behind both villages, cold but grand, then slept outside."
    await memo.store.add(NewMemory(text=rowed, said_at=BEGAN + timedelta(days=88)), HERE)

    found = await memo.search("What happened in June 2024?")

    assert rowed in [one.text for one in found]


async def test_the_few_of_a_group_are_found_beside_the_many_of_others(tmp_path: Path) -> None:
    async with remembering(tmp_path, ToyEmbedder()) as memo:
        swims = "A hound swims in the ocean."
        await memo.add(NewMemory(text=swims, audience="telegram:-7"))
        new = [NewMemory(text=f"hound {n}") for n in range(1100)]
        await memo.store.add_all([(one, HERE) for one in new])
        await memo.embedding.settled()

        group = MemoryFilter(audiences=("telegram:-7",))
        assert [one.text for one in await memo.search("Dog?", filters=group)] == [swims]


async def test_what_is_left_is_found_by_meaning_when_much_was_forgotten(tmp_path: Path) -> None:
    async with remembering(tmp_path, ToyEmbedder()) as memo:
        new = [NewMemory(text=f"hound {n}") for n in range(1500)]
        ids = await memo.store.add_all([(one, HERE) for one in new])
        left = await memo.add(NewMemory(text="A hound swims in the ocean."))
        await memo.embedding.settled()
        assert await memo.search("Dog?")
        await memo.forget(ids)

        assert [one.id for one in await memo.search("Dog?")] == [left]


async def test_the_numbers_of_a_date_are_no_words(memo: Memo) -> None:
    said = BEGAN + timedelta(days=10)
    await memo.store.add(NewMemory(text="Lunch with Jonas.", said_at=said), HERE)
    await say(memo, *(f"Parcel {n} of 2024-12-16 has 16 stamps on it." for n in range(12)))

    found = await memo.search("What happened on 2024-03-16?")
    assert found[0].text == "Lunch with Jonas."
