"""Asking a model in a test, and what is in its answer."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack, aclosing
from typing import Any

from argent_hookspecs import (
    Finish,
    Message,
    ModelClient,
    ModelPart,
    ModelRequest,
    Role,
    TextDelta,
    Thinking,
    ToolCall,
)


def ask(*messages: str | Message, model: str = "m", **more: Any) -> ModelRequest:
    """Return a request; strings are what the user and the assistant say in turn."""
    turns = []
    for number, message in enumerate(messages):
        role = Role.ASSISTANT if number % 2 else Role.USER
        turns.append(Message(role, message) if isinstance(message, str) else message)
    return ModelRequest(model=model, messages=tuple(turns), **more)


async def collect(client: ModelClient, request: ModelRequest) -> list[ModelPart]:
    """Return all parts of an answer. Raises ``ModelError``."""
    stream: Any = client.stream(request)
    async with AsyncExitStack() as stack:
        if hasattr(stream, "aclose"):
            await stack.enter_async_context(aclosing(stream))
        return [part async for part in stream]


def words(parts: Iterable[ModelPart]) -> str:
    """Return what was said."""
    return "".join(part.text for part in parts if isinstance(part, TextDelta))


def thoughts(parts: Iterable[ModelPart]) -> list[Thinking]:
    """Return the thoughts."""
    return [part for part in parts if isinstance(part, Thinking)]


def calls(parts: Iterable[ModelPart]) -> list[ToolCall]:
    """Return the tool calls."""
    return [part for part in parts if isinstance(part, ToolCall)]


def finish(parts: Iterable[ModelPart]) -> Finish:
    """Return the last part. Raises ``AssertionError`` unless it, and only it, is a ``Finish``."""
    *rest, last = parts
    assert isinstance(last, Finish), f"the last part is {last!r:.200}"
    assert not any(isinstance(part, Finish) for part in rest), "there is more than one Finish"
    return last
