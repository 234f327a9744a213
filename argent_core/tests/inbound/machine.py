"""A machine that does to the kernel's database what a model says, step by step."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine

from argent_core.database import Database
from argent_core.inbound.journal import Journal
from argent_core.schema import MIGRATIONS
from argent_testing import FakeClock

T = TypeVar("T")


class JournalOnDisk(RuleBasedStateMachine):
    """A journal that can be opened again, and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.open()

    def do(self, work: Awaitable[T]) -> T:
        async def run() -> T:
            return await work

        return self.runner.run(run())

    def open(self) -> None:
        path = Path(self.folder.name) / "kernel.db"
        self.journal = Journal(self.do(Database.open(path, MIGRATIONS)), self.clock)

    def reopen(self) -> None:
        self.do(self.journal.database.close())
        self.open()

    def teardown(self) -> None:
        self.do(self.journal.database.close())
        self.runner.close()
        self.folder.cleanup()

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()


def examples(most: int) -> settings:
    """Return how much is tried."""
    return settings(
        max_examples=most,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
