from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest

from argent_hookspecs import (
    Effect,
    Event,
    EventRefused,
    Job,
    ModelUnavailable,
    Service,
    ServiceKey,
    ToolCall,
    tool,
)
from argent_testing import Argent, MadePlugin, MemoryChannel, ScriptedModel, eventually, hang

pytestmark = pytest.mark.anyio


@tool(effect=Effect.IDEMPOTENT)
async def double(number: int) -> int:
    """Double a number."""
    return 2 * number


async def test_a_person_is_answered(argent: Argent) -> None:
    async with argent(model=["Hello, Ada."]):
        assert await argent.channel.ask("Hello!") == "Hello, Ada."

    assert argent.model.requests[0].messages[-1].text == "Hello!"


async def test_the_model_uses_a_tool_of_a_plugin(argent: Argent) -> None:
    script = [ToolCall("1", "double", {"number": 21}), ["It ", "is ", "42."]]

    async with argent(plugins=[MadePlugin("demo", double)], model=script):
        assert await argent.channel.ask("What is twice 21?") == "It is 42."

    (result,) = argent.model.requests[1].messages[-1].parts
    assert getattr(result, "text", None) == "42"


async def test_an_installed_plugin_is_found_by_its_name(argent: Argent) -> None:
    script = [ToolCall("1", "calc", {"expression": "6*7"}), "42"]

    async with argent(plugins=["basics"], model=script) as kernel:
        assert await argent.channel.ask("6*7?") == "42"
        names = [plugin["name"] for plugin in kernel.agent.plugins()]

    assert names == ["basics", "memory", "scripted"]


async def test_a_script_may_depend_on_the_request(argent: Argent) -> None:
    async with argent(model=[lambda request: request.messages[-1].text.upper()]):
        assert await argent.channel.ask("echo") == "ECHO"


async def test_a_failed_call_is_tried_again_when_time_has_passed(argent: Argent) -> None:
    script = [ModelUnavailable("busy", retry_after=30), "Now I can."]

    async with argent(model=script) as kernel:
        await argent.channel.say("Are you there?")
        await argent.model.asked(1)
        await eventually(lambda: not kernel.loop.running, what="the turn is put back")
        await argent.clock.advance(31)
        reply = await argent.channel.next_reply()

    assert reply.text == "Now I can."


async def test_a_restart_goes_on_where_the_last_kernel_stopped(argent: Argent) -> None:
    async with argent(model=[hang]):
        await argent.channel.say("Remember me")
        await argent.model.asked(1)

    async with argent.restart(model=["And again."]):
        reply = await argent.channel.next_reply()

    assert reply.text == "And again."


async def test_the_settings_are_the_ones_given(argent: Argent) -> None:
    async with argent(model=[], config={"agent": {"id": "testling"}}) as kernel:
        status = await kernel.agent.status()

    assert status["agent"] == "testling"


async def test_jobs_run_when_the_clock_says_so(argent: Argent) -> None:
    runs: list[int] = []

    async def run() -> None:
        runs.append(1)

    async with argent(plugins=[MadePlugin("demo", Job(id="j", run=run, every=timedelta(hours=1)))]):
        await argent.clock.advance(3601)
        await eventually(lambda: runs, what="the job runs")
        assert len(runs) == 1


async def test_answers_that_nobody_asked_for_fail_the_test(argent: Argent) -> None:
    with pytest.raises(AssertionError, match="1 answers of the script were never asked for"):
        async with argent(model=["one", "two"]):
            await argent.channel.ask("first")


async def test_a_question_without_an_answer_fails_the_test(argent: Argent) -> None:
    with pytest.raises(AssertionError, match="asked 1 times more than its script of 1"):
        async with argent(model=["one"]):
            await argent.channel.ask("first")
            assert "script of the model is used up" in await argent.channel.ask("second")


async def test_the_failure_of_the_test_itself_is_what_is_shown(argent: Argent) -> None:
    with pytest.raises(ZeroDivisionError):
        async with argent(model=["never asked for"]):
            _ = 1 / 0


async def test_a_plugin_that_does_not_start_fails_the_test(argent: Argent) -> None:
    def broken() -> AbstractAsyncContextManager[object]:
        raise OSError("no such device")

    service = Service(key=ServiceKey("s", object), open=broken)
    with pytest.raises(AssertionError, match=r"demo is failed: .*no such device"):
        async with argent(plugins=[MadePlugin("demo", service)]):
            pass


async def test_a_plugin_that_breaks_the_contract_fails_the_test(argent: Argent) -> None:
    @tool
    async def broken() -> str:
        """Break."""
        raise LookupError("nothing there")

    with pytest.raises(AssertionError, match=r"demo misbehaved: .*nothing there"):
        async with argent(
            plugins=[MadePlugin("demo", broken)], model=[ToolCall("1", "broken"), "oh"]
        ):
            await argent.channel.ask("break it")


async def test_faults_may_be_allowed(argent: Argent) -> None:
    @tool
    async def broken() -> str:
        """Break."""
        raise LookupError("nothing there")

    script = [ToolCall("1", "broken"), "oh"]
    async with argent(plugins=[MadePlugin("demo", broken)], model=script, allow_faults=True):
        assert await argent.channel.ask("break it") == "oh"


async def test_a_task_left_behind_fails_the_test(argent: Argent) -> None:
    with pytest.raises(AssertionError, match="tasks left behind: forgotten"):
        async with argent():
            task = asyncio.create_task(hang(), name="forgotten")
    assert task.cancelled()


async def test_homes_are_apart(argent: Argent) -> None:
    async with argent(model=["first"]):
        await argent.channel.ask("one")
    first = argent.home
    async with argent(model=["second"]) as kernel:
        assert argent.home != first
        assert await kernel.agent.history("home") == []
        await argent.channel.ask("two")


async def test_there_must_be_something_to_restart(argent: Argent) -> None:
    with pytest.raises(AssertionError, match="no kernel yet"):
        argent.restart()


async def test_a_second_channel_is_a_plugin_like_any_other(argent: Argent) -> None:
    other = MemoryChannel("other")

    async with argent(plugins=[other], model=ScriptedModel(["here", "there"])):
        assert await argent.channel.ask("a") == "here"
        assert await other.ask("b") == "there"


Deed = Callable[[MemoryChannel], None]


@pytest.mark.parametrize(
    ("deed", "state"),
    [
        (lambda channel: channel.refuse(), "dead"),
        (lambda channel: channel.fail(RuntimeError("cut off")), "unknown"),
        (lambda channel: channel.hang(), "unknown"),
    ],
    ids=["refuses", "fails", "hangs"],
)
async def test_the_channel_can_be_told_to_refuse(argent: Argent, deed: Deed, state: str) -> None:
    argent.channel = MemoryChannel(timeout=0.1)
    deed(argent.channel)

    async with argent(model=["lost"], allow_faults=True) as kernel:
        await argent.channel.say("hello")
        await argent.channel.tried(1)
        async with asyncio.timeout(10):
            while (await kernel.outbox.count()).get(state) != 1:  # noqa: ASYNC110
                await asyncio.sleep(0)

    assert argent.channel.replies == []


async def test_a_delayed_reply_comes_when_its_time_has_come(argent: Argent) -> None:
    argent.channel.delay(60)

    async with argent(model=["late"]) as kernel:
        await argent.channel.say("hello")
        await argent.channel.tried(1)
        await eventually(lambda: not kernel.output_handlers._sending, what="it is put back")
        await argent.clock.advance(61)
        assert (await argent.channel.next_reply()).text == "late"


@pytest.mark.parametrize(("idempotent", "copies"), [(True, 1), (False, 2)])
async def test_a_channel_that_is_idempotent_drops_a_second_copy(
    idempotent: bool, copies: int
) -> None:
    from argent_hookspecs import Address, Reply

    channel = MemoryChannel(idempotent=idempotent)
    reply = Reply(key="k", to=Address("memory", "c"), text="hi", turn="t", conversation="c")

    first, second = await channel.deliver(reply), await channel.deliver(reply)

    assert first != second
    assert len(channel.replies) == copies


async def test_a_reply_that_does_not_come_is_a_failure(argent: Argent) -> None:
    async with argent():
        with pytest.raises(AssertionError, match="a reply: not within"):
            await argent.channel.next_reply(timeout=0.05)


async def test_events_of_any_kind_can_be_emitted_once(argent: Argent) -> None:
    event = Event(kind="webhook", conversation="hooks", dedupe_key="one")

    async with argent(model=["noted"]):
        assert await argent.channel.emit(event) is not None
        assert await argent.channel.emit(event) is None
        await argent.model.asked(1)


async def test_what_is_no_event_is_refused(argent: Argent) -> None:
    rubbish: Any = "not an event"

    async with argent(allow_faults=True):
        with pytest.raises(Exception, match="no Event") as caught:
            await argent.channel.emit(rubbish)
        with pytest.raises(EventRefused):
            await argent.channel.emit(Event(conversation="c"), cursor="later")

    assert not isinstance(caught.value, AssertionError)
