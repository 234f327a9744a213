"""The provider: one client for all models of a server that speaks the Messages API."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from attrs import evolve

from argent_anthropic.answer import Answer
from argent_anthropic.catalogue import Catalogue, ModelFacts, read_table
from argent_anthropic.connection import Connection
from argent_anthropic.request_body import RequestBody, request_body
from argent_hookspecs import (
    ModelInfo,
    ModelPart,
    ModelRejected,
    ModelRequest,
    ModelUnavailable,
    PluginContext,
)

PROVIDER = "anthropic"
_MOST_PIECES = 20
_SIGN_OF_LIFE = 5.0
# What servers say of fields that they do not take, and of thoughts that they do not take back.
_MANNER = re.compile(
    r"thinking\.(type|budget)|\"thinking\":|thinking: (extra|input)|budget_tokens|adaptive thinking"
    r"|output_config|effort",
    re.IGNORECASE,
)
_REPLAY = re.compile(r"signature|thinking`? (or `redacted_thinking` )?block", re.IGNORECASE)


@asynccontextmanager
async def open_client(ctx: PluginContext) -> AsyncIterator[AnthropicClient]:
    """Open the provider; nothing is asked of the server yet."""
    connection = Connection(ctx)
    table = await asyncio.to_thread(read_table)
    try:
        yield AnthropicClient(ctx, connection, Catalogue(connection, clock=ctx.clock, table=table))
    finally:
        await connection.close()


class AnthropicClient:
    """The models of one server.

    Args:
        ctx: Settings, clock, log and progress of the plugin.
        connection: To the server.
        catalogue: What is known about its models.
    """

    def __init__(self, ctx: PluginContext, connection: Connection, catalogue: Catalogue) -> None:
        self._ctx = ctx
        self._connection = connection
        self._catalogue = catalogue
        self._plain: set[str] = set()

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known about a model; see ``ModelClient.describe``."""
        return self._catalogue.info(await self._catalogue.facts(model))

    async def models(self) -> Sequence[ModelInfo]:
        """Return the models of the server; see ``ModelCatalogue.models``."""
        return await self._catalogue.models()

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """Answer a request, part by part; see ``ModelClient.stream``."""
        facts = await self._catalogue.facts(request.model)
        body = self._body(request, facts)
        server = self._connection.settings.server
        answer = Answer(server, PROVIDER, lambda: body.conversation.fingerprint())
        for _ in range(_MOST_PIECES):
            try:
                async with aclosing(self._piece(request.model, body, answer)) as parts:
                    async for part in parts:
                        yield part
            except ModelRejected as error:
                body = self._otherwise(request, facts, tried=body, error=error)
                continue
            if not answer.is_paused:
                break
            body.conversation.add("assistant", answer.go_on())
        for part in answer.end():
            yield part

    def _otherwise(
        self, request: ModelRequest, facts: ModelFacts, *, tried: RequestBody, error: ModelRejected
    ) -> RequestBody:
        """Put a request in a way that the server may take, or raise what it said."""
        if tried.has_manner and _MANNER.search(str(error)):
            self._plain.add(request.model)
            plainer = self._body(request, facts)
        elif tried.conversation.has_thinking and _REPLAY.search(str(error)):
            plainer = self._body(request, facts, replay=False)
        else:
            raise error
        self._ctx.log.warning("asked again, more plainly", extra={"reason": str(error)})
        return plainer

    def _body(
        self, request: ModelRequest, facts: ModelFacts, *, replay: bool = True
    ) -> RequestBody:
        if request.model in self._plain:
            facts = evolve(facts, thinking=frozenset(), efforts=frozenset())
        return request_body(
            request,
            facts=facts,
            settings=self._connection.settings,
            provider=PROVIDER if replay else "",
        )

    async def _piece(
        self, model: str, body: RequestBody, answer: Answer
    ) -> AsyncGenerator[ModelPart, None]:
        """Ask once and yield what comes; an answer that is whole needs no good-bye."""
        told = self._ctx.clock.monotonic()
        try:
            async with aclosing(self._connection.events(body.encoded())) as events:
                async for event in events:
                    parts = answer.take(event)
                    for part in parts:
                        yield part
                    now = self._ctx.clock.monotonic()
                    if parts:
                        told = now
                    elif now - told >= _SIGN_OF_LIFE:
                        told = now
                        self._ctx.progress(f"{model} is thinking")
                    if event.get("type") == "message_stop":
                        return
        except ModelUnavailable:
            if not answer.is_whole:
                raise
