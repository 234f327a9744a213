from __future__ import annotations

import asyncio
import gc

import pytest

from argent_core.guard import Guard
from argent_testing import eventually, hang

from .guarding import Faults, deaf, fine, raising

pytestmark = pytest.mark.anyio


class TestTasks:
    async def test_what_a_plugin_starts_and_forgets_is_swept_up(self, guard: Guard) -> None:
        async def leak() -> None:
            for _ in range(3):
                asyncio.create_task(hang())  # noqa: RUF006 - it is what leaks

        await guard.ask("demo", leak, what="it", timeout=5)

        assert guard.tasks.running_tasks("demo") == 3
        assert await guard.tasks.sweep("demo") == 3
        assert guard.tasks.running_tasks("demo") == 0

    async def test_so_is_what_its_tasks_start(self, guard: Guard) -> None:
        async def child() -> None:
            asyncio.create_task(hang())  # noqa: RUF006 - it is what leaks
            await hang()

        async def leak() -> None:
            asyncio.create_task(child())  # noqa: RUF006 - it is what leaks

        await guard.ask("demo", leak, what="it", timeout=5)
        await eventually(lambda: guard.tasks.running_tasks("demo") == 2, what="both run")

        assert await guard.tasks.sweep("demo") == 2

    async def test_neighbours_keep_theirs(self, guard: Guard) -> None:
        other = guard.start("other", hang, name="root")

        await guard.tasks.sweep("demo")

        assert not other.done()
        assert await guard.tasks.sweep("other") == 0
        assert other.done()

    async def test_what_the_kernel_started_for_it_is_ended_but_no_leak(self, guard: Guard) -> None:
        call = guard.start("demo", hang, name="source")
        await asyncio.sleep(0)

        assert await guard.tasks.sweep("demo") == 0
        assert call.done()

    async def test_one_that_does_not_obey_is_named(self, guard: Guard, faults: Faults) -> None:
        async def leak() -> None:
            asyncio.create_task(deaf(), name="beacon")  # noqa: RUF006 - it is what leaks

        await guard.ask("demo", leak, what="it", timeout=5)
        await asyncio.sleep(0)
        await guard.tasks.sweep("demo")

        assert faults.of("demo") == ["task beacon did not stop when it was cancelled"]
        await eventually(lambda: guard.tasks.running_tasks("demo") == 0, what="it ends")

    async def test_one_that_is_cancelled_before_it_begins_leaves_nothing(
        self, guard: Guard
    ) -> None:
        async def hasty() -> None:
            asyncio.create_task(hang()).cancel()

        await guard.ask("demo", hasty, what="it", timeout=5)
        await asyncio.sleep(0)
        gc.collect()

        assert guard.tasks.running_tasks("demo") == 0

    @pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
    async def test_a_task_of_a_plugin_cannot_exit_the_process(
        self, guard: Guard, error: BaseException
    ) -> None:
        async def exits() -> str:
            task = asyncio.create_task(raising(error)())
            await asyncio.wait({task})
            return str(task.exception())

        said = await guard.ask("demo", exits, what="it", timeout=5)

        assert said == "demo: tried to exit the process"

    async def test_a_call_that_nobody_else_holds_is_not_collected(self, guard: Guard) -> None:
        done = []

        async def alone() -> None:
            waits = asyncio.get_running_loop().create_future()
            try:
                await waits
            finally:
                done.append(1)

        guard.start("demo", alone, name="spawned")
        await asyncio.sleep(0)
        gc.collect()

        assert guard.tasks.running_tasks("demo") == 1
        assert done == []
        await guard.tasks.sweep("demo")

    async def test_tasks_of_the_kernel_belong_to_nobody(self, guard: Guard) -> None:
        task = asyncio.create_task(fine())

        assert guard.tasks.owner(task) is None
        assert await task == "fine"
