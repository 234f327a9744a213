"""A right model provider in memory, of which mutants are made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from typing import Any

from argent_hookspecs import (
    FREE,
    Finish,
    FinishReason,
    Message,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRejected,
    ModelRequest,
    ModelTier,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    Usage,
)
from argent_testing import MadePlugin, ModelProviderContract
from tests.mutants.declaring import bringing


class Mind:
    """A model that counts, as far as it may, unless it is told what to say."""

    def __init__(self) -> None:
        self.script: list[tuple[ModelPart, ...]] = []
        self.heard = ""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """Answer."""
        if request.model != "m":
            raise ModelRejected(f"there is no model {request.model!r}")
        self.heard = "\n".join(self.told(request))
        async for part in self.say(request):
            yield part

    async def say(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """Say what comes into its mind, and how much that was."""
        written = 0
        called = False
        for part in self.parts(request):
            await asyncio.sleep(0)
            written += 1
            called = called or isinstance(part, ToolCall)
            yield part
        yield self.finish(written, called)

    def parts(self, request: ModelRequest) -> Iterator[ModelPart]:
        """Yield what the script says, or numbers."""
        if self.script:
            for number, part in enumerate(self.script.pop(0)):
                called = isinstance(part, ToolCall)
                yield ToolCall(f"m{number}", part.name, part.arguments) if called else part  # type: ignore[union-attr]
            return
        for number in range(min(20, request.max_output_tokens)):
            yield TextDelta(f"{number} ")

    def finish(self, written: int, called: bool) -> Finish:
        """Return the end."""
        reason = FinishReason.TOOL_CALLS if called else FinishReason.STOP
        return Finish(reason=reason, usage=self.usage(written))

    def usage(self, written: int) -> Usage:
        """Count."""
        return Usage(input_tokens=1 + len(self.heard) // 4, output_tokens=written)

    def told(self, request: ModelRequest) -> Iterator[str]:
        """Yield what it reads of a request."""
        yield from (block.text for block in request.system)
        yield from (f"{spec.name} {spec.description} {spec.parameters}" for spec in request.tools)
        for message in request.messages:
            yield from self.read(message)

    def read(self, message: Message) -> Iterator[str]:
        """Yield what it reads of a message."""
        for part in message.parts:
            if isinstance(part, (Text, ToolResult)):
                yield part.text
            elif isinstance(part, ToolCall):
                yield f"{part.name}({dict(part.arguments)})"

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known."""
        return ModelInfo(id=model, context_window=8192, price=FREE)


class MindContract(ModelProviderContract):
    """The contract, with a word in what the model says."""

    async def play(self, live: Any, *parts: ModelPart) -> None:
        live.script.append(parts)

    async def told(self, live: Any) -> str:
        return str(live.heard)


def a_mind(client: type[Any] = Mind) -> MadePlugin:
    """Return a plugin with a provider, and a tier that names its model."""
    return bringing(
        ModelProvider(id="p", open=lambda: nullcontext(client())),
        ModelTier(id="t", name="local", below=0.3, provider="p", model="m"),
    )
