from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from argent_core.guard import Guard
from argent_hookspecs import (
    ModelUnavailable,
    PluginError,
    PluginTimeout,
)
from argent_testing import eventually, hang, no_leaked_tasks

from .guarding import Faults, fine

pytestmark = pytest.mark.anyio


class TestStream:
    def stream(self, guard: Guard, begin: Callable[[], Any], **options: Any) -> Any:
        options = {"what": "model m", "idle_timeout": 5.0, **options}
        return guard.stream("demo", begin, **options)

    async def test_parts_arrive_in_order(self, guard: Guard) -> None:
        async def many() -> AsyncIterator[int]:
            for n in range(500):
                yield n

        assert [part async for part in self.stream(guard, many, expects=int)] == list(range(500))

    async def test_any_async_iterator_will_do(self, guard: Guard) -> None:
        class Countdown:
            n = 3

            def __aiter__(self) -> Countdown:
                return self

            async def __anext__(self) -> int:
                if self.n == 0:
                    raise StopAsyncIteration
                self.n -= 1
                return self.n

        assert [part async for part in self.stream(guard, Countdown)] == [2, 1, 0]

    async def test_what_came_before_an_error_is_not_lost(
        self, guard: Guard, faults: Faults
    ) -> None:
        async def breaks() -> AsyncIterator[int]:
            yield 1
            yield 2
            raise OSError("cut off")

        seen = []
        with pytest.raises(PluginError, match="model m raised OSError: cut off"):
            async for part in self.stream(guard, breaks):
                seen.append(part)

        assert seen == [1, 2]
        assert len(faults.of("demo")) == 1

    async def test_an_error_of_the_contract_means_what_it_says(
        self, guard: Guard, faults: Faults
    ) -> None:
        async def busy() -> AsyncIterator[int]:
            yield 1
            raise ModelUnavailable("busy", retry_after=7)

        with pytest.raises(ModelUnavailable) as caught:
            async for _ in self.stream(guard, busy):
                pass

        assert caught.value.retry_after == 7
        assert faults.found == []

    async def test_silence_counts_as_hanging(self, guard: Guard) -> None:
        async def silent() -> AsyncIterator[int]:
            yield 1
            await hang()

        async with no_leaked_tasks():
            with pytest.raises(PluginTimeout, match=r"model m was silent for 0\.05 s"):
                async for _ in self.stream(guard, silent, idle_timeout=0.05):
                    pass

    async def test_but_not_while_the_plugin_says_that_it_works(self, guard: Guard) -> None:
        async def loads_first() -> AsyncIterator[int]:
            for _ in range(6):
                await asyncio.sleep(0.05)
                guard.sign_of_life("demo")
            yield 1

        assert [p async for p in self.stream(guard, loads_first, idle_timeout=0.15)] == [1]

    @pytest.mark.parametrize("begin", [lambda: [1, 2], lambda: None, lambda: 1 / 0, fine])
    async def test_what_is_no_stream_is_an_error(
        self, guard: Guard, begin: Callable[[], Any]
    ) -> None:
        opened = []

        def once() -> Any:
            opened.append(begin())
            return opened[0]

        with pytest.raises(PluginError):
            async for _ in self.stream(guard, once):
                pass

        if opened and asyncio.iscoroutine(opened[0]):
            opened[0].close()

    async def test_rubbish_between_good_parts_is_an_error(self, guard: Guard) -> None:
        async def rubbish() -> AsyncIterator[Any]:
            yield "good"
            yield 7

        with pytest.raises(PluginError, match="something else than it should: 7"):
            async for _ in self.stream(guard, rubbish, expects=str):
                pass

    async def test_closing_it_ends_the_plugins_side(self, guard: Guard) -> None:
        closed = asyncio.Event()

        async def endless() -> AsyncIterator[int]:
            try:
                while True:
                    yield 1
            finally:
                closed.set()

        async with no_leaked_tasks():
            parts = self.stream(guard, endless)
            assert await anext(parts) == 1
            await parts.aclose()

        assert closed.is_set()

    async def test_a_fast_plugin_waits_for_a_slow_reader(self, guard: Guard) -> None:
        made = 0

        async def fast() -> AsyncIterator[int]:
            nonlocal made
            while True:
                made += 1
                yield made

        parts = self.stream(guard, fast)
        await anext(parts)
        for _ in range(1000):
            await asyncio.sleep(0)
        await parts.aclose()

        assert made < 100

    async def test_a_reader_that_is_cancelled_ends_it(self, guard: Guard) -> None:
        async def silent() -> AsyncIterator[int]:
            await hang()
            yield 1

        async def read() -> None:
            parts = self.stream(guard, silent)
            try:
                await anext(parts)
            finally:
                await parts.aclose()

        async with no_leaked_tasks():
            reader = asyncio.create_task(read())
            await eventually(lambda: guard.tasks.running_tasks("demo"), what="it runs")
            reader.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reader
