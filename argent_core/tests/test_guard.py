from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from argent_core.guard import Guard
from argent_hookspecs import (
    ArgentError,
    ModelUnavailable,
    PluginError,
    PluginSkipped,
    PluginTimeout,
    ToolError,
)
from argent_testing import eventually, hang, no_leaked_tasks

from .guarding import Faults, block, deaf, fine, installed, raising

pytestmark = pytest.mark.anyio


class TestAsk:
    async def ask(self, guard: Guard, work: Callable[[], Any], **options: Any) -> Any:
        options = {"what": "tool t", "timeout": 5.0, **options}
        return await guard.ask("demo", work, **options)

    async def test_an_answer_is_returned(self, guard: Guard, faults: Faults) -> None:
        assert await self.ask(guard, fine, expects=str) == "fine"
        assert faults.found == []

    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (LookupError("lost"), "tool t raised LookupError: lost"),
            (SystemExit(1), "tool t tried to exit the process"),
            (KeyboardInterrupt(), "tool t tried to exit the process"),
            (asyncio.CancelledError(), "tool t raised CancelledError"),
            (StopAsyncIteration(), "tool t raised StopAsyncIteration"),
            (GeneratorExit(), "tool t raised GeneratorExit"),
            (BaseExceptionGroup("two", [SystemExit()]), "tool t raised BaseExceptionGroup"),
        ],
    )
    async def test_whatever_it_raises_is_an_error_with_its_name(
        self, guard: Guard, faults: Faults, error: BaseException, words: str
    ) -> None:
        with pytest.raises(PluginError, match=words) as caught:
            await self.ask(guard, raising(error))

        assert caught.value.plugin == "demo"
        assert words in faults.of("demo")[0]

    @pytest.mark.parametrize("error", [ToolError("no"), ModelUnavailable("busy", retry_after=3)])
    async def test_errors_of_the_contract_mean_what_they_say(
        self, guard: Guard, faults: Faults, error: ArgentError
    ) -> None:
        with pytest.raises(type(error)) as caught:
            await self.ask(guard, raising(error))

        assert caught.value is error
        assert faults.found == []

    @pytest.mark.parametrize("answer", [None, 7, "text", object()])
    async def test_rubbish_is_no_answer(self, guard: Guard, faults: Faults, answer: object) -> None:
        async def work() -> object:
            return answer

        with pytest.raises(PluginError, match="something else than it should"):
            await self.ask(guard, work, expects=(list, tuple))

        assert len(faults.of("demo")) == 1

    @pytest.mark.parametrize("work", [lambda: 7, lambda: 1 / 0, lambda: None])
    async def test_a_function_that_cannot_be_awaited_is_an_error(
        self, guard: Guard, work: Callable[[], Any]
    ) -> None:
        with pytest.raises(PluginError):
            await self.ask(guard, work)

    async def test_one_that_hangs_is_ended_in_time(self, guard: Guard, faults: Faults) -> None:
        async with no_leaked_tasks():
            with pytest.raises(PluginTimeout, match=r"did not answer in 0\.05 s"):
                await self.ask(guard, hang, timeout=0.05)

        assert len(faults.of("demo")) == 1

    async def test_one_that_swallows_its_cancellation_is_left_behind_and_named(
        self, guard: Guard, faults: Faults
    ) -> None:
        with pytest.raises(PluginTimeout):
            await self.ask(guard, deaf, timeout=0.05)

        assert "tool t did not stop when it was cancelled" in faults.of("demo")
        assert guard.tasks.running_tasks("demo") == 1
        await eventually(lambda: guard.tasks.running_tasks("demo") == 0, what="it ends")

    @pytest.mark.parametrize("timeout", [0, -1, None, "soon", float("nan")])
    async def test_a_timeout_that_is_none_is_the_plugins_fault(
        self, guard: Guard, timeout: Any
    ) -> None:
        with pytest.raises(PluginError):
            await self.ask(guard, hang, timeout=timeout)

        assert guard.tasks.running_tasks("demo") == 0

    async def test_a_caller_that_is_cancelled_takes_the_call_along(
        self, guard: Guard, faults: Faults
    ) -> None:
        ended = asyncio.Event()

        async def work() -> None:
            try:
                await hang()
            finally:
                ended.set()

        async with no_leaked_tasks():
            caller = asyncio.create_task(self.ask(guard, work))
            await eventually(lambda: guard.tasks.running_tasks("demo"), what="it runs")
            caller.cancel()
            with pytest.raises(asyncio.CancelledError):
                await caller

        assert ended.is_set()
        assert faults.found == []

    async def test_a_caller_that_is_cancelled_is_not_held_by_one_who_is_not(
        self, guard: Guard, faults: Faults
    ) -> None:
        caller = asyncio.create_task(self.ask(guard, deaf))
        await eventually(lambda: guard.tasks.running_tasks("demo"), what="it runs")

        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller

        assert faults.of("demo") == ["tool t did not stop when it was cancelled"]
        await eventually(lambda: guard.tasks.running_tasks("demo") == 0, what="it ends")

    async def test_a_call_that_is_swept_away_is_an_error_for_its_caller(self, guard: Guard) -> None:
        for moment in (0, 1):
            caller = asyncio.create_task(self.ask(guard, hang))
            await asyncio.sleep(0)
            for _ in range(moment):
                await asyncio.sleep(0)
            await guard.tasks.sweep("demo")
            with pytest.raises(PluginError, match=r"cancelled|CancelledError"):
                await caller

    async def test_healthy_neighbours_lose_no_call(self, guard: Guard) -> None:
        bad = [hang, raising(SystemExit()), raising(ValueError()), deaf]
        asked = [guard.ask("good", fine, what="it", timeout=5) for _ in range(50)]
        disturbed = [guard.ask("bad", work, what="it", timeout=0.05) for work in bad]

        results = await asyncio.gather(*asked, *disturbed, return_exceptions=True)

        assert results[:50] == ["fine"] * 50
        assert all(isinstance(result, PluginError) for result in results[50:])


class TestMisses:
    async def miss(self, guard: Guard, *, what: str = "context", **options: Any) -> PluginError:
        with pytest.raises(PluginError) as caught:
            await guard.ask(
                "demo", raising(OSError()), what=what, timeout=5, skippable=True, **options
            )
        return caught.value

    async def test_after_three_in_a_row_it_is_skipped(self, guard: Guard) -> None:
        errors = [await self.miss(guard) for _ in range(4)]

        assert [isinstance(error, PluginSkipped) for error in errors] == [False] * 3 + [True]

    async def test_a_skipped_call_is_not_made(self, guard: Guard) -> None:
        calls = []

        async def work() -> None:
            calls.append(1)

        for _ in range(3):
            await self.miss(guard)
        with pytest.raises(PluginSkipped):
            await guard.ask("demo", work, what="context", timeout=5, skippable=True)

        assert calls == []

    async def test_an_answer_in_between_forgives(self, guard: Guard) -> None:
        for _ in range(3):
            await self.miss(guard)
            await self.miss(guard)
            await guard.ask("demo", fine, what="context", timeout=5, skippable=True)

    async def test_other_calls_of_the_plugin_go_on(self, guard: Guard) -> None:
        for _ in range(3):
            await self.miss(guard)

        assert await guard.ask("demo", fine, what="tool", timeout=5, skippable=True) == "fine"
        assert await guard.ask("other", fine, what="context", timeout=5, skippable=True) == "fine"

    async def test_what_must_be_called_is_called_all_the_same(self, guard: Guard) -> None:
        for _ in range(5):
            with pytest.raises(PluginError, match="raised OSError"):
                await guard.ask("demo", raising(OSError()), what="delivery", timeout=5)

    async def test_errors_of_the_contract_are_no_misses(self, guard: Guard) -> None:
        for _ in range(5):
            with pytest.raises(ToolError):
                await guard.ask(
                    "demo", raising(ToolError("no")), what="it", timeout=5, skippable=True
                )


class TestStallCredit:
    async def test_time_in_which_somebody_else_blocked_does_not_count(self, guard: Guard) -> None:
        async def quick() -> str:
            await asyncio.sleep(0.05)
            return "in time"

        asked = asyncio.create_task(guard.ask("slow", quick, what="it", timeout=0.3))
        await eventually(lambda: guard.tasks.running_tasks("slow"), what="it runs")
        block(0.7)

        assert await asked == "in time"

    async def test_one_that_hangs_is_ended_though_somebody_blocks(self, guard: Guard) -> None:
        asked = asyncio.create_task(guard.ask("slow", hang, what="it", timeout=0.1))
        await eventually(lambda: guard.tasks.running_tasks("slow"), what="it runs")
        block(0.5)

        with pytest.raises(PluginTimeout):
            await asked

    async def test_who_blocks_for_ever_cannot_put_its_own_deadline_off_for_ever(
        self, faults: Faults
    ) -> None:
        async def greedy() -> None:
            while True:
                block(0.35)
                await asyncio.sleep(0.01)

        with installed(Guard(on_fault=faults, most_credit=0.5)) as guard:
            async with asyncio.timeout(10):
                with pytest.raises(PluginTimeout):
                    await guard.ask("greedy", greedy, what="it", timeout=0.2)


class TestChain:
    async def test_each_step_sees_what_the_one_before_made(self, guard: Guard) -> None:
        async def add(value: int) -> int:
            return value + 1

        async def double(value: int) -> int:
            return value * 2

        assert await guard.chain(3, [add, double, add]) == 9

    async def test_the_first_error_ends_it(self, guard: Guard) -> None:
        reached = []

        async def refuse(value: int) -> int:
            raise PluginError("demo", "no")

        async def never(value: int) -> int:
            reached.append(value)
            return value

        with pytest.raises(PluginError):
            await guard.chain(1, [refuse, never])

        assert reached == []


class TestInThread:
    async def in_thread(self, guard: Guard, work: Callable[[], Any], timeout: float = 5) -> Any:
        return await guard.in_thread("demo", work, what="import", timeout=timeout)

    async def test_it_runs_beside_the_loop(self, guard: Guard) -> None:
        assert await self.in_thread(guard, threading.get_ident) != threading.get_ident()

    @pytest.mark.parametrize(
        "error", [ImportError("no such"), SystemExit(2), StopIteration(), KeyboardInterrupt()]
    )
    async def test_whatever_it_raises_is_an_error_with_its_name(
        self, guard: Guard, error: BaseException
    ) -> None:
        def work() -> None:
            raise error

        with pytest.raises(PluginError, match="demo: import"):
            await self.in_thread(guard, work)

    async def test_one_that_never_returns_is_left_behind(self, guard: Guard) -> None:
        release = threading.Event()

        with pytest.raises(PluginTimeout, match="import did not answer"):
            await self.in_thread(guard, release.wait, timeout=0.05)

        release.set()
        names = [thread.name for thread in threading.enumerate()]
        await eventually(
            lambda: "demo: import" not in [t.name for t in threading.enumerate()], what="it ends"
        )
        assert "demo: import" in names

    async def test_a_call_in_time_is_not_disturbed_by_one_that_is_late(self, guard: Guard) -> None:
        release = threading.Event()
        late = asyncio.create_task(self.in_thread(guard, release.wait))

        assert await self.in_thread(guard, lambda: "quick") == "quick"

        release.set()
        assert await late is True
