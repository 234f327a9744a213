"""What is counted, what is never told, and where nothing is sent."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from litellm_kit import NEEDS_LITELLM, Open, ask
from played_openai import PlayedOpenAI, refusal

from argent_hookspecs import (
    Message,
    ModelError,
    ModelRejected,
    ModelUnavailable,
    Role,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    Usage,
)
from argent_testing import ModelServer, PlayedReply
from argent_testing.answers import calls, collect, finish, words
from argent_testing.wire import messages
from argent_testing.wire.chat import call, chunk, events, usage
from argent_testing.wire.messages import message, redacted, text, thinking

pytestmark = NEEDS_LITELLM

DEEP = "[" * 100_000
BEGUN = events(chunk(content="One"))[:1]


async def failed(opened: Open, server: PlayedOpenAI, reply: PlayedReply) -> ModelError:
    """Ask once and return the error."""
    server.play(reply)
    async with opened(server, silence=1.0) as client:
        with pytest.raises(ModelError) as caught:
            await collect(client, ask("Hi."))
    return caught.value


@pytest.mark.parametrize("more", [[], [usage(0, 0)]], ids=["nothing", "zeros"])
async def test_what_nobody_counted_is_not_estimated(
    opened: Open, server: PlayedOpenAI, more: list[Any]
) -> None:
    server.play(PlayedReply(pieces=events(chunk(content="Hello."), chunk(finish="stop"), *more)))

    async with opened(server) as client:
        parts = await collect(client, ask("Hi."))

    assert words(parts) == "Hello."
    assert finish(parts).usage == Usage()


async def test_arguments_without_a_bottom_are_no_object(opened: Open, server: PlayedOpenAI) -> None:
    told = chunk(tool_calls=[call(0, '{"a":' + DEEP, id="a", name="coin")])
    server.play(PlayedReply(pieces=events(told, chunk(finish="tool_calls"), usage())))

    async with opened(server) as client:
        (found,) = calls(await collect(client, ask("Hi.")))

    assert found.arguments["(not a JSON object)"].startswith('{"a":[[[')


async def test_calls_at_one_place_are_told_apart(opened: Open, server: PlayedOpenAI) -> None:
    """Some servers number none, or all alike, and name none."""
    pieces = [
        call(0, '{"x": 1}', id="", name="a"),
        call(0, '{"y": 2}', id="", name="b"),
        call(0, "", id="c1", name="c"),
        call(0, '{"z"'),
        call(0, ": 3}"),
        call(0, "", id="c2", name="d"),
    ]
    told = [chunk(tool_calls=[piece]) for piece in pieces]
    server.play(PlayedReply(pieces=events(*told, chunk(finish="tool_calls"), usage())))

    async with opened(server) as client:
        found = calls(await collect(client, ask("Hi.")))

    assert [(one.name, one.arguments) for one in found] == [
        ("a", {"x": 1}), ("b", {"y": 2}), ("c", {"z": 3}), ("d", {}),
    ]  # fmt: skip
    assert len({one.id for one in found}) == 4


async def test_the_mark_of_a_call_is_told_to_its_model_again(
    opened: Open, server: PlayedOpenAI
) -> None:
    mark = {"extra_content": {"google": {"thought_signature": "SIG"}}}
    told = chunk(tool_calls=[call(0, "{}", id="c1__thought__SIG", name="coin") | mark])
    server.play(PlayedReply(pieces=events(told, chunk(finish="tool_calls"), usage())))

    async with opened(server) as client:
        (found,) = calls(await collect(client, ask("Toss.")))
        mine = ToolCall("abc123def", found.name, found.arguments, replay=found.replay)
        said = (Message(Role.ASSISTANT, (mine,)), ToolResult(mine.id, "coin", "heads"))
        await collect(client, ask("Toss.", said[0], Message(Role.USER, (said[1],))))

    assert found.id == "c1"
    (again,) = server.bodies[1]["messages"][1]["tool_calls"]
    assert again["id"] == "abc123def"
    assert "SIG" in json.dumps(again)


async def test_thoughts_that_only_their_provider_reads_stay_apart(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "right")
    blocks = thinking("H", "m.", signature="s1"), redacted("one"), redacted("two"), text("Yes.")
    claude = partial(ask, model="anthropic/claude-sonnet-4-5")

    async with ModelServer() as server, opened(addresses={"anthropic": server.url}) as client:
        server.play(PlayedReply(pieces=messages.events(message(*blocks))))
        server.play(PlayedReply(pieces=messages.answer("Sure.")))
        *parts, _ = await collect(client, claude("Sure?"))
        told = tuple(Text(one.text) if isinstance(one, TextDelta) else one for one in parts)
        await collect(client, claude("Sure?", Message(Role.ASSISTANT, told), "Really?"))

        again = server.bodies[1]["messages"][1]["content"]
    assert again[:3] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "s1"},
        {"type": "redacted_thinking", "data": "one"},
        {"type": "redacted_thinking", "data": "two"},
    ]


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_nobody_is_told_but_the_server_itself(
    opened: Open, server: PlayedOpenAI, status: int
) -> None:
    async with PlayedOpenAI() as other:
        away = {"location": f"{other.url}/chat/completions"}
        error = await failed(opened, server, PlayedReply(status=status, headers=away))

        assert other.asked == []
    assert isinstance(error, ModelRejected)
    assert "correct plugins.litellm.addresses" in str(error)


@pytest.mark.parametrize(
    ("reply", "may_cost"),
    [
        (refusal(500, "Oh dear."), False),
        (refusal(429, "Oh dear."), False),
        (PlayedReply(raw=b"HTTP/1.1 200 OK\r\n"), True),
        (PlayedReply(pieces=BEGUN, hold=True), True),
        (PlayedReply(pieces=BEGUN, cut=True), True),
        (PlayedReply(pieces=BEGUN), True),
        (PlayedReply(pieces=[*BEGUN, b"data: {nonsense\n\n"]), True),
    ],
    ids=["fault", "limit", "no answer", "fell silent", "cut", "ended", "rubbish"],
)
async def test_an_answer_that_is_lost_may_cost(
    opened: Open, server: PlayedOpenAI, reply: PlayedReply, may_cost: bool
) -> None:
    error = await failed(opened, server, reply)

    assert isinstance(error, ModelUnavailable)
    assert error.may_cost is may_cost


async def test_where_nobody_listens_nothing_costs(opened: Open) -> None:
    async with opened(addresses={"openai": "http://127.0.0.1:9/v1"}) as client:
        with pytest.raises(ModelUnavailable) as caught:
            await collect(client, ask("Hi."))

    assert not caught.value.may_cost


async def test_no_error_tells_a_key(
    opened: Open, server: PlayedOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the one it was given, nor those that LiteLLM finds by itself."""
    monkeypatch.setenv("GROQ_API_KEY", "of-the-environment")
    said = f"{'x' * 200} geheim-123 of-the-environment"

    for status in (400, 401, 500):
        error = await failed(opened, server, refusal(status, said))
        assert "geheim" not in str(error)
        assert "of-the" not in str(error)


async def test_odd_times_to_wait_are_left(opened: Open, server: PlayedOpenAI) -> None:
    never = "Fri, 31 Dec 99999 23:59:59 GMT"
    error = await failed(opened, server, refusal(503, "busy", retry_after=never))
    soon = await failed(opened, server, refusal(503, "busy", retry_after_ms="1500"))

    assert isinstance(error, ModelUnavailable)
    assert isinstance(soon, ModelUnavailable)
    assert (error.retry_after, soon.retry_after) == (None, 1.5)
