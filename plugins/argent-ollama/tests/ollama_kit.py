"""What the tests of this plugin share: a context of its own, and ways to ask."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

from attrs import define, field
from played_ollama import SMALL

import argent_ollama
from argent_hookspecs import (
    Finish,
    Message,
    ModelPart,
    ModelRequest,
    PluginContext,
    Role,
    Secret,
    SecretError,
    TextDelta,
    Thinking,
    ToolCall,
    ToolSpec,
)
from argent_ollama.client import OllamaClient
from argent_ollama.settings import OllamaSettings

COIN = ToolSpec(
    "coin",
    "Toss a coin.",
    {
        "type": "object",
        "properties": {
            "how": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
            "where": {"type": "object", "properties": {"x": {"type": "number"}}},
        },
        "additionalProperties": False,
    },
)


@define
class Clock:
    """Time that passes when a test says so."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


@define
class Secrets:
    """Secrets that a test knows."""

    values: Mapping[str, str] = field(factory=dict, repr=False)

    async def reveal(self, secret: Secret) -> str:
        if secret.ref not in self.values:
            raise SecretError(f"there is no {secret.ref.partition(':')[2]}")
        return self.values[secret.ref]


@define
class Context:
    """As much of a ``PluginContext`` as this plugin uses."""

    settings: OllamaSettings
    clock: Clock = field(factory=Clock)
    secrets: Secrets = field(factory=Secrets)
    notes: list[str] = field(factory=list)
    name: str = "ollama"
    local_endpoint: str = "http://localhost:11434"

    def progress(self, activity: str, **_: Any) -> None:
        self.notes.append(activity)

    @property
    def plugin(self) -> PluginContext:
        return cast(PluginContext, self)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[OllamaClient]:
        """Open the provider as the kernel would: through its hook."""
        (provider,) = argent_ollama.argent_model_providers(self.plugin)
        async with provider.open() as client:
            assert isinstance(client, OllamaClient)
            yield client


def context(url: str, *, secrets: Mapping[str, str] | None = None, **settings: Any) -> Context:
    return Context(OllamaSettings(base_url=url, **settings), secrets=Secrets(secrets or {}))


def ask(*messages: str | Message, model: str = SMALL, **more: Any) -> ModelRequest:
    """A request; strings are what the user and the assistant say in turn."""
    turns = []
    for number, message in enumerate(messages):
        role = Role.ASSISTANT if number % 2 else Role.USER
        turns.append(Message(role, message) if isinstance(message, str) else message)
    return ModelRequest(model=model, messages=tuple(turns), **more)


async def collect(client: OllamaClient, request: ModelRequest) -> list[ModelPart]:
    return [part async for part in client.stream(request)]


async def answer(
    url: str, request: ModelRequest, *, secrets: Mapping[str, str] | None = None, **settings: Any
) -> list[ModelPart]:
    """Ask a server once."""
    async with context(url, secrets=secrets, **settings).open() as client:
        return await collect(client, request)


def words(parts: list[ModelPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextDelta))


def thoughts(parts: list[ModelPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Thinking))


def calls(parts: list[ModelPart]) -> list[ToolCall]:
    return [part for part in parts if isinstance(part, ToolCall)]


def finish(parts: list[ModelPart]) -> Finish:
    (only,) = (part for part in parts if isinstance(part, Finish))
    assert parts[-1] is only
    return only
