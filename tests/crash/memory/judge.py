"""The judge of the memory: compares what was said with what is remembered."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from attrs import evolve

from tests.crash.judge import Finding, Verdict, judge
from tests.crash.memory.world import MemoryWorld
from tests.crash.report import Report
from tests.crash.world import answered, named

MEMORIES_LOST, MEMORIES_DOUBLED = "memories_lost", "memories_doubled"
_AGENT = "Argent"
_REMEMBERED = "SELECT speaker, text, count FROM items WHERE state = 'live'"


def judge_memory(world: MemoryWorld, report: Report | None) -> Verdict:
    """Judge a home after its quiet life, and what it remembers."""
    verdict = judge(world.ledger, report)
    if report is None:
        return verdict
    asked, told = remembered(world.home / "data" / "memory.db")
    found = [*_asked(world, report, asked), *_told(world, told)]
    return evolve(verdict, findings=(*verdict.findings, *found))


def remembered(file: Path) -> tuple[Counter[str], Counter[str]]:
    """Return how often each message is remembered, and how often in an answer."""
    asked, told = Counter[str](), Counter[str]()
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        for speaker, text, count in database.execute(_REMEMBERED):
            names = told if speaker == _AGENT else asked
            for name in named(text):
                names[name] += count
    return asked, told


def _asked(world: MemoryWorld, report: Report, asked: Counter[str]) -> Iterator[Finding]:
    dead = {text.split()[-1] for text in report.dead}
    for name in world.ledger.messages:
        times = asked.pop(name, 0)
        if world.is_task(name):
            if times:
                words = f"{name} is no message, and is remembered {times} times"
                yield Finding(MEMORIES_DOUBLED, words)
        elif times > 1:
            yield Finding(MEMORIES_DOUBLED, f"{name} is remembered {times} times")
        elif not times and name not in dead:
            yield Finding(MEMORIES_LOST, f"{name} was dealt with, and is not remembered")
    for name in asked:
        yield Finding(MEMORIES_DOUBLED, f"{name} is remembered, and was never said")


def _told(world: MemoryWorld, told: Counter[str]) -> Iterator[Finding]:
    """Judge the answers; one that only repeats several names need not be kept."""
    for taken in world.ledger.delivered:
        names = answered(taken.text)
        if len(names) == 1 and not world.is_task(names[0]) and not told[names[0]]:
            yield Finding(MEMORIES_LOST, f"the answer to {names[0]} is not remembered")
    for name, times in told.items():
        if times > 1:
            yield Finding(MEMORIES_DOUBLED, f"the answer to {name} is remembered {times} times")
