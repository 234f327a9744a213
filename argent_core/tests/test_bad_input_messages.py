"""Messages, results and rows that are far too long, or no text: nothing stops, nothing is lost."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import apsw
import pytest

from argent_core.database import open_database
from argent_core.inbound.journal import Journal
from argent_core.kernel import Kernel
from argent_core.schema import MIGRATIONS
from argent_hookspecs import Effect, Event, Permission, ToolCall, tool
from argent_testing import Argent, MadePlugin

pytestmark = pytest.mark.anyio

TEN_MEGABYTES = 10_000_000


async def settled(kernel: Kernel, id: str | None) -> dict[str, Any]:
    """Wait until an event is dealt with, and return it."""
    async with asyncio.timeout(20):
        while True:
            found = await kernel.agent.events.show(str(id))
            if found["state"] in ("done", "dead", "cancelled"):
                return found


class TestTenMegabytes:
    async def test_as_a_message_get_an_apology_and_are_on_record(self, argent: Argent) -> None:
        async with argent(model=["fine"]) as kernel:
            id = await argent.channel.say("x" * TEN_MEGABYTES)

            answer = (await argent.channel.next_reply(timeout=30)).text
            assert "the message does not fit" in answer and len(answer) < 1000
            event = await kernel.agent.events.show(str(id))
            assert event["state"] == "dead" and len(event["event"]["content"][0]["text"]) > 9e6
            assert await argent.channel.ask("Still there?") == "fine"

    async def test_from_a_tool_are_put_into_a_file(self, argent: Argent) -> None:
        @tool(effect=Effect.IDEMPOTENT)
        async def dump() -> str:
            """Dump."""
            return "x" * TEN_MEGABYTES

        model = [ToolCall("1", "dump", {}), lambda r: r.messages[-1].parts[0].text[-200:], "fine"]
        async with argent(plugins=[MadePlugin("dumps", dump)], model=model):
            answer = await argent.channel.ask("Dump it.", timeout=30)

            assert "10000000 characters in all; the whole result is in" in answer
            [kept] = (argent.home.data / "results").iterdir()
            assert kept.stat().st_size == TEN_MEGABYTES
            assert await argent.channel.ask("Still there?") == "fine"

    async def test_as_the_name_of_a_conversation(self, argent: Argent) -> None:
        async with argent(model=["one", "two"]):
            assert await argent.channel.ask("Hello", "c" * TEN_MEGABYTES, timeout=30) == "one"
            assert await argent.channel.ask("Still there?") == "two"


@pytest.mark.parametrize(
    ("text", "heard"),
    [("a\ud83db", "a?b"), ("a\0b", "a\0b"), ("\ufeff", "\ufeff"), ("\u202ea", "\u202ea")],
)
async def test_what_is_hardly_text_is_answered(argent: Argent, text: str, heard: str) -> None:
    async with argent(model=["fine", "and this"]) as kernel:
        assert await argent.channel.ask(text) == "fine"
        assert await argent.channel.ask("Still there?") == "and this"

        [first, _] = await kernel.agent.history("home")
        assert first["asked"] == heard


@pytest.mark.parametrize("text", ["", " \n"])
async def test_an_empty_message_is_answered(argent: Argent, text: str) -> None:
    async with argent(model=["Yes?"]):
        assert await argent.channel.ask(text) == "Yes?"


BODIES = {
    "no JSON": "{nonsense",
    "nothing": "",
    "null": "null",
    "a number": "12",
    "a list": "[]",
    "an empty object": "{}",
    "wrong fields": '{"conversation": 5, "content": "x"}',
    "unknown trust": None,
    "nested endlessly": "[" * 5000,
    "NUL": "\0",
    "bytes": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("case", BODIES)
async def test_an_event_that_was_made_unreadable_is_set_aside_and_the_rest_goes_on(
    argent: Argent, case: str
) -> None:
    events = [
        Event(conversation="home", content="first"),
        Event(conversation="home", content="second"),
        Event(conversation="other", content="third"),
    ]
    async with argent(model=[]):
        pass
    async with open_database(argent.home.kernel_database, MIGRATIONS) as database:
        journal = Journal(database, argent.clock)
        ids = [str(await journal.append(e, source="t", plugin="memory")) for e in events]
    body = BODIES[case]
    if body is None:
        body = good_body(argent, ids[0]).replace('"outside"', '"everybody"')
    edit(argent, "UPDATE events SET body = ? WHERE id = ?", (body, ids[0]))

    async with argent.restart(model=["one", "two"]) as kernel:
        first, second, third = [await settled(kernel, id) for id in ids]

        assert first["state"] == "dead" and first["reason"].startswith("it cannot be read: ")
        assert [second["state"], third["state"]] == ["done", "done"]
        listed = await kernel.agent.events.list()
        assert {event["id"] for event in listed} == set(ids)
        json.dumps(listed)
        assert (
            "cannot be read"
            in (await kernel.agent.events.show(str(ids[0])))["event"]["content"][0]["text"]
        )
        await kernel.agent.status()


async def test_a_reply_whose_address_was_made_unreadable_is_set_aside(argent: Argent) -> None:
    argent.channel.delay(60)
    async with argent(model=["one"]):
        await argent.channel.say("Hello")
        await argent.channel.tried(1)
    edit(argent, "UPDATE outbox SET address = '{nonsense'", ())

    async with argent.restart(model=["two"]) as kernel:
        assert await argent.channel.ask("Still there?") == "two"

        [_, reply] = await kernel.agent.replies.list()
        assert (reply["state"], reply["reason"]) == ("dead", "its address cannot be read")


async def test_an_approval_that_was_made_unreadable_is_passed_over(argent: Argent) -> None:
    @tool(permission=Permission.ASK)
    async def send() -> str:
        """Send."""
        return "sent"

    plugins = [MadePlugin("letters", send)]
    async with argent(plugins=plugins, model=[ToolCall("1", "send", {})]) as kernel:
        await argent.channel.say("Send it.")
        async with asyncio.timeout(20):
            while not await kernel.agent.approvals():
                pass
    edit(argent, "UPDATE approvals SET call = '{nonsense'", ())

    async with argent.restart(model=["two"]) as kernel:
        assert await kernel.agent.approvals() == []
        assert (await kernel.agent.status())["approvals"] == 0
        assert await argent.channel.ask("Still there?", "other") == "two"


def good_body(argent: Argent, id: str | None) -> str:
    [(body,)] = edit(argent, "SELECT body FROM events WHERE id = ?", (id,))
    return str(body)


def edit(argent: Argent, sql: str, given: tuple[Any, ...]) -> list[Any]:
    """Change the journal by hand, while no agent runs."""
    connection = apsw.Connection(str(argent.home.kernel_database))
    with connection:
        rows = connection.execute(sql, given).fetchall()
    connection.close()
    return list(rows)
