"""Everything that it does blocks the event loop."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

from argent_hookspecs import (
    SCORER,
    Channel,
    ContextBlock,
    ContextProvider,
    ContextRequest,
    Event,
    EventSource,
    Feed,
    Filter,
    Finish,
    Health,
    HealthCheck,
    Job,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRequest,
    ModelTier,
    Observer,
    Plugin,
    Receipt,
    Reply,
    RouteSignals,
    Score,
    Service,
    TextDelta,
    Usage,
    hookimpl,
    tool,
)


def nap() -> None:
    """Let everybody wait."""
    time.sleep(0.01)


class Blocking:
    """A channel, a model and a scorer that block."""

    async def listen(self, feed: Feed) -> None:
        nap()

    async def deliver(self, reply: Reply) -> Receipt:
        nap()
        return Receipt("r")

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        nap()
        yield TextDelta("hi")
        yield Finish(usage=Usage(input_tokens=1, output_tokens=1))

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=100)

    async def score(self, signals: RouteSignals) -> Score:
        nap()
        return Score(value=0.5)


async def look(value: Event) -> Event:
    nap()
    return value


async def provide(request: ContextRequest) -> Sequence[ContextBlock]:
    nap()
    return []


async def work(*_: Any) -> None:
    nap()


async def check() -> Health:
    nap()
    return Health(True, "it sleeps well")


@tool
async def rest() -> str:
    """Rest a little."""
    nap()
    return "rested"


@hookimpl
def argent_plugin() -> Plugin:
    return Plugin(summary="Sleeps where it should wait.")


@hookimpl
def argent_channels() -> list[Channel]:
    return [Channel(id="post", open=lambda: nullcontext(Blocking()))]


@hookimpl
def argent_event_sources() -> list[EventSource]:
    return [EventSource(id="nap", open=lambda: nullcontext(Blocking()))]


@hookimpl
def argent_model_providers() -> list[ModelProvider]:
    return [ModelProvider(id="nap", open=lambda: nullcontext(Blocking()))]


@hookimpl
def argent_model_tiers() -> list[ModelTier]:
    return [ModelTier(id="nap", name="local", below=0.3, provider="nap", model="m")]


@hookimpl
def argent_services() -> list[Service[Any]]:
    return [Service(key=SCORER, open=lambda: nullcontext(Blocking()))]


@hookimpl
def argent_filters() -> list[Filter]:
    return [Filter(id="nap", event=look)]


@hookimpl
def argent_context_providers() -> list[ContextProvider]:
    return [ContextProvider(id="nap", provide=provide)]


@hookimpl
def argent_observers() -> list[Observer]:
    return [Observer(id="nap", notify=work)]


@hookimpl
def argent_jobs() -> list[Job]:
    return [Job(id="nap", run=work, every=timedelta(1))]


@hookimpl
def argent_health_checks() -> list[HealthCheck]:
    return [HealthCheck(id="nap", check=check)]


@hookimpl
def argent_tools() -> list[Any]:
    return [rest]
