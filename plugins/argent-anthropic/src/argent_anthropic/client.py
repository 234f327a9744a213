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
from argent_anthropic.failures import WrongForm
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
_SIGN_OF_LIFE = 5.0
_REMEMBERED = 3600.0
# What servers say of fields that they do not take, and of thoughts that they do not take back.
_MANNER = re.compile(
    r"thinking\.(type|enabled|adaptive|budget)|\"thinking\":|thinking: (extra|input)"
    r"|\bbudget_tokens\b|adaptive thinking|\boutput_config\b|\beffort parameter\b",
    re.IGNORECASE,
)
_REPLAY = re.compile(
    r"signature`? in `?thinking|thinking\.signature|thinking`? (or `redacted_thinking` )?block",
    re.IGNORECASE,
)


@asynccontextmanager
async def open_client(ctx: PluginContext) -> AsyncIterator[AnthropicClient]:
    """Open the provider; nothing is asked of the server yet."""
    connection = Connection(ctx)
    table = await asyncio.to_thread(read_table)
    catalogue = Catalogue(connection, clock=ctx.clock, table=table)
    try:
        yield AnthropicClient(ctx, connection, catalogue)
    finally:
        await catalogue.close()
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
        self._plain_until: dict[str, float] = {}

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known about a model; see ``ModelClient.describe``."""
        return self._catalogue.info(await self._catalogue.facts(model))

    async def models(self) -> Sequence[ModelInfo]:
        """Return the models of the server; see ``ModelCatalogue.models``."""
        return await self._catalogue.models()

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """Answer a request, part by part; see ``ModelClient.stream``."""
        facts = await self._catalogue.facts(request.model)
        self._demand_candour(facts)
        body = self._body(request, facts)
        while True:
            try:
                async with aclosing(self._answer(request.model, body)) as parts:
                    async for part in parts:
                        yield part
                return
            except WrongForm as error:
                body = self._otherwise(request, facts, tried=body, error=error)

    def _demand_candour(self, facts: ModelFacts) -> None:
        """Refuse what would leave this machine though nobody said so. Raises ``ModelRejected``."""
        settings = self._connection.settings
        if facts.is_claude and settings.is_local and settings.local is None:
            raise ModelRejected(
                f"{facts.id} does not run on this machine, so {settings.server} leads elsewhere. "
                "Say so with `argent config set plugins.anthropic.local false`"
            )

    def _otherwise(
        self, request: ModelRequest, facts: ModelFacts, *, tried: RequestBody, error: WrongForm
    ) -> RequestBody:
        """Leave out of a request what the server did not take, or raise what it said.

        Each time there is less in it, so this has an end.
        """
        manner, thoughts = tried.has_manner, tried.conversation.has_thinking
        if manner and _MANNER.search(str(error)):
            self._plain_until[request.model] = self._ctx.clock.monotonic() + _REMEMBERED
        elif thoughts and _REPLAY.search(str(error)):
            thoughts = False
        else:
            raise error
        self._ctx.log.warning("asked again, more plainly", extra={"reason": str(error)})
        return self._body(request, facts, replay=thoughts)

    def _body(
        self, request: ModelRequest, facts: ModelFacts, *, replay: bool = True
    ) -> RequestBody:
        if self._ctx.clock.monotonic() < self._plain_until.get(request.model, 0.0):
            facts = evolve(facts, thinking=frozenset(), efforts=frozenset())
        return request_body(
            request,
            facts=facts,
            settings=self._connection.settings,
            provider=PROVIDER if replay else "",
        )

    async def _answer(self, model: str, body: RequestBody) -> AsyncGenerator[ModelPart, None]:
        """Ask once and yield what comes; an answer that is whole needs no good-bye."""
        server = self._connection.settings.server
        answer = Answer(server, PROVIDER, body.conversation.fingerprint)
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
                        break
        except ModelUnavailable:
            if not answer.is_whole:
                raise
        for part in answer.end():
            yield part
