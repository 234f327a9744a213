"""Chats made up for the memory benchmarks: words as rare as words are, and vectors to go with them.

The same number always makes the same. Words follow Zipf's law, the rarer the longer; each session
has a subject, whose words come up in it again and again. A text's vector is made of its rarest
words, so that what shares them is near.
"""

from __future__ import annotations

import asyncio
import zlib
from array import array
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from argent_hookspecs import EMBEDDER, NewMemory, Service, TextEmbedder, Trust
from argent_memo.items import Place
from argent_testing import MadePlugin

DIMENSIONS = 384
_VOCABULARY = 60_000
_SUBJECT_WORDS = 80
_OF_SUBJECT = 0.25
_SESSION = 40
_PEOPLE = 20
_SYLLABLES = [f"{c}{v}" for c in "bdfgklmnprst" for v in "aeiou"]
_TELLING = 3
_BEGAN = datetime(2015, 1, 1, tzinfo=UTC)


def chats(items: int, *, seed: int = 1) -> Iterator[tuple[NewMemory, Place]]:
    """Make up what was said, in order."""
    import numpy as np

    random = np.random.default_rng(seed)
    at = _BEGAN
    for number in range(items):
        if number % _SESSION == 0:
            at += timedelta(hours=5)
            subject = _zipf(random, _SUBJECT_WORDS)
            place = Place(origin="turn", name=f"chat {random.integers(3)}")
            people = random.choice(_PEOPLE, 2, replace=False)
        at += timedelta(seconds=20)
        length = int(np.clip(random.lognormal(2.9, 0.6), 3, 120))
        ranks = _zipf(random, length)
        about = random.random(length) < _OF_SUBJECT
        ranks[about] = random.choice(subject, int(about.sum()))
        text = " ".join(map(word, ranks.tolist()))
        speaker = f"Person{people[number % 2]}"
        key = f"made/{number}"
        memory = NewMemory(text=text, key=key, speaker=speaker, said_at=at, trust=Trust.OWNER)
        yield memory, place


def question(texts: Sequence[str], *, seed: int) -> str:
    """Make up a question about one of some texts: some of its words, among common ones."""
    import numpy as np

    random = np.random.default_rng([seed, 2])
    words = texts[int(random.integers(len(texts)))].split()
    asked = random.choice(words, min(len(words), int(random.integers(2, 6))), replace=False)
    common = map(word, random.integers(0, 30, 5).tolist())
    return " ".join(["When did", *common, *asked.tolist()]) + "?"


def word(rank: int) -> str:
    """Return the word of a rank."""
    rank += 1
    syllables = ""
    while rank:
        rank, last = divmod(rank, len(_SYLLABLES))
        syllables += _SYLLABLES[last]
    return syllables


def made_up_embedder() -> MadePlugin:
    """Return a plugin that embeds what is made up here, in no time to speak of."""
    return MadePlugin("made-up", Service[TextEmbedder](key=EMBEDDER, open=_open))


class _Embedder:
    id = "made-up"
    dimensions = DIMENSIONS
    longest = 1000
    local = True
    scripts = ()

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> list[array[float]]:
        return await asyncio.to_thread(lambda: [vector(text) for text in texts])


@asynccontextmanager
async def _open() -> AsyncIterator[TextEmbedder]:
    yield _Embedder()


def vector(text: str) -> array[float]:
    """Return the vector of a text."""
    import numpy as np

    telling = sorted(set(text.split()), key=lambda one: (-len(one), one))[:_TELLING]
    seeds = [zlib.crc32(one.encode()) for one in telling] or [0]
    total: Any = sum(map(partial(_direction, np), seeds))
    return array("f", (total / np.linalg.norm(total)).astype(np.float32).tobytes())


def _direction(np: Any, seed: int) -> Any:
    return np.random.Generator(np.random.SFC64(seed)).standard_normal(DIMENSIONS)


def _zipf(random: Any, count: int) -> Any:
    """Draw ranks: that of rank n comes up about 1/n as often as the first."""
    import numpy as np

    drawn = np.exp(random.random(count) * np.log(_VOCABULARY)) - 1
    return drawn.astype(np.int64)
