"""An embedder for tests: it knows a few things that are called by several words."""

from __future__ import annotations

import asyncio
import math
import random
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define, field

import argent_memo
from argent_hookspecs import EMBEDDER, ModelError, Service, TextEmbedder
from argent_memo.memo import Memo, memo_of
from argent_testing import FakeClock, MadePlugin, load_plugin

_THINGS = (("dog", "hound"), ("car", "automobile"), ("sea", "ocean"), ("physician", "doctor"))


@define(eq=False)
class ToyEmbedder:
    """The contract's ``TextEmbedder``.

    Args:
        seen: The batches that it was given.
        fails: The error that it raises, if any.
        stuck: Whether questions never get an answer.
        makes: Makes the vector of a text.
    """

    id: str = "toy"
    dimensions: int = 70
    longest: int = 100
    local: bool = True
    scripts: Sequence[str] = ()
    seen: list[Sequence[str]] = field(factory=list)
    fails: ModelError | None = None
    stuck: bool = False
    makes: Callable[[str], Sequence[float]] | None = None

    @property
    def texts(self) -> list[str]:
        return [text for batch in self.seen for text in batch]

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> list[array[float]]:
        if self.fails is not None:
            raise self.fails
        if query and self.stuck:
            await asyncio.Event().wait()
        if not query:
            self.seen.append(texts)
        return [array("f", (self.makes or self._means)(text)) for text in texts]

    def _means(self, text: str) -> list[float]:
        lowered = text.lower()
        found = [any(name in lowered for name in names) for names in _THINGS]
        rest = [0.0] * (self.dimensions - len(found) - 1)
        return unit([*map(float, found), *rest, 0.1])


def unit(numbers: Sequence[float]) -> list[float]:
    length = math.hypot(*numbers) or 1.0
    return [number / length for number in numbers]


def anything(text: str) -> list[float]:
    """Make a vector out of nothing but the bytes of a text."""
    drawn = random.Random(text)
    return unit([drawn.gauss(0, 1) for _ in range(70)])


def offering(embedder: TextEmbedder) -> MadePlugin:
    """Return a plugin that offers an embedder."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[TextEmbedder]:
        yield embedder

    return MadePlugin("toy", Service[TextEmbedder](key=EMBEDDER, open=opened))


@asynccontextmanager
async def remembering(
    folder: Path, embedder: TextEmbedder | None = None, *, clock: FakeClock | None = None
) -> AsyncIterator[Memo]:
    """A memory beside an embedder; each question may take as long as it needs."""
    beside = [] if embedder is None else [offering(embedder)]
    async with load_plugin(argent_memo, folder=folder, beside=beside, clock=clock) as specimen:
        memo = memo_of(specimen.ctx)
        memo.embedding.patience = 30.0
        yield memo
