"""What the tests of this plugin share: a context of its own, and ways to talk to a model."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from attrs import define, evolve, field, frozen

import argent_llama
from argent_hookspecs import (
    Finish,
    Message,
    ModelClient,
    ModelPart,
    ModelRequest,
    PluginContext,
    Role,
    TextDelta,
    ToolCall,
    ToolSpec,
)
from argent_llama.settings import LlamaSettings

SMALL = "smollm2-135m"


class Clock:
    """Time that passes when a test says so; those who sleep wake up in order."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []
        self.somebody_sleeps = asyncio.Event()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._seconds, UTC)

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        alarm = asyncio.Event()
        self._sleepers.append((self._seconds + seconds, alarm))
        self.somebody_sleeps.set()
        await alarm.wait()

    def advance(self, seconds: float) -> None:
        self._seconds += seconds
        for due, alarm in list(self._sleepers):
            if due <= self._seconds:
                alarm.set()
                self._sleepers.remove((due, alarm))


@frozen
class ProgressNote:
    activity: str
    done: float
    total: float | None
    unit: str


class _Log(logging.LoggerAdapter[logging.Logger]):
    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        return msg, kwargs


@define
class Context:
    """As much of a ``PluginContext`` as this plugin uses."""

    data: Path
    settings: LlamaSettings
    clock: Clock = field(factory=Clock)
    notes: list[ProgressNote] = field(factory=list)
    name: str = "llama"

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        return _Log(logging.getLogger("argent.llama"), {})

    def progress(
        self, activity: str, *, done: float = 0, total: float | None = None, unit: str = ""
    ) -> None:
        self.notes.append(ProgressNote(activity, done, total, unit))

    @property
    def plugin(self) -> PluginContext:
        return cast(PluginContext, self)

    def open(self) -> AbstractAsyncContextManager[ModelClient]:
        """Open the provider as the kernel would: through its hook."""
        (provider,) = argent_llama.argent_model_providers(self.plugin)
        return provider.open()

    def with_settings(self, **changes: Any) -> Context:
        return evolve(self, settings=evolve(self.settings, **changes))


def model_cache() -> Path:
    """The folder where this machine keeps weights for tests."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ARGENT_TEST_MODELS") or Path(base, "argent-test-models"))


def ask(
    *messages: str | Message,
    model: str = SMALL,
    tools: tuple[ToolSpec, ...] = (),
    max_output_tokens: int = 24,
) -> ModelRequest:
    """A request; strings are what the user and the assistant say in turn."""
    turns = []
    for number, message in enumerate(messages):
        role = Role.ASSISTANT if number % 2 else Role.USER
        turns.append(Message(role, message) if isinstance(message, str) else message)
    return ModelRequest(
        model=model, messages=tuple(turns), tools=tools, max_output_tokens=max_output_tokens
    )


async def collect(client: ModelClient, request: ModelRequest) -> list[ModelPart]:
    return [part async for part in client.stream(request)]


def words(parts: list[ModelPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextDelta))


def calls(parts: list[ModelPart]) -> list[ToolCall]:
    return [part for part in parts if isinstance(part, ToolCall)]


def finish(parts: list[ModelPart]) -> Finish:
    (only,) = (part for part in parts if isinstance(part, Finish))
    assert parts[-1] is only
    return only


@asynccontextmanager
async def in_time(seconds: float) -> AsyncIterator[None]:
    """Fail if what is inside takes longer."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds
