"""What the tests of this plugin share: a context of its own, and ways to talk to a model."""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from attrs import define, evolve, field

import argent_anthropic
from argent_anthropic.settings import AnthropicSettings
from argent_hookspecs import (
    Finish,
    Message,
    ModelClient,
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

if TYPE_CHECKING:
    from anthropic_replay import ReplayServer

OPUS = "claude-opus-5-5"
SONNET = "claude-sonnet-5-5"
HAIKU = "claude-haiku-4-5"
KEY = "sk-ant-1234567890"
COIN = ToolSpec(
    "coin",
    "Toss a coin some times.",
    {
        "type": "object",
        "properties": {"times": {"type": "integer"}},
        "required": ["times"],
        "additionalProperties": False,
    },
)


@define
class Clock:
    """Time that passes when a test says so, and a little with every look, if it says that."""

    seconds: float = 0.0
    step: float = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 20, 12, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        self.seconds += self.step
        return self.seconds


@define
class Secrets:
    values: dict[str, str]

    async def reveal(self, secret: Secret) -> str:
        if secret.ref not in self.values:
            raise SecretError(f"The environment variable {secret.ref[4:]} is not set. Set it.")
        return self.values[secret.ref]


class _Log(logging.LoggerAdapter[logging.Logger]):
    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        return msg, kwargs


@define
class Context:
    """As much of a ``PluginContext`` as this plugin uses."""

    settings: AnthropicSettings
    secrets: Secrets
    clock: Clock = field(factory=Clock)
    told: list[str] = field(factory=list)
    name: str = "anthropic"

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        return _Log(logging.getLogger("argent.anthropic"), {})

    def progress(self, activity: str, **_: Any) -> None:
        self.told.append(activity)

    @property
    def plugin(self) -> PluginContext:
        return cast(PluginContext, self)

    def open(self) -> AbstractAsyncContextManager[ModelClient]:
        """Open the provider as the kernel would: through its hook."""
        (provider,) = argent_anthropic.argent_model_providers(self.plugin)
        return provider.open()

    def with_settings(self, **changes: Any) -> Context:
        return evolve(self, settings=evolve(self.settings, **changes))


def context(server: ReplayServer | str, **settings: Any) -> Context:
    """A context whose settings lead to a server, with a key."""
    url = server if isinstance(server, str) else server.url
    secrets = Secrets({"env:ANTHROPIC_API_KEY": KEY})
    return Context(AnthropicSettings(base_url=url, **settings), secrets)


def ask(*messages: str | Message, model: str = OPUS, **more: Any) -> ModelRequest:
    """A request; strings are what the user and the assistant say in turn."""
    turns = []
    for number, message in enumerate(messages):
        role = Role.ASSISTANT if number % 2 else Role.USER
        turns.append(Message(role, message) if isinstance(message, str) else message)
    return ModelRequest(model=model, messages=tuple(turns), **more)


async def collect(client: ModelClient, request: ModelRequest) -> list[ModelPart]:
    return [part async for part in client.stream(request)]


def words(parts: list[ModelPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextDelta))


def calls(parts: list[ModelPart]) -> list[ToolCall]:
    return [part for part in parts if isinstance(part, ToolCall)]


def thoughts(parts: list[ModelPart]) -> list[Thinking]:
    return [part for part in parts if isinstance(part, Thinking)]


def finish(parts: list[ModelPart]) -> Finish:
    (only,) = (part for part in parts if isinstance(part, Finish))
    assert parts[-1] is only
    return only


def said(parts: list[ModelPart]) -> Message:
    """The message that the kernel makes of an answer: thoughts, words, calls with its own ids."""
    from argent_hookspecs import Text

    renamed = [ToolCall(f"call-1-{n}", c.name, c.arguments) for n, c in enumerate(calls(parts))]
    return Message(Role.ASSISTANT, (*thoughts(parts), Text(words(parts)), *renamed))
