from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from argent_core.guard import Guard
from argent_testing import eventually, hang

from .guarding import Faults, fine

pytestmark = pytest.mark.anyio


class TestTell:
    @contextmanager
    def told(
        self, guard: Guard, notify: Any, *, size: int = 10, timeout: float = 5
    ) -> Iterator[Any]:
        mailbox = guard.tell("demo", notify, what="observer o", timeout=timeout, size=size)
        task = asyncio.create_task(mailbox.run())
        try:
            yield mailbox
        finally:
            task.cancel()

    async def test_notices_arrive_in_order(self, guard: Guard) -> None:
        seen: list[int] = []

        async def notify(notice: int) -> None:
            seen.append(notice)

        with self.told(guard, notify, size=100) as mailbox:
            for n in range(50):
                mailbox.put(n)
            await eventually(lambda: len(seen) == 50, what="all have arrived")

        assert seen == list(range(50))

    async def test_the_oldest_give_way_when_it_is_full(self, guard: Guard) -> None:
        seen: list[int] = []

        async def notify(notice: int) -> None:
            seen.append(notice)

        with self.told(guard, notify, size=3) as mailbox:
            for n in range(10):
                mailbox.put(n)
            await eventually(lambda: len(seen) == 3, what="the rest has arrived")

        assert seen == [7, 8, 9]

    async def test_one_that_hangs_is_never_waited_for(self, guard: Guard, faults: Faults) -> None:
        seen: list[int] = []

        async def notify(notice: int) -> None:
            if notice == 0:
                await hang()
            seen.append(notice)

        with self.told(guard, notify, timeout=0.05) as mailbox:
            mailbox.put(0)
            mailbox.put(1)
            await eventually(lambda: seen == [1], what="the next has arrived")

        assert faults.of("demo") == ["observer o did not answer in 0.05 s"]

    async def test_one_that_always_fails_is_skipped_and_costs_nothing(
        self, guard: Guard, faults: Faults
    ) -> None:
        calls: list[int] = []

        async def notify(notice: int) -> None:
            calls.append(notice)
            raise OSError

        with self.told(guard, notify, size=1000) as mailbox:
            for n in range(500):
                mailbox.put(n)
            await eventually(lambda: len(calls) == 3, what="it was tried")
            assert await guard.ask("other", fine, what="it", timeout=5) == "fine"

        assert calls == [0, 1, 2]
        assert len(faults.of("demo")) == 3
