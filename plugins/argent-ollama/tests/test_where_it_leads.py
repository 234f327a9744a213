"""What stays at the person's own server, what it costs, and what is never told."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from ollama_kit import answer, ask, context
from played_ollama import SMALL, PlayedOllama, refusal, shown, stream

from argent_hookspecs import (
    FREE,
    ModelError,
    ModelRejected,
    ModelUnavailable,
    Secret,
    ToolCall,
    Usage,
)
from argent_ollama.settings import OllamaSettings
from argent_testing import FakeClock, PlayedReply
from argent_testing.answers import finish
from argent_testing.wire.ollama import done, lines, said

pytestmark = pytest.mark.anyio

KEY = "geheim-123/abc"
DEEP = "[" * 100_000
HALF_A_MINUTE = timedelta(seconds=30)


async def failed(server: PlayedOllama, reply: PlayedReply, **more: Any) -> ModelError:
    """Ask once, with a key, and return the error."""
    server.play(reply)
    secrets = {"store:k": KEY}
    with pytest.raises(ModelError) as caught:
        await answer(server.url, ask("Hi."), api_key=Secret("store:k"), secrets=secrets, **more)
    return caught.value


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_nobody_is_told_but_the_server_itself(ollama: PlayedOllama, status: int) -> None:
    async with PlayedOllama() as other:
        away = {"location": f"{other.url}/api/chat"}
        error = await failed(ollama, PlayedReply(status=status, headers=away))

        assert other.asked == []
    assert isinstance(error, ModelRejected)
    assert "correct plugins.ollama.baseUrl" in str(error)


@pytest.mark.parametrize(
    ("url", "settings", "local"),
    [
        ("http://localhost:11434", {}, True),
        ("http://localhost:11434", {"cloud": True}, False),
        ("http://127.0.0.1:11434", {"local": False}, False),
        ("http://nas.lan:11434", {}, False),
        ("http://nas.lan:11434", {"local": True}, True),
        ("http://nas.lan:11434", {"local": True, "cloud": True}, False),
        ("https://ollama.com", {}, False),
    ],
)
def test_what_is_the_persons_own_is_local(url: str, settings: dict[str, Any], local: bool) -> None:
    assert context(url, **settings).providers()["ollama"].local is local


@pytest.mark.parametrize(("own", "price"), [(None, FREE), (True, FREE), (False, None)])
async def test_what_is_the_persons_own_is_free(
    ollama: PlayedOllama, own: bool | None, price: object
) -> None:
    async with context(ollama.url, local=own).open() as client:
        info = await client.describe(SMALL)
        (listed,) = await client.models()

    assert (info.price, listed.price) == (price, price)


@pytest.mark.parametrize("end", [{"read": 0}, {"written": 0}, {"read": 0, "written": 0}])
async def test_what_may_cost_is_not_estimated(ollama: PlayedOllama, end: dict[str, int]) -> None:
    """Some is counted and some is not: that is no count."""
    ollama.answers(said("Hello."), done(**end))

    parts = await answer(ollama.url, ask("Hi."), local=False)

    assert finish(parts).usage == Usage()


async def test_nor_is_what_runs_elsewhere(ollama: PlayedOllama) -> None:
    ollama.models["big:cloud"] = shown(remote_host="https://ollama.com:443")
    ollama.answers(said("Hello."), done(read=0, written=0))

    parts = await answer(ollama.url, ask("Hi.", model="big:cloud"), cloud=True)

    assert finish(parts).usage == Usage()


@pytest.mark.parametrize(
    "reply",
    [
        refusal(401, f"wrong key {KEY}"),
        refusal(500, f"{'x' * 295} {KEY}"),
        PlayedReply(status=502, pieces=[f"<html>{KEY}</html>".encode()], media="text/html"),
        PlayedReply(status=400, pieces=[json.dumps({"error": KEY}).replace("/", r"\/").encode()]),
        stream(*lines({"error": f"wrong key {KEY}"})),
        stream(*lines({"error": {"message": KEY}})),
        stream(*lines({"message": KEY})),
        stream(f"what {KEY}\n".encode()),
        stream(f"{'x' * 74}{KEY}\n".encode()),
        stream(json.dumps([KEY]).encode()),
    ],
)
async def test_no_error_tells_the_key(ollama: PlayedOllama, reply: PlayedReply) -> None:
    error = await failed(ollama, reply)

    assert "geheim" not in f"{error!r} {error.__cause__!r}"


@pytest.mark.parametrize("key", ["geheim\n123", "gehéim", "geheim\0"])
async def test_a_key_that_cannot_be_one_is_said_and_not_shown(
    ollama: PlayedOllama, key: str
) -> None:
    with pytest.raises(ModelRejected, match="holds characters that no key has") as caught:
        await answer(ollama.url, ask("Hi."), api_key=Secret("store:k"), secrets={"store:k": key})

    assert "geh" not in str(caught.value)
    assert ollama.asked == []


async def test_the_end_of_a_file_is_no_part_of_a_key(ollama: PlayedOllama) -> None:
    await answer(ollama.url, ask("Hi."), api_key=Secret("store:k"), secrets={"store:k": "right\n"})

    assert ollama.asked_at("/api/chat")[0].headers["authorization"] == "Bearer right"


@pytest.mark.parametrize("base_url", ["http://nas?key=geheim", "http://nas/#geheim"])
def test_an_address_has_nothing_behind_it(base_url: str) -> None:
    with pytest.raises(ValueError, match=r"without anything behind \? or #"):
        OllamaSettings(base_url=base_url)


async def test_arguments_without_a_bottom_are_no_object(ollama: PlayedOllama) -> None:
    call = {"id": "a", "function": {"name": "coin", "arguments": '{"a":' + DEEP}}
    ollama.answers(said(tool_calls=[call]), done())

    parts = await answer(ollama.url, ask("Hi."))

    (found,) = (part for part in parts if isinstance(part, ToolCall))
    assert found.arguments["(not a JSON object)"].startswith('{"a":[[[')


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_a_body_without_a_bottom_is_an_error(ollama: PlayedOllama, status: int) -> None:
    body = f'{{"error": {DEEP}}}'.encode()
    error = await failed(ollama, stream(body, status=status))

    assert isinstance(error, ModelRejected if status == 400 else ModelUnavailable)


async def test_a_document_without_an_end_is_given_up(ollama: PlayedOllama) -> None:
    endless = stream(*[b" " * (1 << 20)] * 65, hold=True)
    ollama.play(endless, path="/api/tags")

    async with context(ollama.url).open() as client:
        with pytest.raises(ModelUnavailable, match="without an end"):
            await client.models()


async def test_an_error_without_an_end_is_cut(ollama: PlayedOllama) -> None:
    error = await failed(ollama, stream(*[b"oh dear " * 9000], status=500, hold=True))

    assert isinstance(error, ModelUnavailable)
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    ("reply", "may_cost"),
    [
        (refusal(500, "Oh dear."), False),
        (refusal(429, "Oh dear."), False),
        (stream(hold=True), True),
        (stream(*lines(said("One")), hold=True), True),
        (stream(*lines(said("One")), cut=True), True),
        (stream(*lines(said("One"))), True),
        (stream(b"<html>\n"), True),
    ],
    ids=["fault", "limit", "silent", "fell silent", "cut", "ended", "rubbish"],
)
async def test_an_answer_that_is_lost_may_cost(
    ollama: PlayedOllama, reply: PlayedReply, may_cost: bool
) -> None:
    error = await failed(ollama, reply, silence=1.0)

    assert isinstance(error, ModelUnavailable)
    assert error.may_cost is may_cost


async def test_where_nobody_listens_nothing_costs(nobody: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        await answer(nobody, ask("Hi."))

    assert not caught.value.may_cost


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": format_datetime(FakeClock().now() + HALF_A_MINUTE, usegmt=True)}, 30.0),
        ({"retry_after": "Fri, 31 Dec 99999 23:59:59 GMT"}, None),
        ({"retry_after": "60", "retry_after_ms": "1500"}, 1.5),
        ({"retry_after": "nan"}, None),
    ],
)
async def test_how_long_to_wait_is_read(
    ollama: PlayedOllama, headers: dict[str, str], seconds: float | None
) -> None:
    error = await failed(ollama, refusal(503, "busy", **headers))

    assert isinstance(error, ModelUnavailable)
    assert error.retry_after == seconds
