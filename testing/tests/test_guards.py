from __future__ import annotations

import asyncio
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from argent_hookspecs import Plugin, PluginContext, Secret, Tool, ToolCall, hookimpl, tool
from argent_testing import Argent, Canary, TaskLeaks, hang, no_blocking, no_leaked_tasks

SLEEPY = '''
import time
from argent_hookspecs import Effect, Plugin, hookimpl, tool

@tool(effect=Effect.IDEMPOTENT)
async def nap() -> str:
    """Sleep."""
    time.sleep(0.01)
    return "rested"

@hookimpl
def argent_plugin():
    return Plugin(summary="Sleeps.")

@hookimpl
def argent_tools():
    return [nap]
'''


@pytest.fixture
def sleepy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A plugin that blocks, as a module that can be imported."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "sleepy.py").write_text(SLEEPY, "utf-8")
    monkeypatch.syspath_prepend(folder)
    yield "sleepy"
    sys.modules.pop("sleepy", None)


@pytest.mark.anyio
async def test_a_plugin_that_blocks_the_loop_fails_the_test(argent: Argent, sleepy: str) -> None:
    with pytest.raises(AssertionError, match=r"blocked the event loop: .*time\.sleep"):
        async with argent(plugins=[sleepy], model=[ToolCall("1", "nap"), "oh"]):
            await argent.channel.ask("Sleep.")


@pytest.mark.anyio
async def test_blocking_is_nobodys_business_outside_the_packages(sleepy: str) -> None:
    other = types.ModuleType("other")
    other.__file__ = "/nowhere/other.py"

    with no_blocking([other]):
        time.sleep(0.001)  # noqa: ASYNC251 - that is what is tested


@pytest.mark.anyio
async def test_a_task_that_was_left_behind_is_named_and_ended() -> None:
    with pytest.raises(AssertionError, match="left behind: stray"):
        async with no_leaked_tasks():
            stray = asyncio.create_task(hang(), name="stray")

    assert stray.cancelled()


@pytest.mark.anyio
async def test_a_task_that_is_about_to_end_is_no_leak() -> None:
    async with no_leaked_tasks():
        task = asyncio.create_task(asyncio.sleep(0.01))

    assert task.done()


@pytest.mark.anyio
async def test_tasks_of_before_are_not_counted() -> None:
    before = asyncio.create_task(hang())

    leaks = TaskLeaks()

    assert await leaks.found() == []
    before.cancel()


def test_the_canary_does_not_show_itself(canary: Canary) -> None:
    assert canary.value not in repr(canary)
    assert canary.secret == Secret("env:ARGENT_CANARY")


def test_files_that_hold_the_canary_are_found(tmp_path: Path) -> None:
    canary = Canary(Secret("env:X"))
    (tmp_path / "clean.log").write_text("nothing", "utf-8")
    (tmp_path / "dirty.log").write_text(f"token={canary.value}", "utf-8")

    assert canary.seen_in(tmp_path) == [tmp_path / "dirty.log"]


def test_a_secret_that_shows_fails_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import logging
        import os

        def test_writes(canary, tmp_path):
            (tmp_path / "notes").write_text(canary.value)

        def test_prints(canary):
            print(canary.value)

        def test_logs(canary):
            logging.warning(canary.value)

        def test_only_uses(canary):
            assert os.environ["ARGENT_CANARY"] == canary.value
        """
    )

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(passed=4, errors=3)
    result.stdout.fnmatch_lines_random(
        [
            "*the secret was written to: notes*",
            "*the secret was shown in: Captured stdout call*",
            "*the secret was shown in: *Captured log call*",
        ]
    )


class Talkative:
    """A plugin that says too much."""

    name = "talkative"

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    @hookimpl
    def argent_plugin(self) -> Plugin:
        return Plugin(summary="Says too much.")

    @hookimpl
    def argent_tools(self, ctx: PluginContext) -> list[Tool]:
        @tool
        async def tell() -> str:
            """Tell a secret."""
            value = await ctx.secrets.reveal(self._secret)
            ctx.log.warning("the token is %s", value)
            return f"the token is {value}"

        return [tell]


@pytest.mark.anyio
async def test_the_kernel_keeps_a_secret_out_of_its_home(argent: Argent, canary: Canary) -> None:
    async with argent(plugins=[Talkative(canary.secret)], model=[ToolCall("1", "tell"), "Done."]):
        assert await argent.channel.ask("Tell me.") == "Done."

    assert "the token is" in (argent.home.logs / "argent.log").read_text("utf-8")
    assert canary.seen_in(argent.home.root) == []
