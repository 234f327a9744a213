"""How quick is the memory when it is large?

Chats that are made up (``memory_texts.py``) are told to the memory in batches; then everything gets
a vector, made up too, since what is measured is not an embedder; then questions are asked, as an
agent asks them. Each part runs in a process of its own, so that the memory it takes is its own.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path

import click

from benchmarks.memory_home import OpenMemory, open_memory
from benchmarks.memory_resident import resident
from benchmarks.memory_texts import chats, made_up_embedder, question

_BATCH = 500
_QUESTIONS = 300
_FOUND = 10


@click.command()
@click.option("--items", default=100_000, show_default=True, help="How much is remembered.")
@click.option("--vectors/--no-vectors", default=True, help="Whether to search by meaning too.")
@click.option("--json", "as_json", is_flag=True, help="Print one object with the figures last.")
def main(items: int, *, vectors: bool, as_json: bool) -> None:
    """Measure questions to a large memory.

    \b
    Examples:
      python -m benchmarks.memory_scale --items 100000
      python -m benchmarks.memory_scale --items 1000000 --json
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        figures = alone(_tell, home, items)
        if vectors:
            figures |= alone(_embed, home, items)
        figures |= alone(_ask, home, vectors)
    for name, value in figures.items():
        click.echo(f"{name:14} {value:10.2f}")
    if as_json:
        click.echo(json.dumps(figures))


def alone(work: Callable[..., dict[str, float]], *given: object) -> dict[str, float]:
    """Run a part in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(work, *given).result()


def _tell(home: Path, items: int) -> dict[str, float]:
    async def tell() -> float:
        spent, told, source = 0.0, 0, chats(items)
        async with open_memory(home, "none") as memory:
            while batch := list(islice(source, _BATCH)):
                began = time.perf_counter()
                await memory.store.add_all(batch)
                spent += time.perf_counter() - began
                told += len(batch)
                if told % 50_000 == 0:
                    click.echo(f"told {told} of {items}, {told / spent:.0f} a second", err=True)
        return spent

    return {"ingest_per_s": items / asyncio.run(tell())}


def _embed(home: Path, items: int) -> dict[str, float]:
    async def embed() -> float:
        began = time.perf_counter()
        async with open_memory(home, "none", beside=[made_up_embedder()]) as memory:
            await memory.settle()
        return time.perf_counter() - began

    figures = {"vectors_per_s": items / asyncio.run(embed())}
    click.echo(f"all have their vectors, {figures['vectors_per_s']:.0f} a second", err=True)
    return figures


def _ask(home: Path, vectors: bool) -> dict[str, float]:
    async def ask() -> tuple[list[float], list[float], float, float]:
        beside = [made_up_embedder()] if vectors else []
        took, cpu = [], []
        async with open_memory(home, "none", beside=beside) as memory:
            texts = await _some_texts(memory)
            await memory.settle()
            await memory.memo.mirror.step()
            began = time.perf_counter()
            await memory.search("warm up", _FOUND)
            first = time.perf_counter() - began
            for number in range(_QUESTIONS):
                asked = question(texts, seed=number)
                began, worked = time.perf_counter(), time.process_time()
                await memory.search(asked, _FOUND)
                took.append(time.perf_counter() - began)
                cpu.append(time.process_time() - worked)
            return took, cpu, first, resident()

    took, cpu, first, held = asyncio.run(ask())
    return {
        "p50_ms": statistics.median(took) * 1e3,
        "p95_ms": _p95(took) * 1e3,
        "p50_cpu_ms": statistics.median(cpu) * 1e3,
        "p95_cpu_ms": _p95(cpu) * 1e3,
        "first_ms": first * 1e3,
        "rss_mb": held,
    }


async def _some_texts(memory: OpenMemory) -> list[str]:
    sql = "SELECT text FROM items WHERE id % (SELECT MAX(id) / 500 + 1 FROM items) = 0"
    rows = await memory.store.database.read(lambda tx: tx.execute(sql).fetchall())
    return [text for (text,) in rows]


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[round(0.95 * (len(values) - 1))]


if __name__ == "__main__":
    main()
