"""What the tests of this plugin share: its real weights, and a context of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import argent_embed_minilm
from argent_embed_minilm.catalogue import MINILM as WEIGHTS
from argent_embed_minilm.settings import MiniLmSettings as Settings
from argent_embed_minilm.weights import fetch
from argent_hookspecs import EMBEDDER, TextEmbedder
from argent_testing import FakeContext

PLUGIN = "argent_embed_minilm"
NAME = "embed-minilm"


def context(data: Path, **settings: Any) -> FakeContext:
    """A context with this folder."""
    return FakeContext(argent_embed_minilm, Settings(**settings), data=data)


async def have_weights(data: Path) -> None:
    """Put the weights into a plugin's folder; the first test on this machine downloads them."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    tests = Path(os.environ.get("ARGENT_TEST_MODELS") or Path(base, "argent-test-models"))
    await asyncio.to_thread(tests.mkdir, parents=True, exist_ok=True)
    cache = tests / NAME
    if await asyncio.to_thread(WEIGHTS.missing, cache):
        # Of several tests that fetch at the same time, the last one wins, with the same files.
        with tempfile.TemporaryDirectory(dir=tests) as own:
            await fetch(context(Path(own)).given, WEIGHTS)
            await asyncio.to_thread(_copy, Path(own), cache)
    await asyncio.to_thread(_copy, cache, data)


def _copy(source: Path, target: Path) -> None:
    (target / "models").mkdir(parents=True, exist_ok=True, mode=0o700)
    for file, path in WEIGHTS.paths(source).items():
        wanted = WEIGHTS.paths(target)[file]
        part = wanted.with_name(f".{os.getpid()}.part")
        shutil.copyfile(path, part)
        part.replace(wanted)


@asynccontextmanager
async def opened(ctx: FakeContext) -> AsyncIterator[TextEmbedder]:
    """The embedder, open, as the kernel would open it."""
    (record,) = argent_embed_minilm.argent_services(ctx.given)
    assert record.key == EMBEDDER
    async with record.open() as embedder:
        yield embedder


def likeness(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the cosine of two vectors of length 1."""
    return sum(a * b for a, b in zip(one, other, strict=True))
