"""Model providers that are wrong when their server fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, nullcontext
from typing import Any, ClassVar
from urllib.parse import urlsplit

from attrs import define, field

from argent_hookspecs import (
    Finish,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRejected,
    ModelRequest,
    ModelUnavailable,
    TextDelta,
    Usage,
)
from argent_testing import MadePlugin, ModelOutageContract
from tests.mutants.declaring import bringing, caught_by

_BROKEN = (OSError, EOFError, ValueError, asyncio.LimitOverrunError)
_END = Finish(usage=Usage(input_tokens=1, output_tokens=1))


@define
class Oracle:
    """A provider that is sound but for one fault; its API has a JSON document in each line."""

    fault: str = ""
    url: str = ""
    silence: float | None = None
    kept: list[Any] = field(factory=list)

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=100)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        tries = 2 if self.fault == "asks again" else 1
        for left in reversed(range(tries)):
            try:
                async with aclosing(self._once()) as parts:  # type: ignore[type-var]
                    if self.fault == "gathers":
                        for part in [part async for part in parts]:
                            yield part
                        return
                    async for part in parts:
                        yield part
                return
            except ModelUnavailable:
                if not left:
                    raise

    async def _once(self) -> AsyncIterator[ModelPart]:
        silence = None if self.fault == "is patient" else self.silence or 60.0
        mapped = () if self.fault == "is raw" else _BROKEN
        writer = None
        try:
            where = urlsplit(self.url)
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(b"POST /say HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
            async with asyncio.timeout(silence) as patience:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                self._refuse(head)
                async for line in _lines(reader, head):
                    if silence is not None:
                        patience.reschedule(asyncio.get_running_loop().time() + silence)
                    document = json.loads(line)
                    if "say" in document:
                        yield TextDelta(document["say"])
                    elif self.fault != "waits":
                        yield _END
                        return
                if self.fault in ("is trusting", "waits"):
                    yield _END
                    return
            raise ModelUnavailable("the answer was cut off", may_cost=self.fault != "is naive")
        except mapped as error:
            lost = not isinstance(error, ConnectionRefusedError)
            raise ModelUnavailable(f"the oracle fell silent: {error!r}", may_cost=lost) from error
        finally:
            if self.fault == "stays":
                self.kept.append(writer)
            elif writer is not None:
                writer.close()

    def _refuse(self, head: str) -> None:
        status = int(head.split(" ")[1].split("\r\n")[0])
        if status == 200 or (status > 499 and self.fault == "hides"):
            return
        wait = [line[13:] for line in head.split("\r\n") if line.startswith("retry-after: ")]
        lost = not wait or self.fault == "forgets"
        passing = status in (408, 409) or status > 428
        if passing and not (status == 429 and self.fault == "gives up"):
            raise ModelUnavailable("later", retry_after=None if lost else float(wait[0]))
        raise ModelRejected("never")


async def _lines(reader: asyncio.StreamReader, head: str) -> AsyncIterator[bytes]:
    """Yield the lines of a body."""
    if "content-encoding" in head or "content-length" in head:
        raise ValueError("not of this API")
    rest = b""
    while piece := await (_chunk(reader) if "chunked" in head else reader.read(1000)):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line


async def _chunk(reader: asyncio.StreamReader) -> bytes:
    size = int(await reader.readline(), 16)
    return (await reader.readexactly(size + 2))[:-2]


class OracleContract(ModelOutageContract):
    """The contract, for an oracle."""

    oracle: ClassVar[Oracle]
    model = "oracle-1"
    recorded = '{"say": "Yes, "}\n{"say": "dürfte 🙂 sein."}\n{"end": true}\n'.encode()
    decisive = b'"end"'
    frame_end = b"\n"
    spoilt = (b"oh dear\n", b"\xff\n")

    def settings_at(self, url: str, *, silence: float | None = None) -> Mapping[str, Any]:
        self.oracle.url, self.oracle.silence = url, silence
        return {}


def an_oracle(oracle: Oracle) -> MadePlugin:
    return bringing(ModelProvider(id="p", open=lambda: nullcontext(oracle)))


class TestRightOracle(OracleContract):
    oracle = Oracle()
    plugin = an_oracle(oracle)


@caught_by("test_an_answer_cut_at_any_byte", "taken for whole")
class TestTrusting(OracleContract):
    oracle = Oracle("is trusting")
    plugin = an_oracle(oracle)


@caught_by("test_an_answer_cut_at_any_byte", "may cost")
class TestCountsNoCost(OracleContract):
    oracle = Oracle("is naive")
    plugin = an_oracle(oracle)


@caught_by("test_an_answer_cut_at_any_byte", "the server was asked 2 times")
class TestDoublesWordsOnRetry(OracleContract):
    oracle = Oracle("asks again")
    plugin = an_oracle(oracle)


@caught_by("test_what_may_pass_is_unavailable", "retry-after is lost")
class TestForgetsToWait(OracleContract):
    oracle = Oracle("forgets")
    plugin = an_oracle(oracle)


@caught_by("test_what_may_pass_is_unavailable", "429: ModelRejected")
class TestGivesUp(OracleContract):
    oracle = Oracle("gives up")
    plugin = an_oracle(oracle)


@caught_by("test_what_may_pass_is_unavailable", "500")
class TestHidesAnOutage(OracleContract):
    oracle = Oracle("hides")
    plugin = an_oracle(oracle)


@caught_by("test_closing_the_stream_leaves_the_server", "the first part of an answer took longer")
class TestGathers(OracleContract):
    oracle = Oracle("gathers")
    plugin = an_oracle(oracle)


@caught_by("test_closing_the_stream_leaves_the_server", "leaving the server took longer")
class TestStays(OracleContract):
    oracle = Oracle("stays")
    plugin = an_oracle(oracle)


@caught_by("test_cancelling_leaves_the_server", "leaving the server took longer")
class TestStaysWhenCancelled(OracleContract):
    oracle = Oracle("stays")
    plugin = an_oracle(oracle)


@caught_by("test_a_server_that_stays_after_the_end_is_not_waited_for", "took longer")
class TestWaitsForTheServer(OracleContract):
    oracle = Oracle("waits")
    plugin = an_oracle(oracle)


@caught_by("test_what_is_not_http", "Error")
class TestRawOfHttp(OracleContract):
    oracle = Oracle("is raw")
    plugin = an_oracle(oracle)


@caught_by("test_where_nobody_listens_any_more", "Error")
class TestRawWithoutServer(OracleContract):
    oracle = Oracle("is raw")
    plugin = an_oracle(oracle)


@caught_by("test_a_spoilt_frame_ends_the_answer", "Error")
class TestRawOfFrames(OracleContract):
    oracle = Oracle("is raw")
    plugin = an_oracle(oracle)


@caught_by("test_a_silent_server_is_given_up", "took longer")
class TestIsPatient(OracleContract):
    oracle = Oracle("is patient")
    plugin = an_oracle(oracle)
    patience = 2.0
