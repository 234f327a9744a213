"""The provider: whatever LiteLLM reaches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from argent_hookspecs import (
    ConfigError,
    ModelInfo,
    ModelPart,
    ModelRejected,
    ModelRequest,
    ModelUnavailable,
    PluginContext,
)
from argent_litellm.answer import Answer
from argent_litellm.library import Library, load
from argent_litellm.request import completion
from argent_litellm.settings import LiteLLMSettings

PROVIDER = "litellm"
_DESCRIBE_SECONDS = 6.0
_WINDOW = 8192
_NOT_AS_AGREED = (
    TypeError, AttributeError, KeyError, ValueError, IndexError, OverflowError, RecursionError,
)  # fmt: skip


@asynccontextmanager
async def open_client(ctx: PluginContext) -> AsyncIterator[LiteLLMClient]:
    """Open the provider; LiteLLM is imported when it is first needed."""
    client = LiteLLMClient(ctx)
    try:
        yield client
    finally:
        await client.close()


class LiteLLMClient:
    """Models of many providers: ``ModelClient``.

    Args:
        ctx: Settings and secrets of the plugin.
    """

    def __init__(self, ctx: PluginContext) -> None:
        self._ctx = ctx
        self._settings: LiteLLMSettings = ctx.settings
        self._loading: asyncio.Future[Library] | None = None

    async def close(self) -> None:
        """End what LiteLLM keeps running, if it was imported."""
        loading = self._loading
        if loading is not None and loading.done() and loading.exception() is None:
            await loading.result().close()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelPart]:
        """Answer a request, part by part; see ``ModelClient.stream``."""
        if not request.messages:
            raise ModelRejected("LiteLLM: the request has no message")
        library = await self._library()
        vendor = library.vendor(request.model)
        key = await self._key(vendor)
        told = {
            **self._settings.options,
            **_written(request),
            "timeout": self._settings.silence,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
            # Tools would need a further package otherwise, which has nothing to do with them.
            "_skip_mcp_handler": True,
            **({"api_key": key} if key else {}),
        }
        if address := self._settings.addresses.get(vendor):
            told["api_base"] = address
        answer, now = Answer(PROVIDER, request.model), self._ctx.clock.now
        async with aclosing(library.stream(told, hidden=key, now=now)) as chunks:
            async for chunk in chunks:
                try:
                    parts = answer.take(chunk)
                except _NOT_AS_AGREED as error:
                    raise ModelUnavailable(
                        f"LiteLLM gave what cannot be read: {type(error).__name__}", may_cost=True
                    ) from error
                for part in parts:
                    yield part
        for part in answer.end():
            yield part

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known about a model; a careful guess, while LiteLLM is not there."""
        window = self._settings.context_window
        try:
            async with asyncio.timeout(_DESCRIBE_SECONDS):
                library = await self._library()
        except (TimeoutError, ModelRejected):
            return ModelInfo(id=model, context_window=window or _WINDOW)
        return library.describe(model, window=window)

    async def _library(self) -> Library:
        """Import LiteLLM, once; whoever gives up waiting does not end it for the others."""
        if self._loading is None or (self._loading.done() and self._loading.exception()):
            self._loading = asyncio.ensure_future(asyncio.to_thread(load))
        return await asyncio.shield(self._loading)

    async def _key(self, vendor: str) -> str:
        secret = self._settings.keys.get(vendor)
        if secret is None:
            return ""
        try:
            return (await self._ctx.secrets.reveal(secret)).strip()
        except ConfigError as error:
            raise ModelRejected(f"the key of {vendor} cannot be had: {error}") from error


def _written(request: ModelRequest) -> dict[str, Any]:
    try:
        return completion(request, provider=PROVIDER)
    except RecursionError as error:
        raise ModelRejected("LiteLLM: the request is nested too deeply to be sent") from error
