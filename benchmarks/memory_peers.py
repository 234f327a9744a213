"""How quick is the memory beside Chroma and mem0?

All get the same texts with the same vectors, which are there already, and are asked the same
questions, in the same run; they are installed from the index into an environment of their own.

- *Ingest*: from the first message until all are kept and can be found by meaning; one by one, each
  committed before the next, as messages come, and in batches of 500. Of Argent's memory that is the
  words, the commit and the vectors behind it. The time of an embedder, the same for all, is not in
  it; how many a second there are with MiniLM is told as ``minilm_per_s``. ``rss_mb`` is what an
  agent's process takes with it, and ``rss_without_mb`` what it took with an empty memory.
- *Chroma*: ``PersistentClient`` with cosines, given vectors with each ``add`` and ``query``: it
  looks at vectors alone.
- *mem0*: ``Memory.add(infer=False)`` and ``search`` over its default store, Qdrant in a folder: no
  language model, and no keywords, which need a model that it downloads.
- *Argent*: the whole search as an agent uses it, by words, meaning, speaker and time.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from argent_hookspecs import EMBEDDER, Service, TextEmbedder
from argent_testing import MadePlugin
from benchmarks.environment import make_environment
from benchmarks.memory_home import open_memory, share_downloads
from benchmarks.memory_scale import alone
from benchmarks.memory_texts import DIMENSIONS, chats, question, vector

_PEERS = {"chroma": ["chromadb"], "mem0": ["mem0ai"]}
_QUESTIONS = 200
_BATCH = 500
_FOUND = 10
_CHILD = Path(__file__).with_name("memory_peer.py")


@click.command()
@click.option("--items", default=6000, show_default=True, help="How much is remembered.")
@click.option("--json", "as_json", is_flag=True, help="Print one object with the figures last.")
def main(items: int, *, as_json: bool) -> None:
    """Compare the memory with Chroma and mem0.

    \b
    Example:
      python -m benchmarks.memory_peers --json
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _prepare(folder, items)
        figures = {"argent": alone(_argent, folder)}
        for peer, wanted in _PEERS.items():
            figures[peer] = _peer(folder, peer, wanted)
        memory = _with_minilm(folder, items)
    for name, of in figures.items():
        click.echo(" ".join([f"{name:7}", *(f"{k} {v:.2f}" for k, v in of.items())]))
    ratios = {**_ratios(figures), **memory}
    for name, value in ratios.items():
        click.echo(f"{name:26} {value:9.3f}")
    if as_json:
        click.echo(json.dumps(ratios))


def _ratios(figures: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    own = figures["argent"]
    ratios = {}
    for peer in _PEERS:
        other = figures[peer]
        ratios[f"ingest_vs_{peer}"] = own["single_per_s"] / other["single_per_s"]
        ratios[f"batched_ingest_vs_{peer}"] = own["batched_per_s"] / other["batched_per_s"]
        ratios[f"query_p50_vs_{peer}"] = own["p50_ms"] / other["p50_ms"]
        ratios[f"query_cpu_vs_{peer}"] = own["p50_cpu_ms"] / other["p50_cpu_ms"]
    return ratios


def _prepare(folder: Path, items: int) -> None:
    import numpy as np

    texts = list(dict.fromkeys(new.text for new, _ in chats(items)))
    questions = list(dict.fromkeys(question(texts, seed=n) for n in range(_QUESTIONS)))
    for name, some in (("texts", texts), ("questions", questions)):
        (folder / f"{name}.json").write_text(json.dumps(some), "utf-8")
        np.save(folder / f"{name}.npy", np.array([vector(text) for text in some], np.float32))


def _peer(folder: Path, peer: str, wanted: Sequence[str]) -> dict[str, float]:
    """Measure another memory, in an environment of its own."""
    click.echo(f"installing {peer} …", err=True)
    python = make_environment(folder / f"env-{peer}", wanted)
    home = {name: str(folder) for name in ("HOME", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [python, "-W", "ignore", str(_CHILD), peer, str(folder)],
        env={**os.environ, **home, "DO_NOT_TRACK": "1"},
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        check=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _argent(folder: Path) -> dict[str, float]:
    return asyncio.run(_measure(folder))


async def _measure(folder: Path) -> dict[str, float]:
    import numpy as np

    vectors: dict[str, array[float]] = {}
    for name in ("texts", "questions"):
        rows = np.load(folder / f"{name}.npy")
        texts = json.loads((folder / f"{name}.json").read_text("utf-8"))
        vectors |= {t: array("f", row.tobytes()) for t, row in zip(texts, rows, strict=True)}
    source = list({new.text: (new, place) for new, place in chats(len(vectors))}.values())
    source = [one for one in source if one[0].text in vectors]
    half = len(source) // 2
    plugin = _ready(vectors)
    async with open_memory(folder / "argent", "none", beside=[plugin]) as memory:
        began = time.perf_counter()
        for new, place in source[:half]:
            await memory.store.add(new, place)
        await memory.settle()
        single = time.perf_counter() - began
        began = time.perf_counter()
        for start in range(half, len(source), _BATCH):
            await memory.store.add_all(source[start : start + _BATCH])
        await memory.settle()
        batched = time.perf_counter() - began
        took, cpu = [], []
        await memory.search("warm up", _FOUND)
        for asked in json.loads((folder / "questions.json").read_text("utf-8")):
            began, worked = time.perf_counter(), time.process_time()
            await memory.search(asked, _FOUND)
            took.append(time.perf_counter() - began)
            cpu.append(time.process_time() - worked)
    return {
        "single_per_s": half / single,
        "batched_per_s": (len(source) - half) / batched,
        "p50_ms": statistics.median(took) * 1e3,
        "p50_cpu_ms": statistics.median(cpu) * 1e3,
    }


def _with_minilm(folder: Path, items: int) -> dict[str, float]:
    """Tell everything to a memory with a real embedder, in a process of its own."""
    home, told = folder / "minilm", folder / "told.jsonl"
    share_downloads(home)
    with told.open("w", encoding="utf-8") as lines:
        for new, place in chats(items):
            assert new.said_at is not None
            known = (new.text, new.key, new.speaker, new.said_at.isoformat(), place.name)
            lines.write(json.dumps(known) + "\n")
    run = [sys.executable, "-m", "benchmarks.memory_resident", str(home), str(told)]
    done = subprocess.run(run, stdout=subprocess.PIPE, check=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _ready(vectors: Mapping[str, array[float]]) -> MadePlugin:
    """Return a plugin that knows the vectors already."""

    class Ready:
        id = "ready"
        dimensions = DIMENSIONS
        longest = 1000
        local = True
        scripts = ()

        async def embed(self, texts: Sequence[str], *, query: bool = False) -> list[Any]:
            return [vectors[text] if text in vectors else vector(text) for text in texts]

    @asynccontextmanager
    async def opened() -> AsyncIterator[TextEmbedder]:
        yield Ready()

    return MadePlugin("ready", Service[TextEmbedder](key=EMBEDDER, open=opened))


if __name__ == "__main__":
    main()
