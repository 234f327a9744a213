"""Names of speakers in questions: who is meant, and what is no name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

import pytest

import argent_memo
from argent_hookspecs import MemoryFilter, NewMemory, Trust
from argent_memo.items import Place
from argent_memo.memo import Memo, memo_of
from argent_memo.myself import says_i
from argent_memo.question import Names, read
from argent_testing import load_plugin

pytestmark = pytest.mark.anyio

BEGAN = datetime(2024, 3, 6, 12, tzinfo=UTC)
OWNER = MemoryFilter(audiences=("owner", "everyone"), asker="Max")


@pytest.fixture
async def memo(tmp_path: Path) -> AsyncIterator[Memo]:
    """A memory of 60 things that Max has said to the agent."""
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        memo = memo_of(specimen.ctx)
        for n in range(60):
            await say(memo, f"Something about tree {n} and the hinges again, who knows why.")
        yield memo


async def say(memo: Memo, text: str, *, who: str = "Max", audience: str = "owner") -> None:
    new = NewMemory(
        text=text,
        speaker=who,
        said_at=BEGAN + timedelta(days=memo.store.clock.now().second),
        audience=audience,
        trust=Trust.OWNER if audience == "owner" else Trust.OUTSIDE,
    )
    await memo.store.add(new, Place(origin="turn", name=audience))


@pytest.mark.parametrize("audience", ["owner", "telegram:-1"])
@pytest.mark.parametrize("query", ["Who is Nora?", "Tell me about Nora", "who is nora", "Nora"])
async def test_somebody_is_known_although_they_have_said_a_word(
    memo: Memo, query: str, audience: str
) -> None:
    await say(memo, "Nora is my sister, and she is a judge in Graz.")
    await say(memo, "Good evening to all of you.", who="Nora", audience=audience)
    await say(memo, "There I am at last, with the cake.", who="Nora", audience=audience)

    found = await memo.searching.find(query, filters=OWNER, floor=0.2)
    told = [one.text for one in found[:2]]
    assert "Nora is my sister, and she is a judge in Graz." in told


@pytest.mark.parametrize("who", ["passport wifi doctor birthday address", "Passport", "Tin"])
@pytest.mark.parametrize("audience", ["everyone", "telegram:-1"])
async def test_nobody_hides_a_word_by_the_name_that_they_choose(
    memo: Memo, who: str, audience: str
) -> None:
    await say(memo, "I keep my passport in the tin under the stairs.")
    for n in range(20):
        await say(memo, f"Good morning to all, for the {n}th time.", who=who, audience=audience)

    for query in ("where is my passport kept", "Passport, where?", "what is in the tin"):
        found = await memo.searching.find(query, filters=OWNER, floor=0.2)
        assert found[0].text == "I keep my passport in the tin under the stairs."


@pytest.mark.parametrize(("who", "asked"), [("Hans", "Wo ist mein Handy?"), ("Mila", "In Milan?")])
async def test_a_word_is_no_other_form_of_a_name_alone(memo: Memo, who: str, asked: str) -> None:
    told = "Das Handy liegt in Milan im Schrank."
    await say(memo, told)
    for n in range(9):
        await say(memo, f"Guten Morgen, zum {n}. Mal ist es so.", who=who, audience="everyone")

    assert (await memo.searching.find(asked, filters=OWNER, floor=0.2))[0].text == told


async def test_nobody_is_meant_who_said_nothing_that_may_come_up(memo: Memo) -> None:
    for audience in ("owner", "telegram:-1"):
        await say(memo, "The boat is in Genoa, for all I know.", who="Ivo", audience=audience)

    for audience, many in (("owner", 1), ("telegram:-1", 1), ("telegram:-2", 0)):
        here = MemoryFilter(audiences=(audience, "everyone"))
        found = await memo.search("Where is Ivo's boat?", filters=here)
        assert len([one for one in found if "said by Ivo" in one.why]) == many


def test_ten_thousand_names_make_no_question_slow() -> None:
    asked = " ".join(f"Mar{n:03}" for n in range(400))
    took = list[float]()
    for many in (10, 10_000):
        names = Names.of([f"Marina{n:05}" for n in range(many)])
        began = process_time()
        assert read(asked, names=names).speakers == frozenset()
        took.append(process_time() - began)

    assert took[1] < 20 * max(took[0], 0.001)


@pytest.mark.parametrize(
    "query",
    [
        "What do I like?",
        "where did i put it",
        "I like boats.",
        "On Monday I went where?",
        "Was mag ich?",
        "Où est ma maison?",
        "Dov'è la mia casa?",
        "¿Dónde está mi casa?",
        "Gdzie jest mój rower?",
        "Hvor er min cykel?",
        "Benim adım ne?",
        "что я люблю",
        "我喜欢什么",
    ],
)
def test_who_asks_of_themselves(query: str) -> None:
    assert says_i(query)


@pytest.mark.parametrize(
    "query",
    [
        "What does Ben like?",
        "Set it to 10 min",
        "What does mon ami mean?",
        "Who is Ma Rainey?",
        "Who plays in Min Kamp?",
        "Is MI6 in London?",
        "What is in the I Ching?",
        "Is it Henry I or Henry II?",
        "Co lubią Ola i Tomek?",
        "Kde je Jana i Petr?",
    ],
)
def test_what_is_no_i(query: str) -> None:
    assert not says_i(query)


def test_a_name_is_no_i() -> None:
    names = Names.of(["Ja Li", "Ann"])
    assert read("Gdzie jest Ja?", names=names, asker="Ann").speakers == {"Ja Li"}
    assert read("Gdzie ja jestem?", names=Names.of(["Ann"]), asker="Ann").speakers == {"Ann"}
