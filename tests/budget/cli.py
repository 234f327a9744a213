"""The command: ``python -m tests.budget``."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import click

from tests.budget.book import MUTANTS, REAL, Kind
from tests.budget.schedule import Desk

_CHUNK = 50
_MOST_FINDINGS = 20
_MEMORY = Path("/dev/shm")
_EPILOG = """
\b
Examples:
  uv run python -m tests.budget --schedules 300 --seed 1
  uv run python -m tests.budget --schedules 10000 --seed 7 --json
  uv run python -m tests.budget --mutants --schedules 200

\b
Figures:
  schedules   each of 64 workers on one database, and of 32 more after a crash
  violations  what was found wrong, looked for in the transaction of every step
  calls       model calls that were made and put down
  refused     calls that were not made, because they did not fit
  cancelled   workers that were cancelled, or were at work when it crashed
  crashes     times that all went on from what was on the disk
"""

Found = tuple[Counter[str], list[str]]


@click.command(epilog=_EPILOG)
@click.option("--schedules", default=300, show_default=True, help="How many are run.")
@click.option(
    "--seed",
    default="1",
    show_default=True,
    help="What is drawn at random is drawn from it. Which of two workers comes first also depends "
    "on the machine.",
)
@click.option(
    "--mutants",
    is_flag=True,
    help="Keep account in wrong ways, one at a time, and see whether that is noticed within so "
    "many schedules.",
)
@click.option(
    "--jobs", default=os.cpu_count() or 1, help="Processes; one for each core, if not given."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object, last.")
def main(*, schedules: int, seed: str, mutants: bool, jobs: int, as_json: bool) -> None:
    """Make model calls at random, many at once, and see whether a cap is ever gone over.

    The code is 1 if one was, or the sums were wrong, or if a mutant was not caught.
    """
    if mutants:
        figures = _try_mutants(seed, schedules)
        good = figures["caught"] == figures["of"]
    else:
        figures, findings = _run(seed, schedules, jobs)
        good = not findings
        for words in findings[:_MOST_FINDINGS]:
            click.echo(words, err=True)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        click.echo(", ".join(f"{name} {number}" for name, number in figures.items()))
    sys.exit(0 if good else 1)


def _run(seed: str, schedules: int, jobs: int) -> tuple[dict[str, int], list[str]]:
    chunks = [range(n, min(n + _CHUNK, schedules)) for n in range(0, schedules, _CHUNK)]
    counts: Counter[str] = Counter()
    findings: list[str] = []
    with ProcessPoolExecutor(max(1, jobs), mp_context=get_context("spawn")) as pool:
        for happened, found in pool.map(partial(run_some, REAL, seed), chunks):
            counts += happened
            findings += found
    names = ("schedules", "calls", "refused", "cancelled", "crashes")
    first, *others = ((name, counts[name]) for name in names)
    return dict([first, ("violations", len(findings)), *others]), findings


def run_some(kind: Kind, seed: str, numbers: Sequence[int], *, until_caught: bool = False) -> Found:
    """Run the schedules of some numbers, in this process.

    Args:
        until_caught: Whether it is enough to find something wrong.
    """

    async def run() -> Found:
        with _folder() as folder:
            desk = Desk(folder, kind)
            findings: list[str] = []
            for number in numbers:
                found = await desk.run(f"{seed}/{number}")
                findings += [f"seed {seed}, schedule {number}: {words}" for words in found]
                if found and until_caught:
                    break
            await desk.close()
            return desk.counts, findings

    return asyncio.run(run())


def _try_mutants(seed: str, schedules: int) -> dict[str, int]:
    caught = 0
    for mutant in MUTANTS:
        counts, findings = run_some(mutant, seed, range(schedules), until_caught=True)
        caught += bool(findings)
        fate = f"caught: {findings[0]:.200}" if findings else "NOT CAUGHT"
        click.echo(f"{mutant.name}, after {counts['schedules']} schedules: {fate}", err=True)
    return {"caught": caught, "of": len(MUTANTS)}


@contextmanager
def _folder() -> Iterator[Path]:
    memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="argent-budget-", dir=memory) as name:
        yield Path(name)
