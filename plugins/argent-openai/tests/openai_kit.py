"""What the tests of this plugin share: a context of its own, and ways to ask."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

from attrs import define, evolve, field

import argent_openai
from argent_hookspecs import (
    Finish,
    Message,
    ModelPart,
    ModelProvider,
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
from argent_openai.client import OpenAIClient
from argent_openai.settings import EndpointSettings, OpenAISettings

COIN = ToolSpec(
    "coin",
    "Toss a coin.",
    {
        "type": "object",
        "properties": {"times": {"type": "integer"}},
        "required": ["times"],
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

    values: dict[str, str] = field(factory=dict, repr=False)

    async def reveal(self, secret: Secret) -> str:
        if secret.ref not in self.values:
            raise SecretError(f"there is no {secret.ref.partition(':')[2]}")
        return self.values[secret.ref]


class _Log(logging.LoggerAdapter[logging.Logger]):
    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        return msg, kwargs


@define
class Context:
    """As much of a ``PluginContext`` as this plugin uses."""

    settings: OpenAISettings = field(factory=OpenAISettings)
    clock: Clock = field(factory=Clock)
    secrets: Secrets = field(factory=Secrets)
    notes: list[str] = field(factory=list)
    name: str = "openai"

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        return _Log(logging.getLogger("argent.openai"), {})

    def progress(self, activity: str, **_: Any) -> None:
        self.notes.append(activity)

    @property
    def plugin(self) -> PluginContext:
        return cast(PluginContext, self)

    def providers(self) -> Mapping[str, ModelProvider]:
        """What the plugin registers, by id."""
        found = argent_openai.argent_model_providers(self.plugin)
        return {provider.id: provider for provider in found}

    @asynccontextmanager
    async def open(self, id: str) -> AsyncIterator[OpenAIClient]:
        """Open a provider as the kernel would: through its hook."""
        async with self.providers()[id].open() as client:
            assert isinstance(client, OpenAIClient)
            yield client


def lab(url: str, *, secrets: Mapping[str, str] | None = None, **settings: Any) -> Context:
    """A context with an address that is called ``lab``."""
    endpoint = EndpointSettings(base_url=url, **settings)
    found = Context(settings=OpenAISettings(endpoints={"lab": endpoint}))
    return evolve(found, secrets=Secrets(dict(secrets or {})))


def ask(*messages: str | Message, model: str = "m", **more: Any) -> ModelRequest:
    """A request; strings are what the user and the assistant say in turn."""
    turns = []
    for number, message in enumerate(messages):
        role = Role.ASSISTANT if number % 2 else Role.USER
        turns.append(Message(role, message) if isinstance(message, str) else message)
    return ModelRequest(model=model, messages=tuple(turns), **more)


async def collect(client: OpenAIClient, request: ModelRequest) -> list[ModelPart]:
    return [part async for part in client.stream(request)]


def words(parts: list[ModelPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextDelta))


def thoughts(parts: list[ModelPart]) -> list[Thinking]:
    return [part for part in parts if isinstance(part, Thinking)]


def calls(parts: list[ModelPart]) -> list[ToolCall]:
    return [part for part in parts if isinstance(part, ToolCall)]


def finish(parts: list[ModelPart]) -> Finish:
    (only,) = (part for part in parts if isinstance(part, Finish))
    assert parts[-1] is only
    return only
