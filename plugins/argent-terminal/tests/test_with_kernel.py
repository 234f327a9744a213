"""The command and the channel with the real kernel between them."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from argent_hookspecs import Effect, ModelRejected, Tool, ToolCall, WithFiles
from argent_terminal.summary import status_text, trace_text
from argent_testing import Argent, MadePlugin

pytestmark = pytest.mark.anyio
PLUGINS = ("argent_terminal", "argent_basics")


class Shell:
    """``argent chat`` in a process of its own, killed if the test does not wait for its end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    async def ends(self) -> tuple[int, str, str]:
        """Return exit code, output and errors."""
        async with asyncio.timeout(60):
            out, err = await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def chat(argent: Argent, *arguments: str) -> AsyncIterator[Shell]:
    program = "from argent_core.cli import main; main()"
    command = (sys.executable, "-c", program, "--home", str(argent.home.root), "chat")
    process = await asyncio.create_subprocess_exec(
        *command, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    try:
        yield Shell(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_it_is_said_where_a_file_is_that_goes_with_an_answer(argent: Argent) -> None:
    async def make() -> WithFiles:
        return WithFiles("Done.", [await plugin.ctx.files.add(b"milk, tea", name="list.txt")])

    tool = Tool(id="make", description="Make it.", run=make, effect=Effect.IDEMPOTENT)
    plugin = MadePlugin("maker", tool)
    model: list[Any] = [ToolCall("1", "make"), "Here is the list."]
    async with argent(plugins=[*PLUGINS, plugin], model=model):
        code, said, _ = await says(argent, "-m", "Write it down.")
        first, *_, last = said.strip().splitlines()
        name, _, place = last.partition(": ")
        content = await asyncio.to_thread(Path(place).read_text)

    assert (code, first, name, content) == (0, "Here is the list.", "list.txt", "milk, tea")


async def says(argent: Argent, *arguments: str) -> tuple[int, str, str]:
    async with chat(argent, *arguments) as shell:
        return await shell.ends()


async def test_an_answer_is_streamed_delivered_and_explained(argent: Argent) -> None:
    call = ToolCall("1", "calc", {"expression": "6*7"})
    async with argent(PLUGINS, model=[call, ["It ", "is ", "42."]]) as kernel:
        code, out, _ = await says(argent, "-m", "What is 6 times 7?", "--json")
        trace = await kernel.agent.trace("terminal:main")
        status = status_text(await kernel.agent.status())

    found = json.loads(out)
    assert code == 0
    assert (found["answer"], found["model"]) == ("It is 42.", "scripted")
    assert found["tools"] == ["calc"]
    assert trace and trace["replies"][0]["state"] == "sent"
    explained = trace_text(trace).splitlines()
    assert "Model: scripted of scripted (tier local)" in status and "Tools: calc" in status
    assert '· calc(expression="6*7") → 42' in explained
    assert "Reply: sent" in explained and "Asked: What is 6 times 7?" in explained
    assert len(explained) <= 15 and len(status.splitlines()) <= 15


async def test_a_tool_call_that_was_allowed_is_answered_to_who_comes_next(argent: Argent) -> None:
    call = ToolCall("1", "calc", {"expression": "6*7"})
    config = {"tools": {"policy": {"calc": "ask"}}}
    async with argent(PLUGINS, model=[call, "It is 42.", "Hello."], config=config) as kernel:
        code, out, _ = await says(argent, "-m", "6 times 7?", "--json")
        asked = json.loads(out)
        assert code == 3
        assert asked["state"] == "waiting"
        assert asked["approval"]["arguments"] == {"expression": "6*7"}
        await kernel.agent.answer(asked["approval"]["id"], allow=True, by="the test")
        _, out, err = await says(argent, "-m", "Hi")

    assert out == "Hello.\n"
    assert "An earlier answer:\nIt is 42." in err


async def test_a_failure_is_told_once_and_leaves_nothing_behind(argent: Argent) -> None:
    refusal = ModelRejected("the key is wrong")
    async with argent(PLUGINS, model=[refusal, "Hello."]) as kernel:
        code, out, err = await says(argent, "-m", "Hi")
        replies = (await kernel.agent.status())["replies"]
        _, again, err_again = await says(argent, "-m", "Hi again")

    assert (code, out, again) == (1, "", "Hello.\n")
    assert "No answer: " in err and "Sorry" not in err
    assert not any(replies.values())
    assert "earlier" not in err_again


async def test_a_kernel_that_ends_in_the_middle_of_an_answer_ends_no_wait(argent: Argent) -> None:
    async def never(_: Any) -> str:
        await asyncio.get_running_loop().create_future()
        return ""

    async with AsyncExitStack() as stack:
        async with argent(PLUGINS, model=[never]):
            shell = await stack.enter_async_context(chat(argent, "-m", "Hi"))
            await argent.model.asked(1)
        async with argent.restart(model=["Hello again."]) as kernel:
            code, out, err = await shell.ends()
            history = await kernel.agent.history("terminal:main")

    assert (code, out) == (0, "Hello again.\n")
    assert "The connection to the agent is lost" in err
    assert len(history) == 1


async def test_ctrl_c_says_that_it_is_an_earlier_answer_that_it_stops(argent: Argent) -> None:
    async def never(_: Any) -> str:
        await asyncio.get_running_loop().create_future()
        return ""

    async with argent(PLUGINS, model=[never, "Here you are."]) as kernel:
        async with chat(argent, "-m", "Tell me a long story"):
            await argent.model.asked(1)
        async with chat(argent, "-m", "Something short") as second:
            async with asyncio.timeout(60):
                while not (await kernel.agent.status())["events"]["ready"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            second.interrupt()
            code, out, err = await second.ends()

    assert (code, out) == (0, "Here you are.\n")
    assert 'an earlier answer, to "Tell me a long story". Yours comes now' in err


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("@locl What is life?", "There is no @locl. Did you mean @local? Nobody was asked"),
        ("/model enormous", "There is no enormous. There are: auto, local."),
        ("/frobnicate", "There is no /frobnicate here."),
    ],
)
async def test_what_the_agent_cannot_do_is_no_answer(
    argent: Argent, said: str, answer: str
) -> None:
    async with argent(PLUGINS, model=[]):
        code, out, err = await says(argent, "-m", said)
        json_code, as_json, _ = await says(argent, "-m", said, "--json")

    assert (code, out, json_code) == (1, "", 1)
    assert err.startswith(f"No answer: {answer}")
    found = json.loads(as_json)
    assert (found["state"], found["answer"]) == ("failed", None)
    assert found["reason"].startswith(answer)


async def test_a_trace_after_a_command_explains_the_answer_before_it(argent: Argent) -> None:
    async with argent(PLUGINS, model=["Hello."]) as kernel:
        await says(argent, "-m", "Hi")
        await argent.clock.advance(1)
        code, as_json, _ = await says(argent, "-m", "/model local", "--json")
        trace = await kernel.agent.trace("terminal:main")
        turns = await kernel.agent.trace_rows.turns()

    assert code == 0 and json.loads(as_json)["model"] is None
    assert trace is not None and trace["answer"] == "Hello."
    assert len(turns) == 2


@pytest.mark.parametrize("target", PLUGINS)
async def test_the_plugin_loads_as_it_is_shipped(
    load_plugin: Callable[..., Any], target: str
) -> None:
    async with load_plugin(target) as plugin:
        assert plugin.record.summary


async def test_what_is_said_while_a_tool_runs_is_answered_with_it(argent: Argent) -> None:
    said = asyncio.Event()

    async def call_when_said(_: Any) -> ToolCall:
        await said.wait()
        return ToolCall("1", "calc", {"expression": "6*7"})

    async with (
        argent(PLUGINS, model=[call_when_said, "Both."]) as kernel,
        chat(argent, "-m", "One") as first,
        chat(argent, "-m", "Two") as second,
    ):
        await argent.model.asked(1)
        async with asyncio.timeout(60):
            while not (await kernel.agent.status())["events"]["ready"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        said.set()
        _, one, _ = await first.ends()
        _, two, _ = await second.ends()

    assert one == two == "Both.\n"
