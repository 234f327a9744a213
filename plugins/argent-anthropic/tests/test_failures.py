"""What goes wrong between here and the server, in words and in the contract's errors."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from anthropic_kit import KEY, OPUS, ask, context
from anthropic_replay import ReplayServer, failure, sse, stream
from attrs import evolve

from argent_hookspecs import (
    ContextTooLong,
    Message,
    ModelClient,
    ModelError,
    ModelRejected,
    ModelUnavailable,
    Role,
    Secret,
    ToolCall,
)
from argent_testing import FakeContext, PlayedReply, json_reply
from argent_testing.answers import collect, words
from argent_testing.wire.messages import Event, message, text

pytestmark = pytest.mark.anyio
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}


def wrong_key(said: str) -> Event:
    return {"type": "error", "error": {"type": "authentication_error", "message": said}}


async def refusal(client: ModelClient, *, model: str = OPUS) -> ModelError:
    with pytest.raises(ModelError) as told:
        await collect(client, ask("Hello.", model=model))
    return told.value


@pytest.mark.parametrize(
    ("status", "kind", "expected", "advice"),
    [
        (400, "invalid_request_error", ModelRejected, "does not accept the request"),
        (401, "authentication_error", ModelRejected, "argent secrets set"),
        (402, "billing_error", ModelRejected, "credit"),
        (403, "permission_error", ModelRejected, "another key"),
        (404, "not_found_error", ModelRejected, "argent models list"),
        (413, "request_too_large", ContextTooLong, "too long"),
        (405, "invalid_request_error", ModelRejected, "argent models list"),
        (422, "invalid_request_error", ModelRejected, "does not accept the request"),
        (408, "timeout_error", ModelUnavailable, "later"),
        (409, "conflict_error", ModelUnavailable, "later"),
        (429, "rate_limit_error", ModelUnavailable, "limits how much"),
        (500, "api_error", ModelUnavailable, "later"),
        (504, "timeout_error", ModelUnavailable, "later"),
        (529, "overloaded_error", ModelUnavailable, "overloaded"),
    ],
)
async def test_each_status_is_an_error_that_says_what_to_do(
    server: ReplayServer,
    client: ModelClient,
    status: int,
    kind: str,
    expected: type[ModelError],
    advice: str,
) -> None:
    server.play(failure(status, kind, "No can do."))
    error = await refusal(client)
    assert isinstance(error, expected)
    assert advice in str(error)
    assert "No can do" in str(error)
    assert f"the server at {server.url}" in str(error)


@pytest.mark.parametrize(
    "said",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000",
        "input is too long for the requested model",
        "request (4031 tokens) exceeds the available context size (1024 tokens)",
    ],
)
async def test_a_request_beyond_the_window_is_told_apart(
    server: ReplayServer, client: ModelClient, said: str
) -> None:
    server.play(failure(400, "invalid_request_error", said))
    assert isinstance(await refusal(client), ContextTooLong)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("30", 30.0),
        ("1.5", 1.5),
        ("Fri, 20 Nov 2026 12:01:00 GMT", 60.0),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("inf", None),
        ("-1", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
    ],
)
async def test_how_long_to_wait_is_handed_on(
    server: ReplayServer, client: ModelClient, said: str, seconds: float | None
) -> None:
    server.play(failure(429, "rate_limit_error", "Slower.", retry_after=said))
    error = await refusal(client)
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after == seconds


async def test_milliseconds_go_before_seconds(server: ReplayServer, client: ModelClient) -> None:
    server.play(failure(429, "rate_limit_error", "No.", retry_after_ms="1500", retry_after="9"))
    error = await refusal(client)
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after == 1.5


@pytest.mark.parametrize("status", [200, 500])
async def test_what_is_nested_without_end_is_no_json(
    server: ReplayServer, client: ModelClient, status: int
) -> None:
    deep = b'{"error": ' + b"[" * 100_000
    frame = b"data: " + deep + b"\n\n" if status == 200 else deep
    server.play(PlayedReply(pieces=[frame], status=status))
    assert isinstance(await refusal(client), ModelUnavailable)


async def test_a_request_that_is_nested_without_end_is_refused(client: ModelClient) -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"deeper": deep}
    call = Message(Role.ASSISTANT, (ToolCall("a", "coin", deep),))
    with pytest.raises(ModelRejected, match="nested too deeply"):
        await collect(client, ask("Toss.", call, "Well?"))


@pytest.mark.parametrize(
    ("reply", "may_cost"),
    [
        (PlayedReply(pieces=[sse(message(text("Once"))[:4])], cut=True), True),
        (PlayedReply(pieces=[b"data: {no json}\n\n"]), True),
        (stream(sse([*message(text("Once"))[:4], OVERLOADED])), True),
        (stream(sse([{"type": "ping"}, OVERLOADED])), False),
        (failure(529, "overloaded_error", "Busy."), False),
    ],
    ids=["cut", "garbled", "error in the middle", "error first", "status"],
)
async def test_what_may_have_cost_is_told_apart(
    server: ReplayServer, client: ModelClient, reply: PlayedReply, may_cost: bool
) -> None:
    server.play(reply)
    error = await refusal(client)
    assert isinstance(error, ModelUnavailable)
    assert error.may_cost is may_cost


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (PlayedReply(pieces=[b"<html>Log in</html>"], headers={"content-type": "text/html"}), None),
        (json_reply({"answer": "of another API"}), None),
        (json_reply({"error": "unknown field"}, status=400), ModelRejected),
        (json_reply(["odd"], status=418), ModelRejected),
        (PlayedReply(status=302, headers={"location": "http://elsewhere.invalid/"}), ModelRejected),
        (PlayedReply(pieces=[b"x" * 70_000] * 3, status=500, hold=True), ModelUnavailable),
    ],
)
async def test_a_server_of_another_kind_is_one_clear_error(
    server: ReplayServer, client: ModelClient, reply: PlayedReply, expected: type[ModelError] | None
) -> None:
    server.play(reply)
    error = await refusal(client)
    assert isinstance(error, expected or ModelUnavailable)
    assert str(error).startswith(("the server at", "the connection to the server at"))


async def test_a_server_that_is_not_there(server: ReplayServer) -> None:
    url = "http://127.0.0.1:1"
    async with context(url).open() as client:
        error = await refusal(client)
    assert isinstance(error, ModelUnavailable)
    assert url in str(error)
    assert "plugins.anthropic.baseUrl" in str(error)


class TestKey:
    """The key: sent, asked for, and never seen."""

    @pytest.mark.parametrize(
        ("auth", "header", "value"),
        [("x-api-key", "x-api-key", KEY), ("authorization", "authorization", f"Bearer {KEY}")],
    )
    async def test_it_is_sent_with_the_version(
        self, server: ReplayServer, ctx: FakeContext, auth: str, header: str, value: str
    ) -> None:
        server.answer(*message(text("Yes.")))
        async with ctx.with_settings(auth=auth, version="2023-06-01").open() as client:
            await collect(client, ask("Hello."))
        headers = server.asked[-1].headers
        assert headers[header] == value
        assert headers["anthropic-version"] == "2023-06-01"
        assert ("x-api-key" in headers) is (auth == "x-api-key")

    async def test_without_one_the_first_question_says_what_to_do(self) -> None:
        ctx = context("https://api.anthropic.com", api_key=None)
        ctx.secrets.values.clear()
        async with ctx.open() as client:
            error = await refusal(client)
        assert isinstance(error, ModelRejected)
        assert str(error).startswith("Anthropic needs a key")
        assert "ANTHROPIC_API_KEY" in str(error)
        assert "argent secrets set anthropic-key" in str(error)

    async def test_that_of_the_environment_is_for_anthropic_alone(
        self, server: ReplayServer, ctx: FakeContext
    ) -> None:
        server.answer(*message(text("Yes.")))
        async with ctx.with_settings(api_key=None, local=False).open() as client:
            await collect(client, ask("Hello."))
        assert all(KEY not in str(one.headers) for one in server.asked)
        assert not {"x-api-key", "authorization"} & set(server.asked[-1].headers)

    @pytest.mark.parametrize("value", ["two words", "line\nbreak", "schlüssel"])
    async def test_one_that_cannot_be_sent_is_not_shown(
        self, server: ReplayServer, ctx: FakeContext, value: str
    ) -> None:
        odd = ctx.with_settings(api_key=Secret("store:odd"))
        odd.secrets.values["store:odd"] = value
        async with odd.open() as client:
            error = await refusal(client)
        assert isinstance(error, ModelRejected)
        assert value not in str(error)

    @pytest.mark.parametrize(
        "reply",
        [
            failure(401, "authentication_error", f"{KEY} is not a key"),
            failure(400, f"{KEY} is not a key", ""),
            stream(sse([wrong_key(f"{KEY} is not a key")])),
            stream(sse([*message(text("Once"))[:4], wrong_key(f"{KEY} is not a key")])),
            failure(401, "authentication_error", "Bearer abc.def/ghi is not a key"),
            failure(401, "authentication_error", "sk-proj-abc.def is not a key"),
        ],
        ids=["status", "type", "stream", "late", "bearer", "gateway's own"],
    )
    async def test_it_is_in_no_log_and_no_error(
        self,
        server: ReplayServer,
        ctx: FakeContext,
        caplog: pytest.LogCaptureFixture,
        reply: PlayedReply,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        server.play(reply)
        async with ctx.open() as client:
            error = await refusal(client)
        shown = f"{error} {error!r} {error.__cause__!r} {caplog.text} {ctx.settings!r} {client!r}"
        assert KEY not in shown
        assert "abc.def" not in shown
        assert "is not a key" in str(error)


async def test_claude_is_not_taken_to_run_on_this_machine(
    server: ReplayServer, ctx: FakeContext
) -> None:
    async with ctx.with_settings(api_key=None).open() as client:
        error = await refusal(client)
        assert isinstance(error, ModelRejected)
        assert "argent config set plugins.anthropic.local false" in str(error)
        assert not server.bodies
        server.answer(*message(text("Yes.")))
        assert words(await collect(client, ask("Hello.", model="qwen"))) == "Yes."


async def test_a_proxy_for_the_world_is_not_used_on_this_machine(
    server: ReplayServer, ctx: FakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    server.answer(*message(text("Yes.")))
    async with evolve(ctx).open() as client:
        assert words(await collect(client, ask("Hello."))) == "Yes."
