"""From the stream of the API to parts: words, thoughts, calls, usage, and why it stopped."""

from __future__ import annotations

import json

import pytest
from anthropic_kit import COIN, OPUS, ask
from anthropic_replay import ReplayServer, sse, stream
from attrs import evolve

from argent_hookspecs import (
    ContextTooLong,
    FinishReason,
    ModelClient,
    ModelError,
    ModelRejected,
    ModelUnavailable,
    TextDelta,
    Thinking,
    ToolCall,
    Usage,
)
from argent_testing import FakeClock, FakeContext
from argent_testing.answers import calls, collect, finish, thoughts, words
from argent_testing.wire.messages import message, redacted, text, thinking, tool_use

pytestmark = pytest.mark.anyio

RECORDED = message(
    thinking("The person wants ", "two tosses – 🪙.", signature="EqQBCgIYAhIM"),
    redacted("EmwKAhgBEgy3va3pzix"),
    text("I'll toss", " twice – ", "one moment."),
    tool_use("toolu_1", "coin", '{"ti', 'mes": ', "3}"),
    tool_use("toolu_2", "coin", ""),
    stop="tool_use",
    output=75,
    cache_read_input_tokens=1000,
    cache_creation_input_tokens=200,
)


async def test_words_come_piece_by_piece(server: ReplayServer, client: ModelClient) -> None:
    server.answer(*message(text("Bon", "jour", " !")))
    parts = await collect(client, ask("Hello."))
    assert parts[:3] == [TextDelta("Bon"), TextDelta("jour"), TextDelta(" !")]
    assert finish(parts).reason is FinishReason.STOP


async def test_parts_come_in_the_order_of_the_answer(
    server: ReplayServer, client: ModelClient
) -> None:
    server.answer(*RECORDED)
    parts = await collect(client, ask("Toss.", tools=(COIN,)))
    assert [type(part) for part in parts[:5]] == [Thinking, Thinking, *[TextDelta] * 3]
    assert words(parts) == "I'll toss twice – one moment."
    assert calls(parts) == [
        ToolCall("toolu_1", "coin", {"times": 3}),
        ToolCall("toolu_2", "coin", {}),
    ]
    assert [part.text for part in thoughts(parts)] == ["The person wants two tosses – 🪙.", ""]
    assert {part.provider for part in thoughts(parts)} == {"anthropic"}


async def test_each_token_is_counted_once(server: ReplayServer, client: ModelClient) -> None:
    server.answer(*RECORDED)
    usage = finish(await collect(client, ask("Toss.", tools=(COIN,)))).usage
    assert usage == Usage(
        input_tokens=11, output_tokens=75, cache_read_tokens=1000, cache_write_tokens=200
    )


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("tool_use", FinishReason.TOOL_CALLS),
        ("max_tokens", FinishReason.LENGTH),
        ("pause_turn", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("refusal", FinishReason.REFUSAL),
    ],
)
async def test_why_it_stopped(
    server: ReplayServer, client: ModelClient, stop: str, reason: FinishReason
) -> None:
    server.answer(*message(text("Well"), stop=stop))
    assert finish(await collect(client, ask("Hello."))).reason is reason


async def test_a_reason_of_the_future_is_a_stop(server: ReplayServer, client: ModelClient) -> None:
    server.play(stream(sse(message(text("Well"), stop="tired"))))
    assert finish(await collect(client, ask("Hello."))).reason is FinishReason.STOP


async def test_what_was_not_counted_at_the_end_was_not_counted(
    server: ReplayServer, client: ModelClient
) -> None:
    *told, delta, stop = message(text("Well"))
    server.play(stream(sse([*told, {**delta, "usage": None}, stop])))
    assert finish(await collect(client, ask("Hello."))).usage == Usage()


async def test_figures_that_come_late_count(server: ReplayServer, client: ModelClient) -> None:
    *told, delta, stop = message(text("Well"), input_tokens=0)
    usage = {"input_tokens": 120, "output_tokens": 9}
    server.play(stream(sse([*told, {**delta, "usage": usage}, stop])))
    counted = finish(await collect(client, ask("Hello."))).usage
    assert counted == Usage(input_tokens=120, output_tokens=9)


async def test_pings_and_what_is_new_are_passed_over(
    server: ReplayServer, client: ModelClient
) -> None:
    start, *rest = message(text("Fine."))
    news = [
        {"type": "something_new", "data": [1]},
        {"type": "content_block_start", "index": 9, "content_block": {"type": "hologram"}},
        {"type": "content_block_delta", "index": 9, "delta": {"type": "light_delta", "x": 1}},
        {"type": "content_block_stop", "index": 9},
        {"type": "ping"},
    ]
    server.play(stream(b": comment\n\n" + sse([start, *news, *rest])))
    assert words(await collect(client, ask("How are you?"))) == "Fine."


async def test_lines_may_end_as_anywhere(server: ReplayServer, client: ModelClient) -> None:
    data = sse(RECORDED)
    for end in (b"\n", b"\r\n", b"\r"):
        server.play(stream(data.replace(b"\n", end), chunk=5))
    request = ask("Toss.", tools=(COIN,))
    answers = [await collect(client, request) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]


async def test_arguments_that_are_no_object_reach_the_model_again(
    server: ReplayServer, client: ModelClient
) -> None:
    wrong, right = tool_use("t1", "coin", '{"times": '), tool_use("t2", "coin", '{"times": 1}')
    server.answer(*message(wrong, right, tool_use("t3", "coin", "[3]"), stop="tool_use"))
    parts = await collect(client, ask("Toss.", tools=(COIN,)))
    found = {call.id: call.arguments for call in calls(parts)}
    assert found == {
        "t1": {"INVALID_JSON": '{"times": '},
        "t2": {"times": 1},
        "t3": {"INVALID_JSON": "[3]"},
    }
    assert list(found) == ["t1", "t2", "t3"]


async def test_a_call_that_was_cut_off_is_not_made(
    server: ReplayServer, client: ModelClient
) -> None:
    cut = tool_use("t1", "coin", '{"times": 1')
    server.answer(*message(text("Tossing."), cut, stop="max_tokens"))
    parts = await collect(client, ask("Toss.", tools=(COIN,)))
    assert not calls(parts)
    assert finish(parts).reason is FinishReason.LENGTH


async def test_arguments_that_are_nested_without_end_are_no_object(
    server: ReplayServer, client: ModelClient
) -> None:
    deep = '{"times": ' + "[" * 3000
    server.answer(*message(tool_use("t1", "coin", deep), stop="tool_use"))
    (call,) = calls(await collect(client, ask("Toss.", tools=(COIN,))))
    assert call.arguments == {"INVALID_JSON": deep}


async def test_a_mark_of_the_order_of_bytes_is_no_part_of_the_stream(
    server: ReplayServer, client: ModelClient
) -> None:
    events = message(text("Grüße 🪙"))
    told = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)
    server.play(stream(b"\xef\xbb\xbf" + told, chunk=1))
    parts = await collect(client, ask("Hello."))
    assert words(parts) == "Grüße 🪙"
    assert finish(parts).usage.input_tokens == 11


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("overloaded_error", ModelUnavailable),
        ("api_error", ModelUnavailable),
        ("timeout_error", ModelUnavailable),
        ("rate_limit_error", ModelUnavailable),
        ("error_of_the_future", ModelUnavailable),
        ("invalid_request_error", ModelRejected),
        ("authentication_error", ModelRejected),
        ("billing_error", ModelRejected),
        ("permission_error", ModelRejected),
        ("not_found_error", ModelRejected),
        ("request_too_large", ContextTooLong),
    ],
)
async def test_an_error_in_the_middle_of_a_stream(
    server: ReplayServer, client: ModelClient, kind: str, expected: type[ModelError]
) -> None:
    begun = message(text("Once upon"))[:4]
    error = {"type": "error", "error": {"type": kind, "message": "Something happened"}}
    server.answer(*begun, error)
    heard = []
    with pytest.raises(expected, match="Something happened"):
        async for part in client.stream(ask("Tell.")):
            heard.append(part)
    assert heard == [TextDelta("Once upon")]


@pytest.mark.parametrize(
    "frame",
    [
        b'event: error\ndata: {"error": {"type": "overloaded_error", "message": "Busy"}}\n\n',
        b'data: {"error": {"message": "Busy", "code": 500}}\n\n',
        b'data: {"error": "Busy"}\n\n',
    ],
)
async def test_errors_of_servers_that_imitate_the_api(
    server: ReplayServer, client: ModelClient, frame: bytes
) -> None:
    server.play(stream(sse(message(text("Once"))[:4]) + frame))
    with pytest.raises(ModelUnavailable, match="Busy"):
        await collect(client, ask("Tell."))


async def test_blocks_may_be_sparse_and_halves_of_characters_come_alone(
    server: ReplayServer, client: ModelClient
) -> None:
    events = message(text("\ud83e"), thinking("\ud83e", signature="s"), tool_use("t", "coin"))
    for event in events:
        for name in ("text", "thinking", "signature", "input"):
            event.get("content_block", {}).pop(name, None)
    raw = b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in events)
    server.play(stream(raw))
    parts = await collect(client, ask("Toss.", tools=(COIN,)))
    assert words(parts) == "\ud83e"
    assert calls(parts) == [ToolCall("t", "coin", {})]
    assert json.loads(thoughts(parts)[0].replay)["block"]["thinking"] == "?"


class PassingTime(FakeClock):
    """A second passes with every look."""

    def monotonic(self) -> float:
        self.jump(1.0)
        return self.now().timestamp()


async def test_long_thinking_is_a_sign_of_life(server: ReplayServer, ctx: FakeContext) -> None:
    ctx = evolve(ctx, clock=PassingTime())
    pings = [{"type": "ping"}] * 20
    start, *rest = message(thinking(*["hm"] * 20, signature="s"), text("42"))
    server.answer(start, *pings, *rest)
    async with ctx.open() as client:
        await collect(client, ask("Why?"))
    assert 5 < len(ctx.notes) < 15
    assert {note.activity for note in ctx.notes} == {f"{OPUS} is thinking"}


async def test_a_frame_may_be_large(server: ReplayServer, client: ModelClient) -> None:
    page = "x" * 3_000_000
    server.answer(*message(tool_use("t1", "coin", json.dumps({"page": page})), stop="tool_use"))
    (call,) = calls(await collect(client, ask("Write.", tools=(COIN,))))
    assert call.arguments == {"page": page}


async def test_a_connection_serves_again(server: ReplayServer, client: ModelClient) -> None:
    for _ in range(3):
        server.answer(*message(text("Yes.")))
        await collect(client, ask("There?"))
    assert server.connections <= 2
