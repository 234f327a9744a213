from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen

from argent_hookspecs import Event, Permission, Trust
from argent_testing import Argent

from ..demo import Demo, ended
from .letters import Letters, call, last_result, open_approval, results

pytestmark = pytest.mark.anyio


@frozen
class Asked:
    """A kernel in which a letter waits for a person's word."""

    argent: Argent
    letters: Letters
    plugins: list[Demo]
    script: list[Any]
    config: dict[str, Any]

    def start(self) -> Any:
        return self.argent(plugins=self.plugins, model=self.script, config=self.config)

    def restart(self, *answers: Any) -> Any:
        return self.argent.restart(model=answers)


@pytest.fixture
def asked(argent: Argent) -> Asked:
    letters = Letters()
    demo = Demo(letters.tool(permission=Permission.ASK))
    config = {"tools": {"approvalTimeout": "1h"}}
    return Asked(argent, letters, [demo], [call(), "done"], config)


async def test_an_allowed_call_is_made_exactly(asked: Asked) -> None:
    async with asked.start() as kernel:
        await asked.argent.channel.say("write")
        approval = await open_approval(kernel)
        assert (approval.tool, approval.arguments) == ("send", {"text": "hi"})
        assert asked.letters.sent == []
        assert await kernel.agent.answer(approval.id, allow=True, by="Ada")
        assert (await asked.argent.channel.next_reply()).text == "done"
        trace = await kernel.agent.trace("home")

    assert asked.letters.sent == ["hi"]
    (shown,) = trace["approvals"]
    assert (shown["state"], shown["answered_by"]) == ("used", "Ada")
    assert shown["call"]["arguments"] == {"text": "hi"}


async def test_a_call_that_is_not_what_was_asked_for_is_not_made(asked: Asked) -> None:
    sql = "UPDATE approvals SET call = replace(call, 'hi', 'Fire the missiles')"

    async with asked.start() as kernel:
        await asked.argent.channel.say("write")
        approval = await open_approval(kernel)
        await kernel.journal.database.write(lambda tx: tx.execute(sql))
        assert await kernel.agent.answer(approval.id, allow=True, by="Ada")
        await asked.argent.channel.next_reply()

    assert asked.letters.sent == []
    assert "did not allow it (altered)" in last_result(asked.argent).text


async def test_what_waits_behind_an_event_that_is_dropped_goes_on_at_once(asked: Asked) -> None:
    task = Event(kind="task", conversation="home", content="tidy up", trust=Trust.OWNER)

    async with asked.start() as kernel:
        id = await asked.argent.channel.say("write")
        await open_approval(kernel)
        behind = await asked.argent.channel.emit(task)
        assert await kernel.agent.events.count() == {
            "ready": 1,
            "leased": 0,
            "waiting": 1,
            "dead": 0,
        }
        await kernel.control.run("events.drop", {"id": id})
        assert (await ended(kernel, behind))["state"] == "done"


async def test_a_denied_call_is_not_made(asked: Asked) -> None:
    async with asked.start() as kernel:
        await asked.argent.channel.say("write")
        approval = await open_approval(kernel)
        assert await kernel.agent.answer(approval.id, allow=False, by="Ada")
        await asked.argent.channel.next_reply()

    assert asked.letters.sent == []
    assert last_result(asked.argent).text == "the person did not allow it (denied)"


async def test_it_is_answered_once(asked: Asked) -> None:
    async with asked.start() as kernel:
        await asked.argent.channel.say("write")
        approval = await open_approval(kernel)
        assert await kernel.agent.answer(approval.id, allow=True, by="Ada")
        assert not await kernel.agent.answer(approval.id, allow=False, by="Eve")
        assert not await kernel.agent.answer("no-such-id", allow=True, by="Eve")
        await asked.argent.channel.next_reply()

    assert asked.letters.sent == ["hi"]


async def test_the_same_call_again_is_asked_again(asked: Asked) -> None:
    asked.script[:] = [call(), call(), "done"]

    async with asked.start() as kernel:
        await asked.argent.channel.say("write")
        first = await open_approval(kernel)
        await kernel.agent.answer(first.id, allow=True, by="Ada")
        await asked.argent.model.asked(2)
        second = await open_approval(kernel)
        assert second.id != first.id and asked.letters.sent == ["hi"]
        await kernel.agent.answer(second.id, allow=False, by="Ada")
        await asked.argent.channel.next_reply()

    assert asked.letters.sent == ["hi"]


async def test_silence_is_a_no(asked: Asked) -> None:
    async with asked.start() as kernel:
        await asked.argent.channel.say("write")
        approval = await open_approval(kernel)
        await asked.argent.clock.advance(3601)
        await asked.argent.channel.next_reply()
        assert not await kernel.agent.answer(approval.id, allow=True, by="Ada")

    assert asked.letters.sent == []
    assert last_result(asked.argent).text == "the person did not allow it (expired)"


async def test_the_owners_next_message_is_a_no(asked: Asked) -> None:
    asked.script[:] = [call(), "all right"]

    async with asked.start() as kernel:
        await asked.argent.channel.say("write")
        await open_approval(kernel)
        await asked.argent.channel.say("forget it")
        assert (await asked.argent.channel.next_reply()).text == "all right"
        assert await kernel.agent.approvals() == []

    assert asked.letters.sent == []
    heard = asked.argent.model.requests[1].messages[-1]
    assert results(heard)[0].text == "the person did not allow it (superseded)"
    assert heard.text == "forget it"


async def test_it_survives_a_restart(asked: Asked) -> None:
    async with asked.start() as kernel:
        await asked.argent.channel.say("write")
        approval = await open_approval(kernel)
        asked.argent.model.script.clear()

    async with asked.restart("done") as kernel:
        assert [a.id for a in await kernel.agent.approvals("home")] == [approval.id]
        await kernel.agent.answer(approval.id, allow=True, by="Ada")
        assert (await asked.argent.channel.next_reply()).text == "done"

    assert asked.letters.sent == ["hi"]


async def test_of_two_that_are_open_only_the_one_that_is_answered_goes_on(
    asked: Asked,
) -> None:
    asked.script[:] = [call("for one"), call("for two"), "sent"]

    async with asked.start() as kernel:
        await asked.argent.channel.say("write", "one")
        first = await open_approval(kernel, "one")
        await asked.argent.channel.say("write", "two")
        second = await open_approval(kernel, "two")
        await kernel.agent.answer(second.id, allow=True, by="Ada")
        reply = await asked.argent.channel.next_reply()
        left = await kernel.agent.approvals()

    assert (reply.conversation, asked.letters.sent) == ("two", ["for two"])
    assert [approval.id for approval in left] == [first.id]


async def test_waiting_does_not_use_up_the_attempts(asked: Asked) -> None:
    asked.script[:] = [*(call(f"letter {n}") for n in range(4)), "done"]
    asked.config["loop"] = {"maxAttempts": 2}

    async with asked.start() as kernel:
        await asked.argent.channel.say("write")
        for n in range(4):
            await asked.argent.model.asked(n + 1)
            approval = await open_approval(kernel)
            await kernel.agent.answer(approval.id, allow=True, by="Ada")
        assert (await asked.argent.channel.next_reply()).text == "done"

    assert len(asked.letters.sent) == 4


async def test_a_tool_that_is_gone_when_the_answer_comes_is_an_error_for_the_model(
    asked: Asked,
) -> None:
    async with asked.start() as kernel:
        await asked.argent.channel.say("write")
        approval = await open_approval(kernel)
        await kernel.host.disable("demo")
        await kernel.agent.answer(approval.id, allow=True, by="Ada")
        assert (await asked.argent.channel.next_reply()).text == "done"

    assert last_result(asked.argent).text == "there is no tool 'send'; the tools are: none"


async def test_the_same_call_over_and_over_is_not_asked_for_again(asked: Asked) -> None:
    asked.script[:] = [call(), call(), call(), call(), "done"]

    async with asked.start() as kernel:
        await asked.argent.channel.say("write")
        for n in range(3):
            await asked.argent.model.asked(n + 1)
            approval = await open_approval(kernel)
            await kernel.agent.answer(approval.id, allow=True, by="Ada")
        assert (await asked.argent.channel.next_reply()).text == "done"

    assert asked.letters.sent == ["hi"] * 3
    assert "was called with the same arguments 3 times" in last_result(asked.argent).text


async def test_an_answer_that_comes_too_late_is_none(asked: Asked) -> None:
    clock = asked.argent.clock

    async with asked.start() as kernel:
        await asked.argent.channel.say("write")
        approval = await open_approval(kernel)
        watchers, clock.watchers = clock.watchers, []  # nobody has noticed how late it is
        clock.jump(3601)
        assert not await kernel.agent.answer(approval.id, allow=True, by="Ada")
        clock.watchers = watchers
        assert (await asked.argent.channel.next_reply()).text == "done"

    assert asked.letters.sent == []
    assert last_result(asked.argent).text == "the person did not allow it (expired)"
