"""The model provider: a place where models run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from argent_hookspecs import (
    FREE,
    Finish,
    ModelInfo,
    ModelPart,
    ModelRejected,
    ModelRequest,
    PluginContext,
    TextDelta,
    Usage,
)
from attrs import frozen


@frozen
class ParrotClient:
    """The provider while it is open.

    ``ctx.settings`` says where it is, and ``await ctx.secrets.reveal(…)`` what the key is. Import
    a heavy library where it is needed, not at the top.
    """

    ctx: PluginContext

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """Answer: ``TextDelta`` by ``TextDelta`` as it comes, and one ``Finish`` with the usage.

        Raise ``ModelUnavailable`` when another try may work, ``ContextTooLong`` when the request
        does not fit, and ``ModelRejected`` when it never will: a wrong key, an unknown model.
        """
        if request.model != "grey":
            raise ModelRejected(f"there is no parrot {request.model}")
        told = [block.text for block in request.system]
        words = " ".join([*told, *(message.text for message in request.messages)]).split()
        said = words[: request.max_output_tokens]
        for word in said:
            await asyncio.sleep(0)
            yield TextDelta(f"{word} ")
        yield Finish(usage=Usage(input_tokens=len(words), output_tokens=len(said)))

    async def describe(self, model: str) -> ModelInfo:
        """Say how much a model can be told, and what it costs; ``FREE`` if nothing."""
        return ModelInfo(id=model, context_window=8192, price=FREE)
