"""What servers say is wrong, and what the kernel and the person are told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from openai_kit import lab
from replay import HELLO, refusal, replaying

from argent_hookspecs import (
    ContextTooLong,
    ModelError,
    ModelRejected,
    ModelUnavailable,
    TextDelta,
    Usage,
)
from argent_testing import PlayedReply
from argent_testing.answers import ask, collect, finish, words
from argent_testing.wire.chat import call, chunk, events

pytestmark = pytest.mark.anyio


async def failure(*replies: PlayedReply, **settings: Any) -> ModelError:
    """Return the error that a request to such a server ends with."""
    async with replaying(*replies) as server, lab(server.url, **settings).open("lab") as client:
        with pytest.raises(ModelError) as raised:
            await collect(client, ask("Hello."))
    assert str(raised.value).startswith("lab")
    return raised.value


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 520, 529, 599])
async def test_what_may_pass_is_unavailable(status: int) -> None:
    error = await failure(refusal(status, {"message": "Oh dear."}))
    assert type(error) is ModelUnavailable
    assert str(error) == "lab: Oh dear"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 406, 410, 418, 422, 451])
async def test_what_will_never_pass_is_rejected(status: int) -> None:
    error = await failure(refusal(status, {"message": "Oh dear."}))
    assert isinstance(error, ModelRejected) and not isinstance(error, ContextTooLong)
    assert str(error).startswith("lab: Oh dear")


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "argent secrets set lab, then argent config set plugins.openai.endpoints.lab.apiKey"),
        (402, "topped up"),
        (404, "plugins.openai.endpoints.lab.baseUrl"),
    ],
)
async def test_an_error_says_what_to_do(status: int, advice: str) -> None:
    assert advice in str(await failure(refusal(status, {"message": "Oh dear."})))


@pytest.mark.parametrize(
    "error",
    [
        {"code": "context_length_exceeded", "message": "Oh dear."},
        {"type": "exceed_context_size_error", "message": "request (5031 tokens) exceeds"},
        {"message": "This model's maximum context length is 4096 tokens. However, you asked"},
        {"message": "The prompt is too long: 9000 tokens"},
        {"message": "'max_tokens' is too large: 8192. This model's maximum context length is 99"},
    ],
)
async def test_a_conversation_that_is_too_long(error: dict[str, str]) -> None:
    assert type(await failure(refusal(400, error))) is ContextTooLong


async def test_a_body_that_is_too_large_is_a_conversation_that_is_too_long() -> None:
    page = PlayedReply(status=413, pieces=[b"<html>Too large</html>"], media="text/html")
    assert type(await failure(page)) is ContextTooLong


async def test_too_many_tokens_a_minute_are_not_too_long_a_conversation() -> None:
    said = {"message": "Rate limit reached: too many tokens", "code": "rate_limit_exceeded"}
    assert type(await failure(refusal(429, said))) is ModelUnavailable
    assert type(await failure(refusal(413, said))) is not ContextTooLong


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After-Ms": "1500", "Retry-After": "2"}, 1.5),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "Fri, 31 Dec 99999 23:59:59 GMT"}, None),
        ({}, None),
    ],
)
async def test_when_to_try_again(headers: dict[str, str], seconds: float | None) -> None:
    reply = PlayedReply(status=429, pieces=[b"{}"], media="application/json", headers=headers)
    error = await failure(reply)
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after == seconds


async def test_when_to_try_again_as_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    reply = PlayedReply(status=503, media="text/plain", headers={"Retry-After": date})
    error = await failure(reply)
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after == pytest.approx(90, abs=5)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "Oh dear."}}, "Oh dear"),
        ({"error": "Oh dear."}, "Oh dear"),
        ({"message": "Oh dear.", "code": "x"}, "Oh dear"),
        ({"detail": "Oh dear."}, "Oh dear"),
        ({"detail": [{"msg": "Oh dear."}]}, "Oh dear"),
        ([{"error": {"message": "Oh dear."}}], "Oh dear"),
        (
            {"error": {"message": "Provider failed", "metadata": {"raw": "Oh dear."}}},
            "Provider failed: Oh dear",
        ),
        ({"error": {"message": None}}, "no reason"),
        ({}, "no reason"),
        ([], "no reason"),
        ("Oh dear.", "HTTP 400"),
        (None, "HTTP 400"),
    ],
)
async def test_every_form_of_an_error_is_read(body: Any, said: str) -> None:
    reply = PlayedReply(status=400, pieces=[json.dumps(body).encode()], media="application/json")
    assert said in str(await failure(reply))


async def test_an_error_that_is_no_json_is_shown_in_short() -> None:
    reply = PlayedReply(status=400, pieces=[b"Oh dear. " * 10_000], media="text/plain")
    said = str(await failure(reply))
    assert "Oh dear. Oh dear" in said
    assert len(said) < 700


async def test_an_address_that_sends_us_elsewhere_is_told() -> None:
    reply = PlayedReply(status=307, headers={"Location": "https://example.org/v1"})
    error = await failure(reply)
    assert type(error) is ModelRejected
    assert "https://example.org/v1" in str(error)


async def test_a_web_page_is_no_answer() -> None:
    error = await failure(PlayedReply(pieces=[b"<html>Log in!</html>"], media="text/html"))
    assert type(error) is ModelUnavailable
    assert "baseUrl" in str(error)


async def test_an_event_stream_by_another_name_is_one() -> None:
    for media in ("text/plain", "application/octet-stream", "application/x-ndjson"):
        reply = PlayedReply(pieces=events(*HELLO), media=media)
        async with replaying(reply) as server, lab(server.url).open("lab") as client:
            assert words(await collect(client, ask("Hi."))) == "Hello, wörld 🙂"


async def test_usage_that_makes_no_sense_counts_for_nothing() -> None:
    for nonsense in (7, {"prompt_tokens": "many"}, {"prompt_tokens": -1}, {"total_tokens": 1.5}):
        counted = {"choices": [], "usage": nonsense if isinstance(nonsense, dict) else None}
        reply = PlayedReply(pieces=events(chunk(content="a", finish="stop"), counted))
        async with replaying(reply) as server, lab(server.url).open("lab") as client:
            assert finish(await collect(client, ask("Hi."))).usage == Usage()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": 502, "message": "Oh dear."}, ModelUnavailable),
        ({"code": "rate_limit_exceeded", "message": "Oh dear."}, ModelUnavailable),
        ({"type": "server_error", "message": "Oh dear."}, ModelUnavailable),
        ({"message": "Oh dear."}, ModelUnavailable),
        ({"code": 400, "message": "Oh dear."}, ModelRejected),
        ({"code": 400, "type": "exceed_context_size_error", "message": "a"}, ContextTooLong),
    ],
)
async def test_an_error_within_the_stream(error: dict[str, Any], expected: type[Exception]) -> None:
    heard = []
    reply = PlayedReply(pieces=events(chunk(content="Hel"), {"error": error}))
    async with replaying(reply) as server, lab(server.url).open("lab") as client:
        with pytest.raises(expected):
            async for part in client.stream(ask("Hi.")):
                heard.append(part)
        assert len(server.posted) == 1
    assert heard == [TextDelta("Hel")]


@pytest.mark.parametrize(
    ("reply", "may_cost"),
    [
        (refusal(503, {"message": "Oh dear."}), False),
        (refusal(429, {"message": "Oh dear."}), False),
        (PlayedReply(status=500, pieces=[b"Oh"], cut=True), False),
        (PlayedReply(status=500, pieces=[b"Oh"], hold=True), False),
        (PlayedReply(pieces=events(chunk(content="a"), end=b""), cut=True), True),
        (PlayedReply(pieces=events(chunk(content="a"), end=b"")), True),
        (PlayedReply(pieces=events(chunk(content="a"), end=b""), hold=True), True),
        (PlayedReply(hold=True), True),
        (PlayedReply(pieces=[b"data: {oh dear\n\n"]), True),
        (PlayedReply(pieces=events({"error": {"message": "Oh dear."}})), True),
        (PlayedReply(pieces=events(chunk(tool_calls=[call(0, "{}", name=7)]))), True),  # type: ignore[arg-type]
        (PlayedReply(pieces=[b'data: {"a":', b"[" * 100_000, b"\n\n"]), True),
        (PlayedReply(pieces=[b"<html>"], media="text/html"), True),
    ],
)
async def test_what_was_begun_may_cost(reply: PlayedReply, may_cost: bool) -> None:
    error = await failure(reply, silence=1.0)
    assert isinstance(error, ModelUnavailable)
    assert error.may_cost is may_cost


async def test_where_nobody_listens_nothing_costs(nobody: str) -> None:
    async with lab(nobody).open("lab") as client:
        with pytest.raises(ModelUnavailable) as raised:
            await collect(client, ask("Hi."))
    assert not raised.value.may_cost


@pytest.mark.parametrize("depth", [300, 3_000, 100_000])
async def test_an_error_that_is_nested_without_end_is_read(depth: int) -> None:
    body = b'{"detail": %b1%b}' % (b"[" * depth, b"]" * depth)
    for status in (400, 200):
        reply = PlayedReply(status=status, pieces=[body], media="application/json")
        assert str(await failure(reply))


async def test_a_request_without_messages_is_refused() -> None:
    async with lab("http://127.0.0.1:1/v1").open("lab") as client:
        with pytest.raises(ModelRejected, match="no message"):
            await collect(client, ask())


async def test_a_likelihood_that_is_none_counts_for_nothing() -> None:
    document = chunk(content="a", finish="stop")
    document["choices"][0]["logprobs"] = {"content": [{"logprob": None}, {"logprob": 0}]}
    async with (
        replaying(PlayedReply(pieces=events(document))) as server,
        lab(server.url, confidence=True).open("lab") as client,
    ):
        assert finish(await collect(client, ask("Hi."))).confidence == 1.0
