"""The provider: one client for one address."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson
from attrs import frozen

from argent_hookspecs import (
    ModelInfo,
    ModelPart,
    ModelRejected,
    ModelRequest,
    ModelUnavailable,
    PluginContext,
)
from argent_openai.answer import Answer, AnswerReader
from argent_openai.catalogue import Catalogue
from argent_openai.chat_answer import ChatReader
from argent_openai.chat_request import chat_request
from argent_openai.complaints import Complaint, hide
from argent_openai.habits import Habits
from argent_openai.responses_answer import ResponsesReader
from argent_openai.responses_request import responses_request
from argent_openai.settings import Endpoint
from argent_openai.wording import to_json

if TYPE_CHECKING:
    from argent_openai.connection import Connection

_TEXTS_AT_ONCE = 256
_LIST_SECONDS = 8.0
_LIST_HERE_SECONDS = 3.0
_EMBED_SECONDS = 300.0
_QUIET_SECONDS = 10.0
_DONE = b"[DONE]"
_NOT_AS_AGREED = (
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    ValueError,
    OverflowError,
    RecursionError,
)
_SHOWN, _SHOWN_FROM = 80, 4096


@frozen
class _Api:
    """One of the two APIs in which an answer can be asked for."""

    path: str
    write: Callable[..., bytes]
    reader: Callable[[Answer], AnswerReader]


_CHAT = _Api("chat/completions", chat_request, ChatReader)
_RESPONSES = _Api("responses", responses_request, ResponsesReader)


@asynccontextmanager
async def open_client(ctx: PluginContext, endpoint: Endpoint) -> AsyncIterator[OpenAIClient]:
    """Open the provider; nothing is connected before it is needed."""
    client = OpenAIClient(ctx, endpoint)
    try:
        yield client
    finally:
        await client.close()


class OpenAIClient:
    """Models behind one address: ``ModelClient``, ``ModelCatalogue`` and ``Embedder``.

    Args:
        ctx: Secrets, log and progress of the plugin.
        endpoint: The address.
    """

    def __init__(self, ctx: PluginContext, endpoint: Endpoint) -> None:
        self._ctx = ctx
        self._endpoint = endpoint
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._habits: dict[str, Habits] = {}
        self._catalogue = Catalogue(endpoint, self._get, ctx.clock)

    async def close(self) -> None:
        """Close every connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelPart, None]:
        """Answer a request, part by part; see ``ModelClient.stream``."""
        if not request.messages:
            raise ModelRejected(f"{self._endpoint.id}: the request has no message")
        if (refused := await self._catalogue.refuses(request.model)) is not None:
            raise refused
        habits = self._habits_of(request.model)
        begun = False
        while True:
            learned = habits.learned
            try:
                async with aclosing(self._attempt(request, habits)) as parts:
                    async for part in parts:
                        begun = True
                        yield part
                return
            except Complaint as complaint:
                # Another answer may have learned it meanwhile.
                if begun or not (
                    habits.learned != learned or self._learn(habits, complaint, request)
                ):
                    raise complaint.error(self._endpoint, request.model) from complaint
                self._ctx.log.info(
                    "the server wants to be asked otherwise",
                    extra={"provider": self._endpoint.id, "reason": complaint.message},
                )

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known about a model; a careful guess, if the server cannot be asked now."""
        return await self._catalogue.describe(model)

    async def models(self) -> Sequence[ModelInfo]:
        """Return the models that the server lists. Raises ``ModelError``."""
        return await self._catalogue.models()

    async def embed(self, model: str, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return one vector for each text. Raises ``ModelError``."""
        vectors: list[Sequence[float]] = []
        if texts and (refused := await self._catalogue.refuses(model)) is not None:
            raise refused
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            some = texts[start : start + _TEXTS_AT_ONCE]
            body = to_json({"model": model, "input": list(some), "encoding_format": "float"})
            document = await self._ask("POST", "embeddings", body, seconds=_EMBED_SECONDS)
            vectors += self._vectors(document, len(some))
        if len({len(vector) for vector in vectors}) > 1:
            raise self._strange("vectors of different lengths")
        return vectors

    async def _attempt(
        self, request: ModelRequest, habits: Habits
    ) -> AsyncGenerator[ModelPart, None]:
        """Make one request. Raises ``Complaint`` where the server refuses it."""
        api = _RESPONSES if habits.responses else _CHAT
        body = api.write(request, endpoint=self._endpoint, habits=habits)
        answer = Answer(self._endpoint.id)
        reader = api.reader(answer)
        connection, clock = await self._connect(), self._ctx.clock
        heard = clock.monotonic()
        sent = connection.events(api.path, body, until=lambda: answer.over)
        async with aclosing(sent) as events:
            try:
                async for some in events:
                    quiet = True
                    for data in some:
                        if answer.over:
                            break
                        for part in self._read(reader, data, connection.hidden):
                            quiet = False
                            yield part
                    if not quiet:
                        heard = clock.monotonic()
                    elif clock.monotonic() - heard > _QUIET_SECONDS:
                        # It lives: it writes a long tool call, or the server tells us to wait.
                        heard = clock.monotonic()
                        self._ctx.progress(f"{self._endpoint.id} is at work")
            except ModelUnavailable:
                # What was cut off after its last word is whole.
                if answer.reason is None:
                    raise
        try:
            last = reader.end()
        except _NOT_AS_AGREED as error:
            raise self._strange("an answer that cannot be read") from error
        for part in last:
            yield part

    def _habits_of(self, model: str) -> Habits:
        """Return what was learned of a model, if it was learned lately."""
        known, now = self._habits.get(model), self._ctx.clock.monotonic()
        if known is None or known.outdated(now):
            known = self._habits[model] = Habits.of(self._endpoint)
        return known

    def _learn(self, habits: Habits, complaint: Complaint, request: ModelRequest) -> bool:
        return habits.learn(complaint, request, now=self._ctx.clock.monotonic())

    def _read(
        self, reader: AnswerReader, data: bytes, hidden: Sequence[str]
    ) -> Sequence[ModelPart]:
        if (bare := data.strip()) in (b"", _DONE):
            if bare:
                reader.answer.done()
            return ()
        try:
            try:
                document = orjson.loads(data)
            except orjson.JSONDecodeError:
                # Some servers cut characters in two, which orjson does not take.
                document = json.loads(data)
                reader.answer.halved = True
            return reader.take(document)
        except Complaint as complaint:
            complaint.may_cost = True
            raise complaint.without(hidden) from None
        except _NOT_AS_AGREED as error:
            said = hide(data[:_SHOWN_FROM].decode(errors="replace"), hidden)[:_SHOWN]
            raise self._strange(f"an event that cannot be read: {said!r}") from error

    def _vectors(self, document: Any, expected: int) -> list[Sequence[float]]:
        try:
            rows = sorted(document["data"], key=lambda row: row["index"])
            vectors: list[Sequence[float]] = [[float(x) for x in row["embedding"]] for row in rows]
        except _NOT_AS_AGREED as error:
            raise self._strange("vectors that cannot be read") from error
        if len(vectors) != expected:
            raise self._strange(f"{len(vectors)} vectors for {expected} texts")
        return vectors

    def _strange(self, what: str) -> ModelUnavailable:
        return ModelUnavailable(f"{self._endpoint.id} sent {what}", may_cost=True)

    async def _get(self, path: str) -> Any:
        seconds = _LIST_HERE_SECONDS if self._endpoint.here else _LIST_SECONDS
        return await self._ask("GET", path, seconds=seconds)

    async def _ask(
        self, method: str, path: str, body: bytes | None = None, *, seconds: float
    ) -> Any:
        connection = await self._connect()
        try:
            return await connection.document(method, path, body=body, seconds=seconds)
        except Complaint as complaint:
            raise complaint.error(self._endpoint) from complaint

    async def _connect(self) -> Connection:
        if self._connection is None:
            async with self._connecting:
                if self._connection is None:
                    # The HTTP library takes a tenth of a second to load.
                    module = await asyncio.to_thread(
                        importlib.import_module, "argent_openai.connection"
                    )
                    proxy = await asyncio.to_thread(module.find_proxy, self._endpoint)
                    self._connection = module.Connection(
                        self._endpoint, self._ctx.secrets, proxy=proxy
                    )
        return self._connection
