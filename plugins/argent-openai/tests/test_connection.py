"""The way there and back: cut, slow, malformed and huge answers, and leaving in the middle."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

import pytest
from openai_kit import ask, calls, collect, finish, lab, words
from replay import HELLO, Reply, call, chunk, events, hello, replaying, usage

from argent_hookspecs import (
    FinishReason,
    ModelPart,
    ModelRejected,
    ModelUnavailable,
    TextDelta,
    ToolCall,
)

pytestmark = pytest.mark.anyio
SAID = "Hello, wörld 🙂"
WITH_TOOLS = (
    chunk(content="Wait — "),
    chunk(tool_calls=[call(0, '{"times":', id="a", name="coin")]),
    chunk(tool_calls=[call(0, " 2}")]),
    chunk(finish="tool_calls"),
    usage(),
)


def whole(*documents: object) -> bytes:
    return b"".join(events(*documents))


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


@pytest.mark.parametrize("chunked", [True, False])
async def test_an_answer_that_is_cut_anywhere_is_whole_or_an_error(chunked: bool) -> None:
    stream = whole(*HELLO)
    last = stream.index(b'"stop"')
    async with replaying(hello()) as server:
        for length in range(len(stream)):
            pieces = [stream[:length]] if length else []
            server.replies, server.asked = [Reply(pieces=pieces, chunked=chunked, cut=True)], []
            heard, error = await listen(server.url)
            said = words(heard)
            assert len(server.posted) == 1
            assert SAID.startswith(said), f"cut at {length}: {said}"
            if error is None:
                assert said == SAID, f"cut at {length}"
                assert length > last
                assert finish(heard).usage.output_tokens > 0
            else:
                assert length <= last + 12, f"cut at {length}: {error}"
                assert "cut off" in str(error) or "closed" in str(error)


async def test_a_tool_call_that_is_cut_anywhere_is_whole_or_not_made() -> None:
    stream = whole(*WITH_TOOLS)
    async with replaying(hello()) as server:
        for length in range(1, len(stream), 3):
            server.replies = [Reply(pieces=[stream[:length]], cut=True)]
            heard, error = await listen(server.url)
            made = [ToolCall("a", "coin", {"times": 2})] if error is None else []
            assert calls(heard) == made, f"cut at {length}"


async def test_an_answer_may_come_byte_by_byte() -> None:
    stream = whole(*HELLO)
    pieces = [stream[at : at + 1] for at in range(len(stream))]
    async with replaying(Reply(pieces=pieces)) as server:
        heard, error = await listen(server.url)
    assert error is None
    assert words(heard) == SAID


async def test_words_are_passed_on_while_the_rest_is_still_to_come() -> None:
    reply = Reply(pieces=events(chunk(content="Hel"), end=b""), hold=True)
    async with (
        replaying(reply) as server,
        lab(server.url).open("lab") as client,
        asyncio.timeout(5),
        aclosing(client.stream(ask("Hi."))) as parts,
    ):
        assert await anext(parts) == TextDelta("Hel")


async def test_the_server_sees_at_once_that_the_iterator_was_closed() -> None:
    reply = Reply(pieces=events(chunk(content="Hel"), end=b""), hold=True)
    async with replaying(reply) as server, lab(server.url).open("lab") as client:
        parts = client.stream(ask("Hi."))
        await anext(parts)
        assert not server.left.is_set()
        await parts.aclose()
        async with asyncio.timeout(1):
            await server.left.wait()


async def test_the_server_sees_at_once_that_the_question_was_cancelled() -> None:
    for pieces in ([], events(chunk(content="Hel"), end=b"")):
        async with (
            replaying(Reply(pieces=pieces, hold=True)) as server,
            lab(server.url).open("lab") as client,
        ):
            task = asyncio.create_task(collect(client, ask("Hi.")))
            await server.arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(1):
                await server.left.wait()


async def test_a_silent_server_is_not_waited_for_for_ever() -> None:
    for pieces in ([], events(chunk(content="Hel"), end=b"")):
        async with (
            replaying(Reply(pieces=pieces, hold=True)) as server,
            lab(server.url, silence=1.0).open("lab") as client,
        ):
            began = time.monotonic()
            with pytest.raises(ModelUnavailable, match=r"endpoints\.lab\.silence"):
                await collect(client, ask("Hi."))
            assert time.monotonic() - began < 4


async def test_a_server_that_keeps_the_connection_open_after_the_end_is_not_waited_for() -> None:
    async with (
        replaying(Reply(pieces=events(*HELLO), hold=True)) as server,
        lab(server.url).open("lab") as client,
    ):
        began = time.monotonic()
        assert words(await collect(client, ask("Hi."))) == SAID
        assert time.monotonic() - began < 3


async def test_connections_are_used_again() -> None:
    async with replaying(hello()) as server, lab(server.url).open("lab") as client:
        for _ in range(5):
            await collect(client, ask("Hi."))
        assert len({one.connection for one in server.posted}) == 1


async def test_a_connection_that_the_server_has_closed_is_replaced() -> None:
    closed = Reply(pieces=events(*HELLO), chunked=False)
    async with replaying(closed) as server, lab(server.url).open("lab") as client:
        for _ in range(3):
            assert words(await collect(client, ask("Hi."))) == SAID


async def test_a_connection_that_ends_just_then_is_replaced() -> None:
    async with (
        replaying(hello(), Reply(raw=b""), hello()) as server,
        lab(server.url).open("lab") as client,
    ):
        for _ in range(2):
            assert words(await collect(client, ask("Hi."))) == SAID
        assert len(server.posted) == 3


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"oh dear\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"\x16\x03\x01\x02\x00",
    ],
    ids=["nothing", "no HTTP", "status", "length", "chunk", "header", "gzip", "TLS"],
)
async def test_what_is_not_http_is_an_error_in_words(raw: bytes) -> None:
    async with replaying(Reply(raw=raw)) as server:
        heard, error = await listen(server.url)
    assert heard == []
    assert str(error).startswith("lab: ")


async def test_a_huge_frame_is_taken() -> None:
    text = "sea " * 2_000_000
    async with replaying(Reply(pieces=events(chunk(content=text), *HELLO))) as server:
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


async def test_a_proxy_is_used_for_what_is_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async with replaying(hello()) as server:
        proxy = server.url.removesuffix("/v1")
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
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
    async with replaying(Reply(pieces=stream, cut=True)) as server:
        heard, error = await listen(server.url)
    assert error is None
    assert finish(heard).reason is FinishReason.LENGTH
