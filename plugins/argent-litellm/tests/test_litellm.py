"""Answers through LiteLLM, from its own mock and from a server that plays OpenAI."""

from __future__ import annotations

import pytest
from litellm_kit import NEEDS_LITELLM, Open, ask
from played_openai import PlayedOpenAI, refusal

from argent_hookspecs import (
    ContextBlock,
    ContextTooLong,
    Finish,
    FinishReason,
    Image,
    Message,
    ModelRejected,
    ModelUnavailable,
    Role,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
)
from argent_testing import PlayedReply
from argent_testing.answers import collect, words
from argent_testing.wire.chat import chunk, events, usage

pytestmark = NEEDS_LITELLM


async def test_its_own_mock_answers(opened: Open) -> None:
    async with opened(options={"mock_response": "It is four."}) as client:
        parts = await collect(client, ask("What is 2+2?"))

    assert words(parts) == "It is four."
    assert isinstance(parts[-1], Finish)
    assert parts[-1].usage == Usage()


async def test_what_is_asked_and_what_it_used(opened: Open, server: PlayedOpenAI) -> None:
    told = [
        chunk(content="Hello."),
        chunk(finish="stop"),
        usage(10, 4, prompt_tokens_details={"cached_tokens": 6}),
    ]
    server.play(PlayedReply(pieces=events(*told)))
    system = (ContextBlock(text="Be kind.", source="a"),)
    picture = Message(Role.USER, (Text("And this?"), Image(b"\x89PNG", "image/png")))

    async with opened(server) as client:
        parts = await collect(client, ask("Hi.", "Hello.", picture, system=system))

    (body,) = server.bodies
    assert [one["role"] for one in body["messages"]] == ["system", "user", "assistant", "user"]
    assert body["messages"][3]["content"][1]["image_url"]["url"] == "data:image/png;base64,iVBORw=="
    assert server.asked[0].headers["authorization"] == "Bearer geheim-123"
    assert words(parts) == "Hello."
    assert parts[-1] == Finish(usage=Usage(input_tokens=4, output_tokens=4, cache_read_tokens=6))


async def test_tools_are_called_and_their_results_told(opened: Open, server: PlayedOpenAI) -> None:
    first = {"index": 0, "id": "1", "type": "function", "function": {"name": "a", "arguments": ""}}
    rest = {"index": 0, "function": {"arguments": '{"x": 1}'}}
    wrong = {"index": 1, "id": "2", "type": "function", "function": {"name": "b", "arguments": "6"}}
    told = [chunk(tool_calls=[one]) for one in (first, rest, wrong)]
    server.play(PlayedReply(pieces=events(*told, chunk(finish="tool_calls"), usage())))
    tools = (ToolSpec("a", "A.", {"type": "object", "properties": {"x": {"type": "integer"}}}),)

    async with opened(server) as client:
        *_, one, two, end = await collect(client, ask("Go.", tools=tools))
        wishes = Message(Role.ASSISTANT, (one, two))  # type: ignore[arg-type]
        results = Message(
            Role.USER, (ToolResult("1", "a", "heads"), ToolResult("2", "b", "no", is_error=True))
        )
        await collect(client, ask("Go.", wishes, results, tools=tools))

    assert one == ToolCall("1", "a", {"x": 1})
    assert two == ToolCall("2", "b", {"(not a JSON object)": "6"})
    assert isinstance(end, Finish)
    assert end.reason is FinishReason.TOOL_CALLS
    assert server.bodies[0]["tools"][0]["function"]["name"] == "a"
    _, _, a, b = server.bodies[1]["messages"]
    assert (a["tool_call_id"], a["content"], b["content"]) == ("1", "heads", "b failed: no")


async def test_thoughts_are_told_apart(opened: Open, server: PlayedOpenAI) -> None:
    told = [chunk(reasoning_content="Hm."), chunk(content="Yes."), chunk(finish="stop"), usage()]
    server.play(PlayedReply(pieces=events(*told)))

    async with opened(server) as client:
        parts = await collect(client, ask("Sure?"))

    assert parts[:2] == [Thinking("Hm.", "litellm"), TextDelta("Yes.")]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refusal(400, "maximum context length is 9", "context_length_exceeded"), ContextTooLong),
        (refusal(401, "Incorrect API key provided: geheim-123"), ModelRejected),
        (refusal(404, "no such model", "model_not_found"), ModelRejected),
        (refusal(429, "slow down", **{"retry-after": "7"}), ModelUnavailable),
    ],
    ids=["window", "key", "model", "rate"],
)
async def test_what_fails_is_said(
    opened: Open, server: PlayedOpenAI, reply: PlayedReply, kind: type[Exception]
) -> None:
    server.play(reply)

    async with opened(server) as client:
        with pytest.raises(kind) as caught:
            await collect(client, ask("Hi."))

    assert "geheim-123" not in str(caught.value)


async def test_a_model_of_nobody_is_refused(opened: Open) -> None:
    async with opened() as client:
        with pytest.raises(ModelRejected, match="call it as LiteLLM does"):
            await collect(client, ask("Hi.", model="of-nobody"))


async def test_what_it_knows_of_models(opened: Open) -> None:
    async with opened(contextWindow=999) as client:
        known, strange = await client.describe("gpt-4o"), await client.describe("lab/x")

    assert known.context_window == 128_000
    assert known.price is not None
    assert (known.price.input, known.price.cache_read) == (2.5, 1.25)
    assert (strange.context_window, strange.price) == (999, None)
