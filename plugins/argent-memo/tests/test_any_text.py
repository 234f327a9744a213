"""Whatever people say: it is kept or it is not, and asking with it raises nothing."""

from __future__ import annotations

import asyncio
import itertools
import random
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import argent_memo
from argent_hookspecs import Event, FinishedTurn, MemoryFilter, NewMemory
from argent_memo import learned, worth
from argent_memo.confidential import is_confidential
from argent_memo.echoes import Echoes
from argent_memo.memo import memo_of
from argent_testing import Argent, load_plugin

from .conftest import Neighbour

pytestmark = pytest.mark.anyio

WORDS = (
    "violin",
    "小提琴",
    "скрипка",
    "كمان",
    "ไวโอลิน",
    "바이올린",
    "Geige",
    "42",
    "🎻",
    "\u202eniloiv",
)
SIGNS = (
    '"',
    "'",
    "(",
    ")",
    "*",
    "^",
    ":",
    "-",
    "+",
    "{",
    "}",
    "[",
    "]",
    "\\",
    ";",
    "%",
    "\0",
    "\x1b",
    "\r\n",
    "\u2028",
    "\ud83d",
    "\u200d",
    "AND",
    "OR",
    "NOT",
    "NEAR",
    "NEAR/3",
    "--",
    "/*",
    "||",
)


def hostile() -> list[str]:
    """Return 200 questions that are made to break something, always the same ones."""
    rng = random.Random("hostile")
    found = [
        f"{sign}{word}{other}"
        for (sign, word), other in zip(
            itertools.product(SIGNS, WORDS[:3]), itertools.cycle(SIGNS[::-1]), strict=False
        )
    ]
    while len(found) < 190:
        found.append(" ".join(rng.choices(WORDS + SIGNS, k=rng.randint(1, 30))))
    long = (
        "violin " * 20_000,
        "x" * 100_000,
        '"' * 100_000,
        "(" * 50_000,
        "小" * 100_000,
        "a\u0335" * 50_000,
        "\0" * 100_000,
        "violin OR " * 10_000,
        "?" * 100_000,
        "1 " * 50_000,
    )
    return [*found[:190], *long]


async def test_two_hundred_hostile_questions_are_answered_or_not(tmp_path: Path) -> None:
    questions = hostile()
    assert len(questions) == 200
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        memo = memo_of(specimen.ctx)
        for word in WORDS:
            await memo.add(NewMemory(text=f"The {word} lies in the attic.", audience="owner"))
        here = MemoryFilter(audiences=("owner",), asker='x" OR 1')
        for question in questions:
            async with asyncio.timeout(5):
                found = await memo.search(question, filters=here)
            assert len(found) <= 10
        assert (await memo.search("Where is the violin?"))[
            0
        ].text == "The violin lies in the attic."


texts = st.one_of(
    st.text(),
    st.text(st.characters(codec=None)),
    st.lists(st.sampled_from(WORDS + SIGNS), max_size=30).map(" ".join),
)


@given(
    asked=texts,
    answered=texts,
    name=texts,
    data=st.dictionaries(
        st.sampled_from(["message", "edited", "x"]), st.one_of(st.integers(), st.booleans(), texts)
    ),
)
@settings(suppress_health_check=list(HealthCheck), deadline=None)
def test_any_turn_can_be_learned_from(
    asked: str, answered: str, name: str, data: dict[str, Any]
) -> None:
    event = Event(conversation="c", content=asked, sender_name=name, data=data, trust="owner")
    turn = FinishedTurn(
        number=1,
        id="t",
        conversation="c",
        asked=asked,
        answered=answered,
        trust=event.trust,
        private=False,
        outside=False,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        event=event,
    )
    for one in learned.said(turn, echoes=Echoes())[0]:
        assert not is_confidential(one.text)
        for memory in learned.memories(turn, one, audience="owner", before=""):
            assert memory.text.strip()
            assert memory.speaker.isprintable()
            memory.speaker.encode()
    learned.replaced(event)


@given(texts)
def test_a_text_in_pieces_has_lost_nothing_but_space(text: str) -> None:
    whole = "".join(learned.pieces(text, most=1000))
    assert "".join(whole.split()) == "".join(text.split())


async def test_any_turn_is_kept_through_a_whole_kernel(
    argent: Argent, neighbour: Neighbour
) -> None:
    rng = random.Random("kernel")
    said = [
        " ".join(rng.choices(WORDS + SIGNS, k=12)).encode(errors="replace").decode()
        for _ in range(25)
    ]
    said = [f"{n} {text}" for n, text in enumerate(said)]
    async with argent(plugins=[argent_memo, neighbour], model=said):
        for text in said:
            await argent.channel.ask(text)
        found = await neighbour.texts()

    kept = {text.split(maxsplit=1)[0] for text in found}
    assert kept == {str(n) for n in range(25)}


@pytest.mark.parametrize(
    ("text", "before", "kept"),
    [
        ("ok", "", False),
        ("Noted.", "I moved.", False),
        ("好的", "", False),
        ("Danke!", "", False),
        ("👍", "Shall I?", False),
        ("…", "Shall I?", False),
        ("No", "Do you smoke?", True),
        ("不", "你抽烟吗？", True),
        ("١٢", "", True),
        ("42", "", True),
        ("I'm vegan", "", True),
        ("我吃素", "", True),
        ("ฉันไม่กินเนื้อ", "", True),
    ],
)
def test_a_word_that_says_nothing_is_not_worth_keeping(text: str, before: str, kept: bool) -> None:
    assert worth.says_something(text, before=before) is kept


def test_signs_that_ask_are_those_that_unicode_calls_so() -> None:
    names = [unicodedata.name(c) for c in worth.QUESTION_MARKS]
    assert [name for name in names if "QUESTION" not in name] == []
