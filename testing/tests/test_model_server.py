"""The played server keeps to its script, byte by byte."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest

from argent_testing import Asked, ModelServer, PlayedReply, json_reply
from argent_testing.wire import chat, json_lines, messages, ollama, sse

pytestmark = pytest.mark.anyio


async def talk(url: str, *requests: bytes) -> bytes:
    """Send requests on one connection and return all that comes until its end."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    for request in requests:
        writer.write(request)
    writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()


def post(path: str, body: bytes = b"{}") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nX-Odd: a: b\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def test_replies_are_given_in_order_and_requests_kept() -> None:
    async with ModelServer(base="/v1") as server:
        server.play(json_reply({"n": 1}), json_reply({"n": 2}, status=429, retry_after="7"))
        said = await talk(server.url, post("/v1/a", b'{"x": 1}'), post("/v1/b"))
    first, second = said.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"200")
    assert b'{"n": 1}' in first
    assert second.startswith(b"429")
    assert b"retry-after: 7\r\n" in second
    assert server.bodies == [{"x": 1}, {}]
    assert [(one.path, one.connection) for one in server.asked] == [("/v1/a", 1), ("/v1/b", 1)]
    assert server.asked[0].headers["x-odd"] == "a: b"


async def test_a_body_in_chunks_is_read() -> None:
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with ModelServer() as server:
        await talk(server.url, head + b"2\r\n[1\r\n3\r\n, 2\r\n1\r\n]\r\n0\r\n\r\n")
    assert server.bodies == [[1, 2]]


@pytest.mark.parametrize(
    ("reply", "tail"),
    [
        (PlayedReply(pieces=[b"ab", b"", b"c"]), b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
        (PlayedReply(pieces=[b"ab"], cut=True), b"2\r\nab\r\n"),
        (PlayedReply(pieces=[b"ab", b"c"], chunked=False), b"abc"),
        (PlayedReply(raw=b"oh dear"), b"oh dear"),
    ],
    ids=["whole", "cut", "closed", "raw"],
)
async def test_a_body_ends_as_the_script_says(reply: PlayedReply, tail: bytes) -> None:
    async with ModelServer() as server:
        server.play(reply)
        said = await talk(server.url, post("/"))
    body = said if reply.raw is not None else said.partition(b"\r\n\r\n")[2]
    assert body == tail


async def test_a_piece_waits_for_its_event_and_a_reply_for_the_client() -> None:
    gate = asyncio.Event()
    async with ModelServer() as server:
        server.play(PlayedReply(pieces=[b"one", gate, b"two"], chunked=False, hold=True))
        where = urlsplit(server.url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(post("/"))
        assert (await reader.readuntil(b"one")).endswith(b"one")
        assert server.arrived.is_set()
        gate.set()
        assert await reader.readexactly(3) == b"two"
        assert not server.left.is_set()
        writer.close()
        async with asyncio.timeout(5):
            await server.left.wait()


async def test_a_path_has_a_script_of_its_own() -> None:
    class Listing(ModelServer):
        def by_itself(self, asked: Asked) -> PlayedReply:
            return json_reply([asked.method])

    async with Listing(path="/chat") as server:
        server.play(json_reply("hello"))
        server.play(json_reply("other"), path="/other")
        said = await talk(server.url, b"GET /list HTTP/1.1\r\n\r\n", post("/other"), post("/chat"))
    assert said.index(b'["GET"]') < said.index(b'"other"') < said.index(b'"hello"')
    assert len(server.bodies) == 1


async def test_nobody_listens_when_it_was_stopped() -> None:
    async with ModelServer() as server:
        await server.stop()
        with pytest.raises(ConnectionRefusedError):
            await talk(server.url, post("/"))


@pytest.mark.parametrize("form", [chat, messages, ollama])
def test_each_format_has_an_answer(form: Any) -> None:
    told = b"".join(form.answer("One ", "two."))
    assert told.index(b'"One "') < told.index(b'"two."')


def test_documents_stand_in_events_and_in_lines() -> None:
    assert sse([{"type": "é"}], named=True) == ['event: é\ndata: {"type":"é"}\n\n'.encode()]
    assert sse([1], end=b"data: [DONE]\n\n") == [b"data: 1\n\n", b"data: [DONE]\n\n"]
    assert json_lines(["a\n", 2]) == [b'"a\\n"\n', b"2\n"]
