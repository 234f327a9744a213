"""What a whole turn costs, with a model that answers at once.

Each message goes the whole way: it is stored durably, claimed, given its context, put to the model,
its steps recorded, its reply stored in the outbox, marked as being sent, delivered, and recorded as
sent. The control does the same durable steps by hand: one connection, one thread, nothing else.

CPU is that of the whole process, all threads, in milliseconds a turn.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import click

from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_core.plugins import InstalledPlugin
from argent_hookspecs import Reply
from benchmarks.scripted import Scripted

_MESSAGE = "What is on for today, and did the plumber write back about Thursday? ({n})"
_TURNS_A_CONVERSATION = 10
_LONG = 10_000


@click.command()
@click.option(
    "--turns",
    default=1000,
    show_default=True,
    type=click.IntRange(min=500),
    help="Turns of each measurement.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one object with the figures last.")
def main(turns: int, *, as_json: bool) -> None:
    """Measure what a turn costs.

    \b
    Examples:
      python -m benchmarks.turn
      python -m benchmarks.turn --turns 5000 --json
    """
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(_measure(Path(folder), turns))
    for name, value in figures.items():
        click.echo(f"{name:20} {value:10.3f}")
    if as_json:
        click.echo(json.dumps(figures))


async def _measure(folder: Path, turns: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    _tell("the same steps by hand")
    figures["by_hand_cpu_ms"] = _by_hand(folder / "by_hand.db", turns)
    async with people_at(folder / "home") as people:
        _tell("warm-up")
        await people.talk(50, 500)
        for count in (1, 50):
            _tell(f"{turns} turns, {count} at a time")
            latencies, seconds, cpu = await people.talk(count, turns)
            figures[f"p50_ms_{count}"] = statistics.median(latencies) * 1000
            figures[f"p99_ms_{count}"] = statistics.quantiles(latencies, n=100)[98] * 1000
            figures[f"turns_per_s_{count}"] = len(latencies) / seconds
            figures[f"cpu_ms_{count}"] = cpu / len(latencies) * 1000
        _tell(f"a conversation of {_LONG} messages is made")
        await people.talk_on("long", _LONG // 2)
        _tell("and goes on")
        began, going_on = time.process_time(), max(100, turns // 4)
        await people.talk_on("long", going_on)
        figures["history_10k_cpu_ms"] = (time.process_time() - began) / going_on * 1000
    figures["history_10k_ratio"] = figures["history_10k_cpu_ms"] / figures["cpu_ms_1"]
    figures["cpu_ms_per_turn"] = max(figures["cpu_ms_1"], figures["cpu_ms_50"])
    figures["by_hand_ratio"] = figures["cpu_ms_per_turn"] / figures["by_hand_cpu_ms"]
    return figures


class _People:
    """People who talk, each of whom waits for an answer before they go on."""

    def __init__(self) -> None:
        self.plugin = Scripted(self._answered)
        self.latencies: list[float] = []
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def talk(self, count: int, turns: int) -> tuple[list[float], float, float]:
        """Have so many turns, side by side, in conversations with little history.

        Returns:
            Seconds that each turn took, that all of them took, and the CPU that they took.
        """
        self.latencies = []
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(self._person(turns // count) for _ in range(count)))
        return self.latencies, time.perf_counter() - began, time.process_time() - cpu

    async def talk_on(self, conversation: str, turns: int) -> None:
        """Have so many turns in one conversation."""
        for n in range(turns):
            answered = self._waiting[conversation] = asyncio.get_running_loop().create_future()
            began = time.perf_counter()
            await self.plugin.say(_MESSAGE.format(n=n), conversation)
            await answered
            self.latencies.append(time.perf_counter() - began)

    async def _person(self, turns: int) -> None:
        for _ in range(turns // _TURNS_A_CONVERSATION):
            await self.talk_on(secrets.token_hex(4), _TURNS_A_CONVERSATION)

    def _answered(self, reply: Reply) -> None:
        self._waiting[reply.to.chat].set_result(None)


@asynccontextmanager
async def people_at(home: Path) -> AsyncIterator[_People]:
    """Run a kernel with people who talk to it."""
    people = _People()
    async with Kernel(Home(home), plugins=[InstalledPlugin("scripted", lambda: people.plugin)]):
        yield people


def _by_hand(path: Path, turns: int) -> float:
    """Do what a turn needs on one connection: two commits with a barrier and six without."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(
            "PRAGMA journal_mode=WAL;"
            "CREATE TABLE events (id TEXT PRIMARY KEY, state TEXT, body TEXT);"
            "CREATE TABLE steps (id TEXT PRIMARY KEY, state TEXT, body TEXT);"
            "CREATE TABLE outbox (id TEXT PRIMARY KEY, state TEXT, body TEXT);"
        )
        began = time.process_time()
        for n in range(turns):
            id, text = secrets.token_hex(6), _MESSAGE.format(n=n)
            body = json.dumps({"conversation": "c", "sender": "owner", "content": text})
            steps = (
                ("FULL", "INSERT INTO events VALUES (?, 'ready', ?)", (id, body)),
                ("NORMAL", "UPDATE events SET state = 'leased' WHERE id = ?", (id,)),
                ("NORMAL", "INSERT INTO steps VALUES (?, 'intent', ?)", (id, body)),
                ("NORMAL", "UPDATE steps SET state = 'done', body = ? WHERE id = ?", (body, id)),
                ("NORMAL", "INSERT INTO outbox VALUES (?, 'pending', ?)", (id, body)),
                ("NORMAL", "UPDATE events SET state = 'done' WHERE id = ?", (id,)),
                ("FULL", "UPDATE outbox SET state = 'sending' WHERE id = ?", (id,)),
                ("NORMAL", "UPDATE outbox SET state = 'sent' WHERE id = ?", (id,)),
            )
            for sync, sql, given in steps:
                connection.execute(f"PRAGMA synchronous={sync}")
                connection.execute(sql, given)
        return (time.process_time() - began) / turns * 1000


def _tell(words: str) -> None:
    click.echo(words, err=True)


if __name__ == "__main__":
    main()
