"""Whom and what the memory knows by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import argent_memo
from argent_hookspecs import MemoryKind, NewMemory, Trust
from argent_memo.entities import Entities, Entity
from argent_memo.memo import Memo, memo_of
from argent_testing import load_plugin

pytestmark = pytest.mark.anyio


class Known:
    """A memory, and what it knows by name."""

    def __init__(self, memo: Memo) -> None:
        self.memo = memo
        self.entities = Entities(memo.store.database, memo.store.clock)

    async def tell(self, *texts: str, **facts: Any) -> list[int]:
        given = {"trust": Trust.OWNER, "speaker": "Eva", **facts}
        return [await self.memo.add(NewMemory(text=text, **given)) for text in texts]

    async def one(self, name: str) -> Entity:
        (found,) = await self.entities.find(name)
        return found

    async def names(self, **given: Any) -> list[str]:
        return [one.name for one in await self.entities.all(**given)]


@pytest.fixture
async def known(tmp_path: Path) -> AsyncIterator[Known]:
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        yield Known(memo_of(specimen.ctx))


async def test_who_speaks_and_who_is_named_often_is_known(known: Known) -> None:
    await known.tell("I met Ann in Bern.", "We saw Ann again.", "It rained in Basel.")

    assert await known.names() == ["Eva", "Ann"]
    assert (await known.one("Eva")).kind == "person"


async def test_who_is_known_by_a_full_name_is_known_by_its_parts(known: Known) -> None:
    await known.tell("Hello from me.", speaker="Ann Miller")
    await known.tell("I had lunch with Ann.", "Then Miller paid.")

    ann = await known.one("Ann Miller")
    assert (ann.items, ann.aliases) == (3, ("Ann", "Miller"))


async def test_a_part_that_two_have_is_neither(known: Known) -> None:
    await known.tell("Hello.", speaker="Ann Miller")
    await known.tell("Hello.", speaker="Ann Smith")
    await known.tell("I had lunch with Ann.")

    assert [one.items for one in await known.entities.find("Ann Smith")] == [1]
    assert {one.name for one in await known.entities.find("Ann")} == {
        "Ann",
        "Ann Miller",
        "Ann Smith",
    }


async def test_speakers_are_found_in_scripts_without_capitals(known: Known) -> None:
    await known.tell("你好", speaker="王小明")
    await known.tell("昨天我在北京见到了王小明。", "王小明喜欢喝茶。")

    assert (await known.one("王小明")).items == 3


async def test_nouns_with_capitals_are_no_names(known: Known) -> None:
    await known.tell(
        "Ich habe im Garten die Blumen gegossen.",
        "Der Hund lief in den Garten und zur Katze.",
        "Am Abend sass ich mit Anna Keller im Garten.",
        "Danach ging ich mit Anna Keller in die Stadt.",
    )

    assert await known.names() == ["Eva", "Anna Keller"]


async def test_what_others_were_told_is_somebody_elses(known: Known) -> None:
    await known.tell("I met Ann.", "And Ann was late.")
    await known.tell("I met Ann.", "And Ann was late.", audience="club")

    assert sorted(one.audience for one in await known.entities.find("Ann")) == ["club", "owner"]
    assert await known.names(audience="club") == ["Ann", "Eva"]


async def test_a_profile_tells_what_holds_now(known: Known) -> None:
    old, _ = await known.tell(
        "My sister Ann lives in Bern.", "My sister Ann is a nurse.", kind=MemoryKind.FACT
    )
    await known.tell("I called Ann.")
    await known.tell("My sister Ann drinks.", kind=MemoryKind.FACT, trust=Trust.OUTSIDE)
    await known.tell("My sister Ann is ill.", kind=MemoryKind.FACT, private=True)
    await known.memo.store.correct(old, text="My sister Ann lives in Basel.")

    assert sorted((await known.one("Ann")).profile.splitlines()) == [
        "[2026-01-02] My sister Ann is a nurse.",
        "[2026-01-02] My sister Ann lives in Basel.",
    ]


async def test_what_comes_from_outside_makes_nobody_known(known: Known) -> None:
    await known.tell("Trust our agent Mallory.", "Call Mallory.", trust=Trust.OUTSIDE)
    await known.tell("Ask Mallory.", speaker="Mallory", trust=Trust.OUTSIDE)

    assert await known.names() == []


async def test_no_name_outlives_the_texts_that_had_it(known: Known, tmp_path: Path) -> None:
    await known.tell("Hello from me.", speaker="Ann Miller")
    (first, second) = await known.tell("I had lunch with Miller.", "I had tea with Zacharias.")
    await known.entities.learn()
    await known.memo.forget([first, second])

    assert (await known.one("Ann")).aliases == ()
    assert await known.entities.find("Zacharias") == []
    assert b"zacharias" not in (tmp_path / "data" / "memory.db").read_bytes().lower()


async def test_words_that_begin_sentences_are_no_names(known: Known) -> None:
    await known.tell(
        "We went to the lake. It was cold, but it was fun.",
        "Nice 😊 It was warm there, and then it rained.",
        "Oh, It took a while, and it was late. Let us go.",
        "So Let me see, and let us say that it is done.",
        "I met Ann there.",
        "Ann has a boat.",
    )

    assert await known.names(least=1) == ["Eva", "Ann"]


async def test_what_turns_out_to_be_a_plain_word_is_listed_no_more(known: Known) -> None:
    await known.tell("Well, Game on.", "I said Game over.")
    assert "Game" in await known.names()

    await known.tell("I like this game.", "We lost the game.", "That game was long.")

    assert "Game" not in await known.names()


async def test_the_agents_answers_make_no_names(known: Known) -> None:
    await known.tell("See Getting Started With Python.", "See Ann in Bern.", speaker="Argent")

    assert await known.names(least=1) == []
