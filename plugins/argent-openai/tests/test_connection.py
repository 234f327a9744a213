"""The way there and back: cut, slow, malformed and huge answers, and leaving in the middle."""

from __future__ import annotations

import asyncio

import pytest
from openai_kit import lab
from replay import HELLO, hello, replaying

from argent_hookspecs import (
    FinishReason,
    ModelPart,
    ModelRejected,
    ModelUnavailable,
)
from argent_testing import PlayedReply
from argent_testing.answers import ask, collect, finish, words
from argent_testing.wire.chat import call, chunk, events, usage

pytestmark = pytest.mark.anyio
SAID = "Hello, wörld 🙂"
WITH_TOOLS = (
    chunk(content="Wait — "),
    chunk(tool_calls=[call(0, '{"times":', id="a", name="coin")]),
    chunk(tool_calls=[call(0, " 2}")]),
    chunk(finish="tool_calls"),
    usage(),
)


async def listen(url: str) -> tuple[list[ModelPart], Exception | None]:
    """Return what was heard, and what it ended with."""
    heard: list[ModelPart] = []
    async with lab(url).open("lab") as client:
        try:
            async for part in client.stream(ask("Hi.")):
                heard.append(part)
        except ModelUnavailable as error:
            return heard, error
    return heard, None


async def test_connections_are_used_again() -> None:
    async with replaying(hello()) as server, lab(server.url).open("lab") as client:
        for _ in range(5):
            await collect(client, ask("Hi."))
        assert len({one.connection for one in server.posted}) == 1


async def test_a_connection_that_the_server_has_closed_is_replaced() -> None:
    closed = PlayedReply(pieces=events(*HELLO), chunked=False)
    async with replaying(closed) as server, lab(server.url).open("lab") as client:
        for _ in range(3):
            assert words(await collect(client, ask("Hi."))) == SAID


async def test_a_connection_that_ends_just_then_is_replaced() -> None:
    async with (
        replaying(hello(), PlayedReply(raw=b""), hello()) as server,
        lab(server.url).open("lab") as client,
    ):
        for _ in range(2):
            assert words(await collect(client, ask("Hi."))) == SAID
        assert len(server.posted) == 3


async def test_a_huge_frame_is_taken() -> None:
    text = "sea " * 2_000_000
    async with replaying(PlayedReply(pieces=events(chunk(content=text), *HELLO))) as server:
        heard, _ = await listen(server.url)
    assert words(heard) == text + SAID


async def test_many_answers_at_a_time() -> None:
    async with replaying(hello()) as server, lab(server.url).open("lab") as client:
        answers = await asyncio.gather(*(collect(client, ask(f"Hi {n}.")) for n in range(50)))
    assert {words(parts) for parts in answers} == {SAID}


async def test_where_nobody_listens_the_person_is_told_so(nobody: str) -> None:
    async with lab(nobody).open("lab") as client:
        with pytest.raises(ModelUnavailable) as raised:
            await collect(client, ask("Hi."))
    said = str(raised.value)
    assert said.startswith(f"lab cannot be reached at {nobody}: is it running")
    assert "plugins.openai.endpoints.lab.baseUrl" in said


async def test_a_name_that_nobody_has() -> None:
    async with lab("http://no-such-host.invalid/v1").open("lab") as client:
        with pytest.raises(ModelUnavailable, match="cannot be reached"):
            await collect(client, ask("Hi."))


async def test_tls_where_there_is_none() -> None:
    async with (
        replaying(hello()) as server,
        lab(server.url.replace("http:", "https:")).open("lab") as client,
    ):
        with pytest.raises(ModelUnavailable):
            await collect(client, ask("Hi."))


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
async def test_a_proxy_is_used_for_what_is_elsewhere(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    async with replaying(hello()) as server:
        proxy = server.url.removesuffix("/v1")
        for name in ("NO_PROXY", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.lower(), raising=False)
        monkeypatch.setenv(variable.lower(), proxy)
        async with lab("http://models.invalid/v1").open("lab") as client:
            assert words(await collect(client, ask("Hi."))) == SAID
        assert server.posted[0].path == "http://models.invalid/v1/chat/completions"
        async with lab(server.url).open("lab") as client:
            await collect(client, ask("Hi."))
        assert server.posted[1].path == "/v1/chat/completions"


async def test_a_proxy_of_another_kind_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with lab("http://models.invalid/v1").open("lab") as client:
        with pytest.raises(ModelRejected, match="HTTP_PROXY"):
            await collect(client, ask("Hi."))


async def test_reasons_survive_a_cut_after_the_last_word() -> None:
    stream = events(chunk(content="a"), chunk(finish="length"), end=b"")
    async with replaying(PlayedReply(pieces=stream, cut=True)) as server:
        heard, error = await listen(server.url)
    assert error is None
    assert finish(heard).reason is FinishReason.LENGTH
