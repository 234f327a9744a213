"""When a server does not take a request as it is: once more, with less in it, and never twice."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic_kit import COIN, HAIKU, OPUS, ask, said
from anthropic_replay import ReplayServer, failure
from attrs import evolve

from argent_hookspecs import Message, ModelClient, ModelRejected, Role, TextDelta, ToolResult
from argent_testing import FakeContext
from argent_testing.answers import calls, collect, words
from argent_testing.wire.messages import message, text, thinking, tool_use

pytestmark = pytest.mark.anyio
BOUND = (
    "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a "
    "different conversation."
)


def manners(server: ReplayServer) -> list[bool]:
    return [bool({"thinking", "output_config"} & set(body)) for body in server.bodies]


async def answered(server: ReplayServer, client: ModelClient, **more: Any) -> str:
    server.answer(*message(text("Yes.")))
    return words(await collect(client, ask("Hello.", model=HAIKU, **more)))


@pytest.mark.parametrize(
    "said_by_server",
    [
        '"thinking.type.disabled" is not supported for this model.',
        "thinking: Extra inputs are not permitted",
        'To turn thinking off on this model, send "thinking": {"type": "between_tools"}.',
        "output_config: Extra inputs are not permitted",
        "output_config.effort 'max' is not supported when thinking is disabled on this model.",
        "This model does not support the effort parameter.",
    ],
)
async def test_a_server_that_takes_no_such_field_is_asked_without_for_a_while(
    server: ReplayServer, ctx: FakeContext, said_by_server: str
) -> None:
    async with ctx.open() as client:
        server.play(failure(400, "invalid_request_error", said_by_server))
        assert await answered(server, client) == "Yes."
        assert await answered(server, client) == "Yes."
        await ctx.clock.advance(3601)
        assert await answered(server, client) == "Yes."
    assert manners(server) == [True, False, False, True]


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, "invalid_request_error", "Your account was blocked, despite our best effort."),
        (400, "invalid_request_error", "We make every effort to answer."),
        (401, "authentication_error", "output_config.effort: not with this key"),
        (422, "invalid_request_error", "thinking.type.disabled is not supported"),
    ],
)
async def test_other_reasons_are_handed_on(
    server: ReplayServer, client: ModelClient, status: int, kind: str, reason: str
) -> None:
    server.play(failure(status, kind, reason))
    with pytest.raises(ModelRejected):
        await collect(client, ask("Hello.", model=HAIKU))
    assert manners(server) == [True]


async def test_an_answer_that_has_begun_is_not_begun_again(
    server: ReplayServer, ctx: FakeContext
) -> None:
    reason = "output_config.effort: not available now"
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": reason}}
    server.answer(*message(text("Hello there. "))[:4], error)
    server.answer(*message(text("Hello there. ")))
    heard = []
    async with ctx.with_settings(effort="low").open() as client:
        with pytest.raises(ModelRejected, match="not available now"):
            async for part in client.stream(ask("Hello.")):
                heard.append(part)
    server.forget()
    assert heard == [TextDelta("Hello there. ")]
    assert len(server.bodies) == 1


async def test_thoughts_and_fields_that_are_not_taken_are_both_left_out(
    server: ReplayServer, ctx: FakeContext
) -> None:
    async with ctx.with_settings(effort="low").open() as client:
        call = tool_use("t", "coin", '{"times": 1}')
        server.answer(*message(thinking("1", signature="s1"), call, stop="tool_use"))
        request = ask("Toss.", tools=(COIN,), model=OPUS)
        answer = said(await collect(client, request))
        results = [ToolResult(one.id, one.name, "heads") for one in calls(list(answer.parts))]  # type: ignore[arg-type]
        messages = (*request.messages, answer, Message(Role.USER, tuple(results)))
        server.play(
            failure(400, "invalid_request_error", BOUND),
            failure(400, "invalid_request_error", "output_config: Extra inputs are not permitted"),
        )
        server.answer(*message(text("Heads.")))
        parts = await collect(client, evolve(request, messages=messages))
    assert words(parts) == "Heads."
    assert manners(server) == [True, True, True, False]
    kinds = [[b["type"] for b in body["messages"][1]["content"]] for body in server.bodies[1:]]
    assert kinds == [["thinking", "tool_use"], ["tool_use"], ["tool_use"]]
