"""In every language what answers is found by words alone, in scripts too that FTS5 cannot read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import argent_memo
from argent_hookspecs import NewMemory
from argent_memo.items import Place
from argent_memo.memo import Memo, memo_of
from argent_testing import load_plugin

pytestmark = pytest.mark.anyio

LANGUAGES: dict[str, Any] = json.loads(
    Path(__file__).with_name("languages.json").read_text("utf-8")
)
"""For each: things that were said, and questions with the place of the one that answers."""
BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
FIRST = 3


async def tell(memo: Memo, language: str) -> None:
    for day, text in enumerate(LANGUAGES[language]["items"]):
        said = NewMemory(text=text, speaker="Ann", said_at=BEGAN + timedelta(day))
        await memo.store.add(said, Place(origin="turn", name=language))


async def missed(memo: Memo, language: str) -> list[str]:
    """Return the questions whose answer is not among the first."""
    items, questions = LANGUAGES[language]["items"], LANGUAGES[language]["questions"]
    found = {asked: await memo.search(asked, FIRST) for asked, _ in questions}
    return [
        asked for asked, place in questions if items[place] not in [m.text for m in found[asked]]
    ]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_answers_is_among_the_first(language: str, tmp_path: Path) -> None:
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        memo = memo_of(specimen.ctx)
        await tell(memo, language)
        assert await missed(memo, language) == []


async def test_it_is_in_one_memory_of_all_languages_too(tmp_path: Path) -> None:
    async with load_plugin(argent_memo, folder=tmp_path) as specimen:
        memo = memo_of(specimen.ctx)
        for language in LANGUAGES:
            await tell(memo, language)
        wrong = {language: await missed(memo, language) for language in LANGUAGES}

    asked = sum(len(one["questions"]) for one in LANGUAGES.values())
    assert 1 - sum(map(len, wrong.values())) / asked >= 0.95, wrong


def test_there_are_scripts_without_spaces_and_with_joined_articles() -> None:
    assert {"zh", "ja", "th", "ko", "ar", "he", "hi", "ru", "el"} <= LANGUAGES.keys()
