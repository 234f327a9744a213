"""The contract of model providers that ask a server: what holds when the server fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, ClassVar

import pytest

from argent_hookspecs import (
    ModelClient,
    ModelError,
    ModelProvider,
    ModelRejected,
    ModelUnavailable,
)
from argent_testing.answers import ask
from argent_testing.contracts.base import Contract
from argent_testing.contracts.heard import Heard, assert_begins, assert_same
from argent_testing.model_server import EVENTS, ModelServer, PlayedReply, json_reply
from argent_testing.specimen import Specimen

_PASSING = (408, 409, 429, 500, 502, 503, 504, 529)
_SILENCE = 1.0
_ENDS = ((True, True), (False, False), (False, True))
_FINAL = (400, 401, 402, 403, 404, 422)
_NO_HTTP = (
    b"",
    b"oh dear\r\n\r\n",
    b"HTTP/1.1 abc\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    b"\x16\x03\x01\x02\x00",
)


class ModelOutageContract(Contract):
    """Tries out a model provider with a server that fails in all the ways in which servers fail.

    Each outage must end in one clear ``ModelError``, or in the whole answer: no word comes twice,
    nothing hangs, the server is asked once, and the next question is answered again. Inherit, and
    give a whole answer as the server sends it, and how the provider is told where the server is::

        class TestOutages(ModelOutageContract):
            plugin = "argent_oracle"
            model = "oracle-1"
            recorded = b'data: {"say": "Yes."}\\n\\ndata: {"end": true}\\n\\n'
            decisive = b'"end"'
            spoilt = (b"data: {oh dear\\n\\n",)

            def settings_at(self, url, *, silence=None):
                return {"baseUrl": url, "silence": silence or 60.0}

    Attributes:
        provider: Id of the provider; not needed if there is only one.
        model: The provider's own name of the model.
        recorded: The body of an answer, with words at its beginning.
        decisive: What stands in that frame of it, and in none before, with which it is whole.
        media: Type of the body.
        frame_end: What its frames end in.
        spoilt: Frames after which no answer can be whole, among them those that tell an error.
        path: Path of the requests for answers; everything that is posted, if empty.
    """

    provider: ClassVar[str] = ""
    model: ClassVar[str]
    recorded: ClassVar[bytes]
    decisive: ClassVar[bytes]
    media: ClassVar[str] = EVENTS
    frame_end: ClassVar[bytes] = b"\n\n"
    spoilt: ClassVar[Sequence[bytes]]
    path: ClassVar[str] = ""

    def settings_at(self, url: str, *, silence: float | None = None) -> Mapping[str, Any]:
        """Return the plugin's settings with which it asks a server at this address.

        Args:
            silence: Seconds without a word after which it is to give up; None for the usual ones.
        """
        pytest.fail(
            "override settings_at(url, *, silence=None): the settings with which the plugin asks a "
            "server at that address"
        )

    def make_server(self) -> ModelServer:
        """Return the server; override it if the provider asks for more than answers."""
        return ModelServer(path=self.path)

    def refusal(self, status: int, **headers: str) -> PlayedReply:
        """Return the server's way to refuse a request."""
        return json_reply({"error": {"message": "Oh dear."}}, status=status, **headers)

    @pytest.fixture
    async def server(self, anyio_backend: str) -> AsyncIterator[ModelServer]:
        """The server, listening."""
        async with self.make_server() as server:
            yield server

    @pytest.fixture
    def plugin_settings(self, server: ModelServer) -> Mapping[str, Any]:
        """The settings that lead to the server."""
        return self.settings_at(server.url)

    @pytest.fixture
    def client(self, specimen: Specimen) -> ModelClient:
        """The provider, open."""
        return self._client(specimen)

    async def test_the_recorded_answer_is_whole(
        self, server: ModelServer, client: ModelClient
    ) -> None:
        """Nothing fails: there are words, and an end."""
        heard = await self._hear(server, client, self._whole())
        assert heard.error is None
        assert heard.is_whole
        assert heard.words, "the recorded answer has no words"

    async def test_what_may_pass_is_unavailable(
        self, server: ModelServer, client: ModelClient
    ) -> None:
        """Overload, limits and faults of the server; how long to wait is handed on."""
        for status in _PASSING:
            error = await self._fails(server, client, self.refusal(status, retry_after="7"))
            assert type(error) is ModelUnavailable, f"{status}: {error!r}"
            assert error.retry_after == 7.0, f"{status}: retry-after is lost"
            assert not (status == 429 and error.may_cost), "what was refused costs nothing"
        error = await self._fails(server, client, self.refusal(503))
        assert isinstance(error, ModelUnavailable)
        assert error.retry_after is None

    async def test_what_will_never_pass_is_rejected(
        self, server: ModelServer, client: ModelClient
    ) -> None:
        """Wrong keys, models and requests."""
        for status in _FINAL:
            error = await self._fails(server, client, self.refusal(status))
            assert isinstance(error, ModelRejected), f"{status}: {error!r}"

    async def test_a_gateway_that_shows_a_page_is_unavailable(
        self, server: ModelServer, client: ModelClient
    ) -> None:
        """What stands before a server answers in its own way."""
        page = PlayedReply(pieces=[b"<html>Bad gateway</html>"], status=502, media="text/html")
        assert type(await self._fails(server, client, page)) is ModelUnavailable

    async def test_where_nobody_listens_any_more(
        self, server: ModelServer, client: ModelClient
    ) -> None:
        """A connection that is refused, also after one that was not."""
        await self._hear(server, client, self._whole())
        await server.stop()
        for _ in range(2):
            error = (await self._listen(client)).error
            assert type(error) is ModelUnavailable, repr(error)
            assert not error.may_cost, "nobody can charge for it"

    async def test_what_is_not_http(self, server: ModelServer, client: ModelClient) -> None:
        """Something else answers, or something that is broken."""
        for raw in _NO_HTTP:
            # A connection that ends at once may be a stale one: it is right to try again.
            server.play(*[PlayedReply(raw=raw)] * 4)
            error = (await self._listen(client)).error
            assert type(error) is ModelUnavailable, f"{raw[:40]!r}: {error!r}"
            server.forget()
        await self._goes_on(server, client)

    async def test_a_silent_server_is_given_up(self, server: ModelServer, tmp_path: Path) -> None:
        """It says nothing at all, or nothing any more."""
        settings = self.settings_at(server.url, silence=_SILENCE)
        async with self.loaded(tmp_path / "impatient", settings) as specimen:
            client = self._client(specimen)
            for pieces in ([], [self._begun]):
                silent = PlayedReply(pieces=pieces, media=self.media, hold=True)
                heard = await self._hear(server, client, silent)
                assert type(heard.error) is ModelUnavailable, repr(heard.error)
                assert heard.error.may_cost, "a server that falls silent may charge"

    async def test_a_spoilt_frame_ends_the_answer(
        self, server: ModelServer, client: ModelClient
    ) -> None:
        """It is one error, though the rest comes behind it."""
        whole = await self._hear(server, client, self._whole())
        rest = self.recorded.removeprefix(self._begun)
        for frame in self.spoilt:
            reply = PlayedReply(pieces=[self._begun, frame, rest], media=self.media)
            heard = await self._hear(server, client, reply)
            assert isinstance(heard.error, ModelUnavailable), f"{frame!r}: {heard.error!r}"
            assert heard.error.may_cost, f"{frame!r}: what was begun may cost"
            assert_begins(heard, whole, what=repr(frame))
        await self._goes_on(server, client)

    async def test_pieces_may_end_anywhere(self, server: ModelServer, client: ModelClient) -> None:
        """Also in the middle of a character."""
        whole = await self._hear(server, client, self._whole())
        for size in (1, 2, 3, 7, 100):
            starts = range(0, len(self.recorded), size)
            pieces = [self.recorded[start : start + size] for start in starts]
            heard = await self._hear(server, client, PlayedReply(pieces=pieces, media=self.media))
            assert_same(heard, whole, what=f"pieces of {size}")

    async def test_an_answer_cut_at_any_byte(
        self, server: ModelServer, client: ModelClient
    ) -> None:
        """Either it is whole, or one error; never a word twice, and never half a call.

        In turn, the connection breaks, is closed in order, or the body ends as if all were there.
        """
        whole = await self._hear(server, client, self._whole())
        at = self.recorded.index(self.decisive)
        enough = self.recorded.index(self.frame_end, at) + len(self.frame_end)
        for size in range(len(self.recorded)):
            cut, chunked = _ENDS[size % len(_ENDS)]
            body = self.recorded[:size]
            reply = PlayedReply(pieces=[body], media=self.media, chunked=chunked, cut=cut)
            heard = await self._hear(server, client, reply)
            what = f"cut at {size}, behind {body[-20:]!r}"
            if heard.error is None:
                assert size > at, f"{what}: taken for whole"
                assert_same(heard, whole, what=what, cut=True)
            else:
                assert type(heard.error) is ModelUnavailable, f"{what}: {heard.error!r}"
                assert size < enough, f"{what}: {heard.error!r}"
                assert heard.error.may_cost, f"{what}: what was begun may cost"
                assert_begins(heard, whole, what=what)

    async def test_closing_the_stream_leaves_the_server(
        self, server: ModelServer, client: ModelClient
    ) -> None:
        """Parts come while the rest is still to come; closed then, the connection ends at once."""
        server.play(PlayedReply(pieces=[self._begun], media=self.media, hold=True), path=self.path)
        stream: Any = client.stream(ask("Hello.", model=self.model))
        async with aclosing(stream):
            await self.soon(anext(stream), what="the first part of an answer")
            assert not server.left.is_set()
        await self._is_left(server)
        await self._goes_on(server, client)

    async def test_cancelling_leaves_the_server(
        self, server: ModelServer, client: ModelClient
    ) -> None:
        """A question that is cancelled ends the connection at once, answered or not."""
        for pieces in ([], [self._begun]):
            server.play(PlayedReply(pieces=pieces, media=self.media, hold=True), path=self.path)
            task = asyncio.create_task(self._listen(client))
            await self.soon(server.arrived.wait(), what="a request")
            await self.assert_stops(task, what="an answer")
            await self._is_left(server)
            await self._goes_on(server, client)
            server.arrived.clear()

    async def test_a_server_that_stays_after_the_end_is_not_waited_for(
        self, server: ModelServer, client: ModelClient
    ) -> None:
        """The answer is whole, though the connection is still open."""
        stays = PlayedReply(pieces=[self.recorded], media=self.media, hold=True)
        heard = await self.soon(
            self._hear(server, client, stays), what="an answer that is whole", seconds=3.0
        )
        assert heard.error is None

    @property
    def _begun(self) -> bytes:
        """The recorded answer before its decisive frame."""
        at = self.recorded.index(self.decisive)
        return self.recorded[: self.recorded.rindex(self.frame_end, 0, at) + len(self.frame_end)]

    def _whole(self) -> PlayedReply:
        return PlayedReply(pieces=[self.recorded], media=self.media)

    def _client(self, specimen: Specimen) -> ModelClient:
        (record,) = (one for one in specimen.of(ModelProvider) if self.provider in ("", one.id))
        client: ModelClient = specimen.live(record)
        return client

    async def _listen(self, client: ModelClient) -> Heard:
        heard = Heard()

        async def listen() -> None:
            stream: Any = client.stream(ask("Hello.", model=self.model))
            async with aclosing(stream):
                async for part in stream:
                    heard.parts.append(part)

        try:
            await self.soon(listen(), what="an answer")
        except ModelError as error:
            heard.error = error
            assert str(error).strip(), f"{error!r} says nothing"
            assert not heard.is_whole, f"an error after the end: {error!r}"
        return heard

    async def _hear(self, server: ModelServer, client: ModelClient, reply: PlayedReply) -> Heard:
        """Ask once and return what came of it."""
        before = len(server.asked_at(self.path))
        server.play(reply, path=self.path)
        heard = await self._listen(client)
        asked = len(server.asked_at(self.path)) - before
        assert asked == 1, f"the server was asked {asked} times; to ask again is the kernel's part"
        return heard

    async def _fails(
        self, server: ModelServer, client: ModelClient, reply: PlayedReply
    ) -> ModelError:
        heard = await self._hear(server, client, reply)
        assert heard.error is not None, f"{reply.status} was taken for an answer"
        assert not heard.parts
        return heard.error

    async def _is_left(self, server: ModelServer) -> None:
        await self.soon(server.left.wait(), what="leaving the server", seconds=self.stop_seconds)
        server.left.clear()

    async def _goes_on(self, server: ModelServer, client: ModelClient) -> None:
        heard = await self._hear(server, client, self._whole())
        assert heard.error is None, f"the next answer failed too: {heard.error}"
