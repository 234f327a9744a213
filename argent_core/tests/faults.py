"""What plugins can do wrong, where they can do it, and a neighbour that counts its own calls."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Any

from attrs import define, field, frozen

from argent_core.kernel import Kernel
from argent_hookspecs import (
    FREE,
    SCORER,
    Address,
    ContextBlock,
    ContextProvider,
    ContextRequest,
    Effect,
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
    Notice,
    Observer,
    OutputHandler,
    Reply,
    RouteSignals,
    Score,
    Service,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
    TurnFinished,
    TurnStarted,
    Usage,
    tool,
)
from argent_testing import Argent, MadePlugin, MemoryChannel, hang

PROVOKE = "provoke"
SHORT = 0.1
HOME = "home"
NOISE = "noise"


# Deeds


async def raises() -> Any:
    raise RuntimeError("boom")


async def returns_rubbish() -> Any:
    return object()


async def swallows_cancellation() -> Any:
    end = time.monotonic() + 0.8
    while time.monotonic() < end:
        try:
            await asyncio.sleep(end - time.monotonic())
        except asyncio.CancelledError:
            continue


async def exits() -> Any:
    raise SystemExit(3)


async def blocks() -> Any:
    time.sleep(1.0)  # noqa: ASYNC251 - that is the deed


DEEDS: dict[str, tuple[Callable[[], Awaitable[Any]], str]] = {
    "raises": (raises, "boom"),
    "rubbish": (returns_rubbish, "something else than it should|no Event|lacks methods"),
    "hangs": (hang, "did not answer in|was silent for|did not open in time"),
    "swallows": (swallows_cancellation, "did not stop when|did not answer in|was silent for"),
    "exits": (exits, "[Ee]xit"),
    "blocks": (blocks, "blocked the event loop"),
}
"""What is done, and how the kernel names it."""


# Places


@frozen
class Place:
    """Somewhere a plugin is called: what it brings for that, and how to have it called."""

    records: Callable[[Callable[[], Awaitable[Any]]], list[Any]]
    provoke: Callable[[World], Awaitable[Any]]
    deeds: tuple[str, ...] = ("raises", "rubbish", "hangs", "swallows", "exits")


@define
class World:
    """A running kernel with a culprit in it."""

    argent: Argent
    kernel: Kernel
    side: MemoryChannel
    healthy: Healthy

    async def say(self) -> None:
        """Provoke the culprit with a message, in another conversation on another channel."""
        await self.side.say(f"{PROVOKE} it", "trouble")

    async def emit_to(self, channel: str) -> None:
        """Have a reply sent to the culprit's own channel."""
        event = Event(conversation="trouble", content="x", reply_to=Address(channel, "x"))
        await self.side.emit(event)

    async def let_time_pass(self) -> None:
        """Let the culprit's job come due."""
        await self.argent.clock.advance(2)

    async def ask_for_health(self) -> None:
        """Ask every health check."""
        await self.kernel.agent.status(deep=True)

    async def wait(self) -> None:
        """Do nothing: it happens by itself."""

    def culprit(self) -> dict[str, Any]:
        """Say how the culprit is."""
        return next(p for p in self.kernel.agent.plugins() if p["name"] == "culprit")

    def named(self, words: str) -> bool:
        """Tell whether the culprit is named with a reason."""
        return re.search(words, self.culprit()["reason"]) is not None


Deed = Callable[[], Awaitable[Any]]


def _context(deed: Deed) -> list[Any]:
    async def provide(request: ContextRequest) -> Any:
        return await deed() if PROVOKE in request.event.text else []

    return [ContextProvider(id="c", provide=provide, timeout=SHORT)]


def _event_filter(deed: Deed) -> list[Any]:
    async def look(event: Event) -> Any:
        return await deed() if PROVOKE in event.text else event

    return [Filter(id="f", event=look, timeout=SHORT)]


def _reply_filter(deed: Deed) -> list[Any]:
    async def look(reply: Reply) -> Any:
        return await deed() if PROVOKE in reply.text else reply

    return [Filter(id="f", reply=look, timeout=SHORT)]


def _call_filter(deed: Deed) -> list[Any]:
    async def look(call: ToolCall) -> Any:
        return await deed() if PROVOKE in call.arguments.get("text", "") else call

    return [Filter(id="f", tool_call=look, timeout=SHORT)]


def _tool(deed: Deed) -> list[Any]:
    async def risky(text: str) -> Any:
        return await deed() if PROVOKE in text else "nothing"

    return [Tool(id="risky", description="Do something risky.", run=risky, timeout=SHORT)]


def _observer(deed: Deed) -> list[Any]:
    async def notify(notice: Notice) -> None:
        if isinstance(notice, TurnStarted) and PROVOKE in notice.event.text:
            await deed()

    return [Observer(id="o", notify=notify, timeout=SHORT)]


def _job(deed: Deed) -> list[Any]:
    async def run() -> None:
        await deed()

    return [Job(id="j", run=run, every=timedelta(seconds=1), timeout=SHORT)]


def _health(deed: Deed) -> list[Any]:
    async def check() -> Health:
        found: Health = await deed()
        return found

    return [HealthCheck(id="h", check=check, timeout=SHORT)]


@frozen
class _Acts:
    """A delivery, a scorer, a listener and a model that do a deed."""

    deed: Deed

    async def deliver(self, reply: Reply) -> Any:
        return await self.deed()

    async def score(self, signals: RouteSignals) -> Any:
        return await self.deed() if PROVOKE in signals.text else Score(value=0.1)

    async def listen(self, feed: Feed) -> None:
        rubbish = await self.deed()
        if rubbish is not None:
            await feed.emit(rubbish)
        await hang()

    async def stream(self, request: ModelRequest) -> AsyncIterator[Any]:
        yield await self.deed()
        yield Finish()

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=9999, price=FREE)


@frozen
class _DescribesBadly(_Acts):
    async def describe(self, model: str) -> Any:
        return await self.deed()


def _delivery(deed: Deed) -> list[Any]:
    return [OutputHandler(id="culprit", open=lambda: nullcontext(_Acts(deed)), timeout=SHORT)]


def _listen(deed: Deed) -> list[Any]:
    return [EventSource(id="culprit", open=lambda: nullcontext(_Acts(deed)))]


def _scorer(deed: Deed) -> list[Any]:
    return [Service(key=SCORER, open=lambda: nullcontext(_Acts(deed)))]


def _model(client: type[_Acts]) -> Callable[[Deed], list[Any]]:
    def records(deed: Deed) -> list[Any]:
        opener = lambda: nullcontext(client(deed))  # noqa: E731
        return [
            ModelProvider(id="culprit", open=opener, idle_timeout=SHORT),
            ModelTier(id="culprit", name="fast", below=0.5, provider="culprit", model="bad"),
            Service(key=SCORER, open=lambda: nullcontext(_Sends())),
        ]

    return records


class _Sends:
    """A scorer that sends what provokes to the tier of the culprit."""

    async def score(self, signals: RouteSignals) -> Score:
        return Score(value=0.4 if PROVOKE in signals.text else 0.1)


def _open(deed: Deed) -> list[Any]:
    @asynccontextmanager
    async def opening() -> AsyncIterator[Any]:
        yield await deed()

    return [EventSource(id="culprit", open=opening, timeout=SHORT)]


PLACES: dict[str, Place] = {
    "context provider": Place(_context, World.say),
    "filter of events": Place(_event_filter, World.say),
    "filter of replies": Place(_reply_filter, World.say),
    "filter of tool calls": Place(_call_filter, World.say),
    "tool": Place(_tool, World.say, ("raises", "hangs", "swallows", "exits", "blocks")),
    "observer": Place(_observer, World.say, ("raises", "hangs", "swallows", "exits", "blocks")),
    "job": Place(_job, World.let_time_pass, ("raises", "hangs", "swallows", "exits", "blocks")),
    "health check": Place(_health, World.ask_for_health),
    "delivery": Place(_delivery, lambda world: world.emit_to("culprit")),
    "listener": Place(_listen, World.wait, ("raises", "rubbish", "exits", "blocks")),
    "scorer": Place(_scorer, World.say, ("raises", "rubbish", "hangs", "exits")),
    "model's answer": Place(_model(_Acts), World.say),
    "model's description": Place(
        _model(_DescribesBadly), World.say, ("raises", "rubbish", "exits")
    ),
    "opening": Place(_open, World.wait, ("raises", "rubbish", "hangs", "exits")),
}
"""Where a plugin is called."""


# The neighbour


@define(eq=False)
class Healthy:
    """A plugin with a model, a tool, a context provider, a filter and an observer, all sound.

    The model calls every tool once in each turn and then repeats what was said; noise keeps it
    busy for ever.
    """

    calls: Counter[str] = field(factory=Counter)

    def plugin(self) -> MadePlugin:
        return MadePlugin(
            "healthy",
            ModelProvider(id="echo", open=self._open),
            ModelTier(id="echo", name="local", below=0.3, provider="echo", model="echo"),
            ContextProvider(id="healthy", provide=self._provide),
            Filter(id="healthy", event=self._event, reply=self._reply),
            Observer(id="healthy", notify=self._notify, kinds=(TurnFinished,)),
            self._tool(),
        )

    def _open(self) -> AbstractAsyncContextManager[Healthy]:
        return nullcontext(self)

    def _tool(self) -> Tool:
        @tool(effect=Effect.IDEMPOTENT)
        async def neighbour(text: str) -> str:
            """Count."""
            self.calls["tool"] += text.startswith(HOME)
            return "counted"

        return neighbour

    async def _provide(self, request: ContextRequest) -> list[ContextBlock]:
        self.calls["context"] += request.event.conversation == HOME
        return []

    async def _event(self, event: Event) -> Event:
        self.calls["event"] += event.conversation == HOME
        return event

    async def _reply(self, reply: Reply) -> Reply:
        self.calls["reply"] += reply.conversation == HOME
        return reply

    async def _notify(self, notice: Notice) -> None:
        if isinstance(notice, TurnFinished):
            self.calls["notice"] += notice.conversation == HOME and notice.state == "done"

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        said = [m.text for m in request.messages if m.text and m.role == "user"][-1]
        self.calls["model"] += said.startswith(HOME)
        if said.startswith(NOISE):
            await hang()
        if any(isinstance(part, ToolResult) for part in request.messages[-1].parts):
            yield TextDelta(f"echo: {said}")
        else:
            for number, spec in enumerate(request.tools):
                yield ToolCall(str(number), spec.name, {"text": said})
        yield Finish(usage=Usage(input_tokens=1, output_tokens=1))

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=100_000, price=FREE)

    def assert_lost_nothing(self, turns: int) -> None:
        """Check that every call came that so many turns need."""
        kinds = ("tool", "context", "event", "reply", "notice")
        assert {kind: self.calls[kind] for kind in kinds} == dict.fromkeys(kinds, turns)
        assert self.calls["model"] == 2 * turns
