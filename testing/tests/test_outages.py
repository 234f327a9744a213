"""The contract of outages passes a sound provider, and notices each fault."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, nullcontext
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
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
        if status == 200:
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


class TestSound(ModelOutageContract):
    oracle: ClassVar[Oracle] = Oracle()
    plugin = MadePlugin("oracle", ModelProvider(id="p", open=lambda: nullcontext(TestSound.oracle)))
    model = "oracle-1"
    recorded = '{"say": "Yes, "}\n{"say": "dürfte 🙂 sein."}\n{"end": true}\n'.encode()
    decisive = b'"end"'
    frame_end = b"\n"
    spoilt = (b"oh dear\n", b"\xff\n")

    def settings_at(self, url: str, *, silence: float | None = None) -> Mapping[str, Any]:
        self.oracle.url, self.oracle.silence = url, silence
        return {}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "test", "words"),
    [
        ("is trusting", "test_an_answer_cut_at_any_byte", "taken for whole"),
        ("is naive", "test_an_answer_cut_at_any_byte", "may cost"),
        ("asks again", "test_an_answer_cut_at_any_byte", "asked 2 times"),
        ("forgets", "test_what_may_pass_is_unavailable", "retry-after is lost"),
        ("gives up", "test_what_may_pass_is_unavailable", "429"),
        ("gathers", "test_closing_the_stream_leaves_the_server", "first part .* took longer"),
        ("stays", "test_closing_the_stream_leaves_the_server", "leaving .* took longer"),
        ("waits", "test_a_server_that_stays_after_the_end_is_not_waited_for", "took longer"),
        ("is raw", "test_what_is_not_http", "."),
        ("is raw", "test_where_nobody_listens_any_more", "."),
        ("is raw", "test_a_spoilt_frame_ends_the_answer", "."),
    ],
)
async def test_a_fault_is_noticed(fault: str, test: str, words: str, tmp_path: Path) -> None:
    class Wrong(TestSound):
        oracle = Oracle(fault)
        plugin = MadePlugin("w", ModelProvider(id="p", open=lambda: nullcontext(Wrong.oracle)))
        patience = stop_seconds = 0.5

    contract = Wrong()
    with pytest.raises((AssertionError, *_BROKEN), match=words):
        async with contract.make_server() as server:
            settings = contract.settings_at(server.url)
            async with contract.loaded(tmp_path, settings) as specimen:
                (record,) = specimen.of(ModelProvider)
                await getattr(contract, test)(server, specimen.live(record))
    for writer in Wrong.oracle.kept:
        writer.close()


@pytest.mark.anyio
async def test_patience_without_an_end_is_noticed(tmp_path: Path) -> None:
    class Patient(TestSound):
        oracle = Oracle("is patient")
        plugin = MadePlugin("w", ModelProvider(id="p", open=lambda: nullcontext(Patient.oracle)))
        patience = 1.5

    contract = Patient()
    async with contract.make_server() as server:
        with pytest.raises(AssertionError, match="took longer"):
            await contract.test_a_silent_server_is_given_up(server, tmp_path)
