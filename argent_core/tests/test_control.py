from __future__ import annotations

import json

import pytest

from argent_core.link import KERNEL
from argent_core.local import CallFailed, LocalCommandContext, NotRunning
from argent_testing import Argent

from .demo import Demo

pytestmark = pytest.mark.anyio


async def test_a_command_reaches_the_running_kernel(argent: Argent) -> None:
    async with argent(plugins=[Demo()], model=["hi"]):
        await argent.channel.ask("hello")
        status = await LocalCommandContext(argent.home).call("status")
        turns = await LocalCommandContext(argent.home).call("trace.list", limit=5)

    assert [plugin["name"] for plugin in status["plugins"]] == ["demo", "memory", "scripted"]
    assert [turn["answer"] for turn in turns] == ["hi"]


async def test_without_one_it_says_how_to_start_it(argent: Argent) -> None:
    async with argent():
        pass

    with pytest.raises(NotRunning, match="Argent does not run; start it with: argent start"):
        await LocalCommandContext(argent.home).call("status")


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ({"call": "fly"}, "there is no operation 'fly'; there are: status, stop"),
        ({"call": "trace.list", "arguments": {"colour": 1}}, "unexpected keyword argument"),
        ({"call": "events.show"}, "events.show: missing a required argument: 'id'"),
        ({"call": "events.show", "arguments": [1]}, "missing a required argument"),
        ({"arguments": {}}, "there is no operation 'None'"),
        ({"call": "events.show", "arguments": {"id": "zz"}}, "there is no event 'zz'"),
        ({"call": "plugins.enable", "arguments": {"name": "x"}}, "there is no plugin 'x'"),
    ],
)
async def test_a_wrong_call_is_answered_and_the_connection_goes_on(
    argent: Argent, call: dict[str, object], complaint: str
) -> None:
    async with argent(), LocalCommandContext(argent.home).connect(KERNEL) as line:
        await line.send(call)
        answer = await line.receive()
        await line.send({"call": "status", "arguments": {}})
        after = await line.receive()

    assert answer is not None and complaint in answer["error"]
    assert after is not None and after["result"]["state"] == "idle"


async def test_a_failed_call_is_an_error_of_the_command(argent: Argent) -> None:
    async with argent():
        with pytest.raises(CallFailed, match="there is no event 'zz'; see: argent events list"):
            await LocalCommandContext(argent.home).call("events.show", id="zz")


async def test_what_it_answers_is_json(argent: Argent) -> None:
    async with argent(model=["hi"]) as kernel:
        await argent.channel.ask("hello")
        for operation in ("status", "plugins.list", "events.list", "trace.last", "approvals.list"):
            json.dumps(await kernel.control.run(operation, {}))


async def test_shutdown_lets_the_kernel_end(argent: Argent) -> None:
    async with argent() as kernel:
        await LocalCommandContext(argent.home).call("shutdown")
        await kernel.wait()
