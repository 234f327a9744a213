"""How fast the journal takes events and hands them out, beside plain writers and other queues.

Each measurement is made beside its control, in turns, so that a slow moment of the machine meets
both; what counts are the ratios.

- Ingest: producers that each wait until their event is committed, 1 or 64 of them, through
  ``Journal.append``: FULL as it is shipped (an event is safe from power cuts when it is taken), and
  NORMAL for comparison. The control writes the same rows into the same table on a bare connection
  of Python's ``sqlite3``, as many in a commit as there are producers.
- Other queues, as they come, with as many threads as there are producers.
- Claim: taking the next event, with nothing else in the queue and with 100,000 events of 1,000
  conversations.
- fsyncs: those of a whole message, from its coming in to its answer being recorded as sent, counted
  by a library that is loaded before libc; it needs a C compiler.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from argent_core.clock import SystemClock
from argent_core.database import Database
from argent_core.inbound.journal import Journal
from argent_core.loop import turn_store
from argent_core.loop.turn_store import Ending
from argent_core.schema import MIGRATIONS
from argent_hookspecs import Address, Event, Transaction
from benchmarks.fsyncs import fsyncs_per_message

T = TypeVar("T")

_PRODUCERS = 64
_QUEUED = 100_000
_CONVERSATIONS = 1000
_CLAIMS = 300


@click.command()
@click.option("--events", default=6400, show_default=True, help="Events of each measurement.")
@click.option("--rounds", default=5, show_default=True, help="Times that each is repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print one object with the figures last.")
def main(events: int, rounds: int, *, as_json: bool) -> None:
    """Measure the journal beside plain writers and other queues.

    \b
    Examples:
      python -m benchmarks.journal
      python -m benchmarks.journal --events 20000 --rounds 9 --json
    """
    with tempfile.TemporaryDirectory() as folder:
        rates = _ingest(Path(folder), events, rounds)
        claims = asyncio.run(_claims(Path(folder)))
    figures = {
        "ingest_1_ratio": rates["journal, FULL, 1"] / rates["sqlite3, FULL, 1"],
        "ingest_64_ratio": rates["journal, NORMAL, 64"] / rates["sqlite3, NORMAL, 64"],
        "ingest_64_full_ratio": rates["journal, FULL, 64"] / rates["sqlite3, FULL, 64"],
        "claim_100k_ratio": claims["100,000 queued"] / claims["nothing else queued"],
        "fsyncs_per_message": fsyncs_per_message(),
    }
    for name, rate in rates.items():
        click.echo(f"{name:24} {rate:10,.0f} events/s")
    for name, seconds in claims.items():
        click.echo(f"claim, {name:24} {seconds * 1e6:10.0f} µs")
    for name, figure in figures.items():
        click.echo(f"{name:24} {figure:10.3f}")
    if as_json:
        click.echo(json.dumps(figures))


def _ingest(folder: Path, events: int, rounds: int) -> dict[str, float]:
    """Return the median rate of each contestant, in events a second."""
    contestants: dict[str, Callable[[Path], float]] = {}
    for producers, count in ((1, max(1, events // 16)), (_PRODUCERS, events)):
        for sync in ("NORMAL", "FULL"):
            contestants |= {
                f"sqlite3, {sync}, {producers}": partial(
                    _by_sqlite3, count=count, at_once=producers, sync=sync
                ),
                f"journal, {sync}, {producers}": partial(
                    _by_journal, count=count, producers=producers, sync=sync
                ),
            }
        for name, queue in _QUEUES.items():
            contestants[f"{name}, {producers}"] = partial(
                _by_threads, queue, count=count, producers=producers
            )
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        click.echo(f"ingest, round {number + 1} of {rounds}", err=True)
        for name, measure in contestants.items():
            with tempfile.TemporaryDirectory(dir=folder) as place:
                rates[name].append(measure(Path(place)))
    return {name: statistics.median(found) for name, found in rates.items()}


def _event(n: int) -> Event:
    return Event(
        conversation=f"c{n % _CONVERSATIONS}",
        content=f"What is on for today, and did the plumber write back? ({n})",
        sender="owner",
        trust="owner",
        dedupe_key=str(n),
        reply_to=Address("scripted", "1234567"),
    )


def _by_sqlite3(folder: Path, *, count: int, at_once: int, sync: str) -> float:
    """Write rows as the journal does, a batch in each commit, and nothing else."""
    rows = asyncio.run(_rows(folder / "rows.db", count))
    marks = ", ".join("?" * len(rows[0]))
    with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as connection:
        connection.executescript(MIGRATIONS[0])
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={sync}")
        began = time.perf_counter()
        for first in range(0, count, at_once):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                f"INSERT INTO events VALUES ({marks})", rows[first : first + at_once]
            )
            connection.execute("COMMIT")
        return count / (time.perf_counter() - began)


async def _rows(path: Path, count: int) -> list[Any]:
    async with _journal(path, Database) as journal:
        await asyncio.gather(
            *(journal.append(_event(n), source="s", plugin="p") for n in range(count))
        )
        return await journal.database.read(
            lambda tx: tx.execute("SELECT * FROM events ORDER BY seq").fetchall()
        )


class _Relaxed(Database):
    """A database that takes no write for a durable one."""

    async def write(self, work: Callable[[Transaction], T], *, durable: bool = False) -> T:
        return await super().write(work)


@asynccontextmanager
async def _journal(path: Path, kind: type[Database]) -> AsyncIterator[Journal]:
    database = await kind.open(path, MIGRATIONS)
    try:
        yield Journal(database, SystemClock())
    finally:
        await database.close()


def _by_journal(folder: Path, *, count: int, producers: int, sync: str) -> float:
    kind = Database if sync == "FULL" else _Relaxed

    async def run() -> float:
        events = [_event(n) for n in range(count)]
        async with _journal(folder / "kernel.db", kind) as journal:

            async def produce(mine: list[Event]) -> None:
                for event in mine:
                    await journal.append(event, source="s", plugin="p")

            began = time.perf_counter()
            await asyncio.gather(*(produce(events[i::producers]) for i in range(producers)))
            return count / (time.perf_counter() - began)

    return asyncio.run(run())


def _litequeue(folder: Path) -> Callable[[str], object]:
    from litequeue import LiteQueue

    queue, lock = LiteQueue(folder / "queue.db"), threading.Lock()

    def put(text: str) -> None:
        with lock:  # its connection is one for all threads
            queue.put(text)

    return put


def _huey(folder: Path) -> Callable[[str], object]:
    from huey.storage import SqliteStorage

    storage = SqliteStorage(filename=str(folder / "queue.db"), fsync=True)
    return lambda text: storage.enqueue(text.encode())


def _persist_queue(folder: Path) -> Callable[[str], object]:
    from persistqueue import SQLiteQueue

    queue = SQLiteQueue(str(folder), multithreading=True, auto_commit=True)
    return lambda text: queue.put(text)


_QUEUES = {"litequeue": _litequeue, "huey": _huey, "persist-queue": _persist_queue}


def _by_threads(
    queue: Callable[[Path], Callable[[str], object]], folder: Path, *, count: int, producers: int
) -> float:
    put, texts = queue(folder), [json.dumps({"n": n, "text": _event(n).text}) for n in range(count)]

    def produce(mine: list[str]) -> None:
        for text in mine:
            put(text)

    threads = [
        threading.Thread(target=produce, args=(texts[i::producers],)) for i in range(producers)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count / (time.perf_counter() - began)


async def _claims(folder: Path) -> dict[str, float]:
    """Return the median seconds of a claim with an empty queue and with a full one."""
    async with (
        _journal(folder / "empty.db", _Relaxed) as empty,
        _journal(folder / "full.db", _Relaxed) as full,
    ):
        click.echo(f"{_QUEUED} events are queued", err=True)
        for first in range(0, _QUEUED, 1000):
            some = [_event(n) for n in range(first, first + 1000)]
            await asyncio.gather(*(full.append(event, source="s", plugin="p") for event in some))
        seconds: dict[str, list[float]] = {"nothing else queued": [], "100,000 queued": []}
        for n in range(_QUEUED, _QUEUED + _CLAIMS):
            await empty.append(_event(n), source="s", plugin="p")
            for name, journal in zip(seconds, (empty, full), strict=True):
                began = time.perf_counter()
                lease = await journal.claim()
                seconds[name].append(time.perf_counter() - began)
                assert lease is not None
                await turn_store.finish(journal, lease, ending=Ending(state="done"))
        return {name: statistics.median(found) for name, found in seconds.items()}


if __name__ == "__main__":
    main()
