"""The provider: the models of one server."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from argent_hookspecs import (
    ConfigError,
    ModelError,
    ModelInfo,
    ModelPart,
    ModelRejected,
    ModelRequest,
    ModelUnavailable,
    PluginContext,
    PullProgress,
)
from argent_ollama.answer import Answer
from argent_ollama.failures import strange
from argent_ollama.models import Traits, describe_size, read_show
from argent_ollama.pulling import Pull
from argent_ollama.request import chat_request, keep_alive
from argent_ollama.settings import settings_of

if TYPE_CHECKING:
    from argent_ollama.connection import Connection

PROVIDER = "ollama"
_FRESH_SECONDS = 600.0
_SHOW_SECONDS = 8.0
_TEXTS_AT_ONCE = 128
_AT_ONCE = 4
_QUIET_SECONDS = 10.0
_LAST_CHANCE = 0.25
_OR_STORE_IT = (
    " Or: argent secrets set ollama, then argent config set plugins.ollama.apiKey store:ollama."
)
_NOT_AS_AGREED = (
    TypeError, AttributeError, KeyError, ValueError, OverflowError, RecursionError,
)  # fmt: skip


@asynccontextmanager
async def open_client(ctx: PluginContext) -> AsyncIterator[OllamaClient]:
    """Open the provider; nothing is connected before it is needed."""
    client = OllamaClient(ctx)
    try:
        yield client
    finally:
        await client.close()


class OllamaClient:
    """One server: ``ModelClient``, ``ModelCatalogue``, ``ModelLibrary`` and ``Embedder``.

    Args:
        ctx: Settings, secrets, clock and progress of the plugin.
    """

    def __init__(self, ctx: PluginContext) -> None:
        self._ctx = ctx
        self._settings = settings_of(ctx)
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._traits: dict[str, tuple[float, Traits]] = {}

    async def close(self) -> None:
        """Close every connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelPart]:
        """Answer a request, part by part; see ``ModelClient.stream``."""
        if not request.messages:
            raise ModelRejected("Ollama: the request has no message")
        model, settings = request.model, self._settings
        traits = await self._look_at(model)
        body = chat_request(request, provider=PROVIDER, traits=traits, settings=settings)
        asked = sum(len(str(one["content"])) for one in body["messages"])
        answer = Answer(PROVIDER, asked if traits.is_free(settings) else None)
        connection, clock = await self._connect(), self._ctx.clock
        heard = clock.monotonic()
        async with aclosing(connection.documents("/api/chat", body, model=model)) as documents:
            async for document in documents:
                try:
                    parts = answer.take(document)
                except _NOT_AS_AGREED as error:
                    raise connection.strange("what cannot be read", document) from error
                for part in parts:
                    heard = clock.monotonic()
                    yield part
                if answer.is_done:
                    await _drain(documents)
                    break
                if clock.monotonic() - heard > _QUIET_SECONDS:
                    # It lives: it writes a long tool call.
                    heard = clock.monotonic()
                    self._ctx.progress("Ollama is at work")
        for part in answer.end():
            yield part

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known about a model; a guess, while the server cannot be asked.

        Raises:
            ModelRejected: The server does not have it.
        """
        try:
            traits = await self._look_at(model)
        except ModelUnavailable as error:
            return ModelInfo(
                id=model, context_window=self._settings.context, price=None, advice=str(error)
            )
        return traits.info(model, self._settings)

    async def models(self) -> Sequence[ModelInfo]:
        """Return the models that the server has, and may be used. Raises ``ModelError``."""
        connection = await self._connect()
        document = await connection.document("GET", "/api/tags", seconds=_SHOW_SECONDS)
        try:
            listed = {str(one.get("model") or one["name"]): one for one in document["models"]}
        except _NOT_AS_AGREED as error:
            raise strange("a list of models that cannot be read") from error
        gate = asyncio.Semaphore(_AT_ONCE)

        async def look(model: str, one: Mapping[str, Any]) -> ModelInfo | None:
            async with gate:
                try:
                    traits = await self._look_at(model)
                except ModelRejected:
                    return None
            return traits.info(model, self._settings, good_for=describe_size(one))

        found = await asyncio.gather(*(look(model, one) for model, one in listed.items()))
        return [info for info in found if info is not None]

    async def pull(self, model: str) -> AsyncGenerator[PullProgress]:
        """Have the server fetch a model, telling how far it is. Raises ``ModelError``."""
        connection = await self._connect()
        body, pull = {"model": model, "stream": True}, Pull(model)
        async with aclosing(connection.documents("/api/pull", body, model=model)) as documents:
            async for document in documents:
                yield pull.take(document)
        pull.end()
        self._traits.pop(model, None)

    async def embed(self, model: str, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return one vector for each text. Raises ``ModelError``."""
        connection, vectors = await self._connect(), list[Sequence[float]]()
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            some = list(texts[start : start + _TEXTS_AT_ONCE])
            body = {"model": model, "input": some, **keep_alive(self._settings)}
            document = await connection.document(
                "POST", "/api/embed", body=body, seconds=self._settings.silence, model=model
            )
            vectors += _vectors(document, len(some))
        if len({len(vector) for vector in vectors}) > 1:
            raise strange("vectors of different lengths")
        return vectors

    async def version(self) -> str:
        """Return the server's version. Raises ``ModelError``."""
        connection = await self._connect()
        document = await connection.document("GET", "/api/version", seconds=_SHOW_SECONDS)
        return str(document.get("version") or "of unknown version")

    async def _look_at(self, model: str) -> Traits:
        """Ask what a model is like, once in ten minutes.

        Raises:
            ModelRejected: The server does not have it, or it runs elsewhere and may not.
        """
        now = self._ctx.clock.monotonic()
        asked_at, known = self._traits.get(model, (0.0, None))
        if known is None or now - asked_at > _FRESH_SECONDS:
            connection = await self._connect()
            body = {"model": model}
            document = await connection.document(
                "POST", "/api/show", body=body, seconds=_SHOW_SECONDS, model=model
            )
            known = read_show(document, self._settings)
            self._traits[model] = now, known
        if known.remote and not self._settings.cloud:
            raise ModelRejected(
                f"{model} runs at {known.remote}, not in this Ollama; if it may be told what you "
                "say: argent config set plugins.ollama.cloud true"
            )
        return known

    async def _connect(self) -> Connection:
        async with self._connecting:
            if self._connection is not None:
                return self._connection
            module = await asyncio.to_thread(importlib.import_module, "argent_ollama.connection")
            key = await self._key()
            now = self._ctx.clock.now
            made: Connection = await asyncio.to_thread(module.Connection, self._settings, key, now)
            self._connection = made
            return made

    async def _key(self) -> str:
        if self._settings.key is None:
            return ""
        try:
            key = (await self._ctx.secrets.reveal(self._settings.key)).strip()
        except ConfigError as error:
            # The settings' own reference is what is to be mended; the usual one may be replaced.
            other = "" if self._settings.api_key else _OR_STORE_IT
            words = f"Ollama at {self._settings.host} wants a key: {error}{other}"
            raise ModelRejected(words) from error
        if not (key.isascii() and key.isprintable()):
            raise ModelRejected(
                "the key of Ollama holds characters that no key has; give it again: argent secrets "
                "set ollama"
            )
        return key


def _vectors(document: Mapping[str, Any], expected: int) -> list[Sequence[float]]:
    try:
        vectors: list[Sequence[float]] = [[float(x) for x in one] for one in document["embeddings"]]
    except _NOT_AS_AGREED as error:
        raise strange("vectors that cannot be read") from error
    if len(vectors) != expected:
        raise strange(f"{len(vectors)} vectors for {expected} texts")
    return vectors


async def _drain(documents: AsyncIterator[object]) -> None:
    """Read what follows the last document, which is nothing, so that the connection serves again.

    The answer is whole, whatever becomes of the connection now.
    """
    with suppress(TimeoutError, ModelError):
        async with asyncio.timeout(_LAST_CHANCE):
            async for _ in documents:
                pass
