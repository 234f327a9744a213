"""A kernel that is killed at each state of an event, a step and a reply, and started again."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from argent_core.kernel import Kernel
from tests.recovery_world import World

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def kill_at(home: Path, place: str, *messages: str, until: str = "hangs", times: int = 1) -> None:
    """Run a kernel in a process of its own and kill it once it has said a word so often."""
    command = [sys.executable, "-m", "tests.recovery_world", str(home), place, *messages]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        try:
            assert child.stdout is not None
            said = (json.loads(line)["kind"] for line in child.stdout)
            matching = (word for word in said if word == until)
            assert len(list(itertools.islice(matching, times))) == times, "it ended by itself"
        finally:
            child.send_signal(signal.SIGKILL)


@asynccontextmanager
async def restarted(home: Path, **options: Any) -> AsyncIterator[tuple[World, Kernel]]:
    world = World(home.parent / "diary", **options)
    async with world.kernel(home) as kernel:
        yield world, kernel


async def until(world: World, condition: Callable[[], Awaitable[object]]) -> None:
    """Wait until something holds, looking again whenever the kernel has something to tell."""
    async with asyncio.timeout(20):
        while True:
            world.moved.clear()
            if await condition():
                return
            await world.moved.wait()


async def settle(world: World, kernel: Kernel) -> None:
    """Wait until there is nothing left to do."""

    async def idle() -> bool:
        status = await kernel.agent.status()
        events, replies = status["events"], status["replies"]
        busy = events["ready"] + events["leased"] + replies["pending"] + replies.get("sending", 0)
        return busy == 0

    await until(world, idle)


async def recovered(home: Path, **options: Any) -> World:
    async with restarted(home, **options) as (world, kernel):
        await settle(world, kernel)
    return world


def texts(world: World) -> list[str]:
    return [reply["text"] for reply in world.read("reply")]


async def test_events_that_were_leased_and_ready_are_answered_once_in_order(home: Path) -> None:
    kill_at(home, "model", "one", "two", until="acknowledged", times=2)

    world = await recovered(home)

    assert texts(world) == ["re: one", "re: two"]


async def test_an_event_that_is_done_stays_done(home: Path) -> None:
    kill_at(home, "", "one", until="reply")
    await recovered(home, idempotent=True)

    world = await recovered(home)

    assert len({reply["key"] for reply in world.read("reply")}) == 1
    assert len(world.read("model")) == 1


async def test_a_message_that_the_source_sends_again_is_taken_once(home: Path) -> None:
    kill_at(home, "model", "one")

    async with restarted(home) as (world, kernel):
        assert (await world.feed).cursor == "one"
        await world.say("one")
        await settle(world, kernel)

    assert texts(world) == ["re: one"]


async def test_an_event_that_waits_for_a_person_still_waits(home: Path) -> None:
    async with restarted(home) as (world, kernel):
        await world.say("use asking")
        await until(world, kernel.agent.approvals)
    kill_at(home, "", "use asking", until="acknowledged")

    async with restarted(home) as (world, kernel):
        (approval,) = await kernel.agent.approvals()
        assert await kernel.agent.answer(approval.id, allow=True, by="me")
        await settle(world, kernel)

    assert texts(world) == ["tool said: did it"]
    assert len(world.read("tool")) == 1


async def test_a_model_call_that_was_not_finished_is_made_again_with_its_key(home: Path) -> None:
    kill_at(home, "model", "one")

    world = await recovered(home)

    assert len(world.read("model")) == 2
    assert len({call["key"] for call in world.read("model")}) == 1


async def test_what_is_finished_is_not_done_again(home: Path) -> None:
    kill_at(home, "second model", "use blind")

    world = await recovered(home)

    assert texts(world) == ["tool said: did it"]
    assert len(world.read("tool")) == 1
    assert [call["second"] for call in world.read("model")] == [False, True, True]


async def test_an_idempotent_tool_is_run_again_with_its_key(home: Path) -> None:
    kill_at(home, "tool", "use idempotent")

    world = await recovered(home)

    assert texts(world) == ["tool said: did it"]
    first, second = world.read("tool")
    assert first["key"] == second["key"]


async def test_a_queryable_tool_is_asked(home: Path) -> None:
    kill_at(home, "tool", "use queryable")

    world = await recovered(home, happened="it was done")

    assert texts(world) == ["tool said: it was done"]
    assert [check["key"] for check in world.read("check")] == [world.read("tool")[0]["key"]]


async def test_a_queryable_tool_that_never_happened_is_said_to_have_failed(home: Path) -> None:
    kill_at(home, "tool", "use queryable")

    world = await recovered(home, happened=None)

    assert "it did not happen" in texts(world)[0]
    assert len(world.read("tool")) == 1


async def test_a_blind_tool_is_not_run_again_and_the_model_is_told(home: Path) -> None:
    kill_at(home, "tool", "use blind")

    world = await recovered(home)

    assert len(world.read("tool")) == 1
    assert "outcome of this call is unknown" in texts(world)[0]


async def test_a_reply_that_was_pending_is_sent(home: Path) -> None:
    kill_at(home, "delayed", "one", until="pending")

    world = await recovered(home)

    assert texts(world) == ["re: one"]
    assert len(world.read("model")) == 1


async def test_a_reply_that_was_being_sent_is_sent_again_where_the_channel_can_tell(
    home: Path,
) -> None:
    kill_at(home, "deliver", "one")

    world = await recovered(home, idempotent=True)

    first, second = world.read("reply")
    assert first["key"] == second["key"]


async def test_a_reply_that_was_being_sent_is_unknown_where_the_channel_cannot_tell(
    home: Path,
) -> None:
    kill_at(home, "deliver", "one")

    async with restarted(home) as (world, kernel):
        await settle(world, kernel)
        status = await kernel.agent.status()

    assert len(world.read("reply")) == 1
    assert status["replies"]["unknown"] == 1


async def test_an_event_that_kills_the_kernel_each_time_is_put_aside(home: Path) -> None:
    for _ in range(5):
        kill_at(home, "model", "one")

    async with restarted(home) as (world, kernel):
        await settle(world, kernel)
        (dead,) = await kernel.agent.events.list("dead")

    assert dead["reason"] == "it was tried 5 times"
    assert "I could not answer" in texts(world)[0]


async def test_the_database_is_one_that_any_sqlite_can_check(home: Path) -> None:
    kill_at(home, "second model", "use blind")

    await recovered(home)

    with sqlite3.connect(home / "data" / "kernel.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
