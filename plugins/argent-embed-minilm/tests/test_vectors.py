"""The network, beside the one that it stands for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from argent_embed_minilm.catalogue import MINILM
from argent_embed_minilm.vectors import MiniLm
from argent_hookspecs import ModelUnavailable
from argent_testing import (
    FakeContext,
    downloads_beside,
    have_downloaded,
    likeness,
    opened_embedder,
)

pytestmark = pytest.mark.anyio
TEXTS = (
    "The cat sat on the mat.",
    "A kitten rests on the rug.",
    "Interest rates rose again in May.",
    "Die Zinsen sind im Mai gestiegen.",
)
ORIGINAL = (0.620, 0.019, 0.024, 0.017, -0.077, -0.011)
"""Likeness of each pair, with the original weights in 32-bit floats."""
FIRST = (0.1302, -0.0158, -0.0367, 0.0580, -0.0598, 0.0331)
"""The first numbers of the first text's vector, with the same."""
MEASURE = """
import sys
from pathlib import Path

import numpy
import onnxruntime

from argent_embed_minilm.given_back import give_back
from argent_embed_minilm.catalogue import MINILM
from argent_embed_minilm.vectors import MiniLm


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


before = resident()
model = MiniLm(Path(sys.argv[1]), threads=1)
model.vectors(["Interest rates rose again in May. " * 100] * 5)
give_back()
print(resident() - before)
"""
"""Prints the bytes that the model takes in memory, besides the library that runs it."""


@pytest.fixture
def file(files: list[Path]) -> Path:
    return files[0]


async def test_it_says_what_the_original_says(file: Path) -> None:
    vectors = MiniLm(file, threads=1).vectors(TEXTS)

    pairs = [likeness(one, other) for one, other in combinations(vectors, 2)]
    assert pairs == pytest.approx(ORIGINAL, abs=0.03)
    assert vectors[0][:6].tolist() == pytest.approx(FIRST, abs=0.02)


async def test_more_threads_say_the_same(file: Path) -> None:
    one, two = (MiniLm(file, threads=number).vectors(TEXTS) for number in (1, 2))

    assert all(likeness(a, b) > 0.9999 for a, b in zip(one, two, strict=True))


async def test_a_file_that_is_cut_off_meanwhile_is_noticed(file: Path) -> None:
    model = MiniLm(file, threads=1)
    with file.open("r+b") as opened:
        opened.truncate(1000)

    with pytest.raises(OSError, match="cut off"):
        model.vectors(TEXTS)


def damage(file: Path) -> None:
    file.write_bytes(b"cut")


async def test_what_was_cut_off_is_mended_at_the_next_question(
    ctx: FakeContext, file: Path
) -> None:
    async with opened_embedder(ctx) as embedder:
        before = await embedder.embed(TEXTS)
        damage(file)
        with pytest.raises(ModelUnavailable, match="asked again"):
            await embedder.embed(TEXTS)
        await have_downloaded(MINILM, downloads_beside(ctx.given.data))

        assert await embedder.embed(TEXTS) == before


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured and given back on Linux")
async def test_it_takes_little_more_memory_than_its_matrices(file: Path) -> None:
    run = [sys.executable, "-c", MEASURE, str(file)]
    measured = await asyncio.to_thread(subprocess.check_output, run, text=True)

    assert int(measured) < 20_000_000
