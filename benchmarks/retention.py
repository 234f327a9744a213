"""Does trimming the journal make other writes wait?

Durable writes are made one after another, as by a busy channel: with nothing else going on, while
everything that is old is trimmed, and again with nothing else going on. What counts is the ratio
of the slowest in a hundred.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import click

from argent_core.database import open_database
from argent_core.inbound.journal import Journal
from argent_core.retention import Retention
from argent_core.schema import MIGRATIONS
from argent_hookspecs import Event, Transaction
from argent_testing import FakeClock

_TERM = timedelta(days=90)
_CONTROL_SECONDS = 10.0
_PAUSE = 0.005
_CHUNK = 2000


@click.command()
@click.option("--events", default=100_000, show_default=True, help="Events that are trimmed.")
@click.option("--conversations", default=50, show_default=True, help="Conversations of them.")
@click.option("--json", "as_json", is_flag=True, help="Print one object with the figures last.")
def main(events: int, conversations: int, *, as_json: bool) -> None:
    """Measure what trimming costs the others.

    \b
    Examples:
      python -m benchmarks.retention
      python -m benchmarks.retention --events 10000 --json
    """
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(_measure(Path(folder), events, conversations))
    for name, value in figures.items():
        click.echo(f"{name:20} {value:12.3f}")
    if as_json:
        click.echo(json.dumps(figures))


async def _measure(folder: Path, events: int, conversations: int) -> dict[str, float]:
    clock, path = FakeClock(), folder / "kernel.db"
    async with open_database(path, MIGRATIONS) as database:
        journal = Journal(database, clock)
        retention = Retention(journal, _TERM, folder / "results")
        _tell(f"{events} turns are put on record")
        for first in range(0, events, _CHUNK):
            await database.write(_past(range(first, min(first + _CHUNK, events)), conversations))
        await _grow_old(retention, clock)
        figures = {"full_mb": path.stat().st_size / 2**20}
        _tell("writes alone")
        alone = await _writes(journal, asyncio.create_task(asyncio.sleep(_CONTROL_SECONDS)))
        _tell("writes beside the trimming")
        began = time.perf_counter()
        trimming = asyncio.create_task(retention.trim())
        beside = await _writes(journal, trimming)
        figures["trim_s"] = time.perf_counter() - began
        figures["trimmed"] = trimming.result().events
        _tell("writes alone again")
        alone += await _writes(journal, asyncio.create_task(asyncio.sleep(_CONTROL_SECONDS)))
        wal = path.with_name(f"{path.name}-wal").stat().st_size
    for name, taken in (("alone", alone), ("beside", beside)):
        cuts = statistics.quantiles(taken, n=1000)
        figures[f"p50_ms_{name}"] = cuts[499] * 1000
        figures[f"p99_ms_{name}"] = cuts[989] * 1000
        figures[f"max_ms_{name}"] = max(taken) * 1000
    figures["p99_ratio"] = figures["p99_ms_beside"] / figures["p99_ms_alone"]
    return {**figures, "wal_mb": wal / 2**20, "trimmed_mb": path.stat().st_size / 2**20}


async def _grow_old(retention: Retention, clock: FakeClock) -> None:
    """Let the term pass but for the last look, which finds everything old at once."""
    await retention.trim()
    for _ in range(17):
        clock.jump(timedelta(days=5).total_seconds())
        await retention.trim()
    clock.jump(timedelta(days=6).total_seconds())


async def _writes(journal: Journal, until: asyncio.Task[object]) -> list[float]:
    """Store events until a task is done; return the seconds that each took."""
    taken = []
    while not until.done():
        event = Event(conversation="now", content="What is on for today?", sender="owner")
        began = time.perf_counter()
        await journal.append(event, source="people", plugin="people")
        taken.append(time.perf_counter() - began)
        await asyncio.sleep(_PAUSE)
    return taken


def _past(numbers: range, conversations: int) -> Callable[[Transaction], None]:
    """Make turns of the past, with all that they leave: two steps, two blocks and a reply."""
    when = FakeClock().now().timestamp()

    def insert(tx: Transaction) -> None:
        for n in numbers:
            id, conversation = f"{n * 2654435761 % 2**48:012x}", f"room {n % conversations}"
            tx.execute(
                "INSERT INTO events (id, source, plugin, kind, conversation, priority, person,"
                " state, body, created_at, available_at, finished_at, turn) VALUES"
                " (?, 'people', 'people', 'message', ?, 2, 1, 'done', ?, ?, ?, ?, ?)",
                (id, conversation, "body " * 80, when, when, when, id),
            )
            tx.execute(
                "INSERT INTO turns (id, conversation, n, state, started_at, asked, trust, answer)"
                " VALUES (?, ?, ?, 'done', ?, ?, 'owner', ?)",
                (id, conversation, n // conversations, when, "asked " * 20, "answered " * 20),
            )
            for i in range(2):
                tx.execute(
                    "INSERT INTO steps (turn, n, kind, name, key, state, request, result,"
                    " started_at) VALUES (?, ?, 'model', 'm', ?, 'done', ?, ?, ?)",
                    (id, i, f"{id}-{i}", "request " * 200, "result " * 20, when),
                )
                block = (id, i, "argent/workspace", "SOUL.md", "owner", 1, 100, "")
                tx.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", block)
            tx.execute(
                "INSERT INTO outbox (key, turn, conversation, channel, address, text, state,"
                " created_at, available_at, finished_at)"
                " VALUES (?, ?, ?, 'people', '{}', ?, 'sent', ?, ?, ?)",
                (f"{id}-0", id, conversation, "answered " * 20, when, when, when),
            )

    return insert


def _tell(words: str) -> None:
    click.echo(words, err=True)


if __name__ == "__main__":
    main()
