"""What plugins do wrong while others work, where they do it, and how the kernel names it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import nullcontext
from datetime import timedelta
from types import MappingProxyType
from typing import Any, NoReturn

from attrs import define, field, frozen

from argent_core.plugin_tasks import GRACE_SECONDS
from argent_hookspecs import (
    FREE,
    SCORER,
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
    ModelProvider,
    ModelRequest,
    ModelTier,
    Notice,
    Observer,
    OutputHandler,
    PluginError,
    Reply,
    RouteSignals,
    Score,
    Service,
    TextDelta,
    Tool,
    ToolCall,
    TurnStarted,
)
from argent_testing import MadePlugin, hang

from .beside import LATE, keep_the_lock, sleep, swallow

SHORT = 0.1
"""Seconds that the kernel gives to every call of a culprit."""


@define(eq=False)
class Case:
    """One culprit: what it does, where, and when that could be seen for the first time."""

    place: str
    deed: str
    seen: float = 0.0
    done: float = 0.0
    armed: bool = False
    woken: asyncio.Event = field(factory=asyncio.Event)
    plugin: MadePlugin = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.plugin = MadePlugin(self.name, *PLACES[self.place].records(self))

    @property
    def name(self) -> str:
        """Name of the plugin, and id of everything that it brings."""
        return f"{self.place}_{self.deed}".replace(" ", "_").lower()

    @property
    def conversation(self) -> str:
        """Where it is provoked."""
        return f"trouble-{self.name}"

    def meant(self, text: str) -> bool:
        """Tell whether somebody wants it to do what it does."""
        return self.name in text.split()

    async def act(self) -> Any:
        """Do it, and note when it could be seen."""
        deed = DEEDS[self.deed]
        self.armed = False
        began = time.monotonic()
        self.seen = began + (deed.after or 0.0)
        try:
            return await deed.act(self)
        finally:
            self.done = time.monotonic()
            if deed.after is None:
                self.seen = self.done


@frozen
class Deed:
    """What is done, how the kernel names it, and the seconds after which it can be seen."""

    act: Callable[[Case], Awaitable[Any]]
    words: str
    after: float | None = 0.0
    """None if it can be seen only when it is over."""


class Stranger(BaseException):
    """An exception that is none of those that programs catch."""


class Mute(Exception):
    """An exception that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class Nameless(PluginError):
    """An error of the contract that lacks what it should carry."""

    def __init__(self) -> None:
        pass


class Shy:
    """A value that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no picture")


def _raising(make: Callable[[], BaseException]) -> Callable[[Case], Awaitable[NoReturn]]:
    async def act(_: Case) -> NoReturn:
        raise make()

    return act


def _returning(make: Callable[[], object]) -> Callable[[Case], Awaitable[object]]:
    async def act(_: Case) -> object:
        return make()

    return act


async def _swallows(_: Case) -> None:
    await swallow(3 * GRACE_SECONDS)


async def _recurses(case: Case) -> Any:
    return await _recurses(case)


async def _sleeps(_: Case) -> None:
    sleep(0.9)


async def _computes(_: Case) -> None:
    while True:
        sum(range(1000))


async def _will_not_stop(_: Case) -> None:
    end = time.thread_time() + 1.5
    while time.thread_time() < end:
        try:
            while time.thread_time() < end:
                sum(range(1000))
        except BaseException:  # noqa: BLE001 - that is the deed
            continue


async def _waits_in_c(_: Case) -> None:
    time.sleep(8)  # noqa: ASYNC251 - that is the deed


async def _keeps_the_lock(_: Case) -> None:
    keep_the_lock(0.6)


async def _breaks_what_it_returns(case: Case) -> object:
    """Return a record of the right class with something in it that cannot be worked with."""
    return BROKEN[case.place]()


RUBBISH: Any = 5
BROKEN: Mapping[str, Callable[[], object]] = MappingProxyType(
    {
        "event filter": lambda: Event(conversation="x", content=(RUBBISH,)),
        "reply filter": lambda: Reply(key="x", to=RUBBISH, text="x", turn="x", conversation="x"),
        "health check": lambda: Health(True, Shy()),  # type: ignore[arg-type]
        "model": lambda: Finish(usage=RUBBISH),
        "description": lambda: ModelInfo(id="odd", context_window=9999, price=RUBBISH),
    }
)

DEEDS: Mapping[str, Deed] = MappingProxyType(
    {
        "raises": Deed(_raising(lambda: RuntimeError("boom")), "boom"),
        "raises much": Deed(_raising(lambda: RuntimeError("boom" * 5_000_000)), "boom"),
        "raises oddly": Deed(_raising(Stranger), "Stranger"),
        "raises mutely": Deed(_raising(Mute), "Mute"),
        "raises nameless": Deed(_raising(Nameless), "Nameless"),
        "exits": Deed(_raising(lambda: SystemExit(3)), "[Ee]xit"),
        "cancels": Deed(_raising(asyncio.CancelledError), "ancel"),
        "rubbish": Deed(_returning(object), "something else|no Event"),
        "much rubbish": Deed(_returning(lambda: b"x" * 20_000_000), "something else|no Event"),
        "shy rubbish": Deed(_returning(Shy), "something else|no Event"),
        "broken": Deed(_breaks_what_it_returns, "raised|the price"),
        "says much": Deed(_returning(lambda: TextDelta("x" * 20_000_000)), "says more than"),
        "hangs": Deed(lambda _: hang(), "did not answer|was silent", SHORT),
        "swallows": Deed(_swallows, "did not (stop|answer)|was silent", SHORT + GRACE_SECONDS),
        "recurses": Deed(_recurses, "RecursionError"),
        "sleeps": Deed(_sleeps, "block", LATE),
        "keeps the lock": Deed(_keeps_the_lock, "block", None),
        "computes": Deed(_computes, "block", LATE),
        "waits in C": Deed(_waits_in_c, "block", LATE),
        "will not stop": Deed(_will_not_stop, "block", LATE),
    }
)
RAISING = ("raises", "raises much", "raises oddly", "raises mutely", "raises nameless", "exits")
CALLED = (*RAISING, "cancels", "hangs", "swallows", "recurses")
ANSWERING = (*CALLED, "rubbish", "much rubbish", "shy rubbish")
BLOCKING = ("sleeps", "keeps the lock", "computes", "waits in C", "will not stop")


@frozen
class Place:
    """Where a plugin is called, what it can do wrong there, and how the turn concerned ends.

    Args:
        records: What the culprit brings.
        provoke: How it is made to act: ``said`` to the agent, ``due`` in time, ``asked`` how it
            is, ``sent`` a reply, or ``woken`` from outside.
        end: State in which the turn that has met the fault ends.
    """

    records: Callable[[Case], list[Any]]
    provoke: str
    deeds: tuple[str, ...]
    end: str = "done"


def _context(case: Case) -> list[Any]:
    async def provide(request: ContextRequest) -> Any:
        return await case.act() if case.meant(request.event.text) else []

    return [ContextProvider(id=case.name, provide=provide, timeout=SHORT)]


def _event_filter(case: Case) -> list[Any]:
    async def look(event: Event) -> Any:
        return await case.act() if case.meant(event.text) else event

    return [Filter(id=case.name, event=look, timeout=SHORT)]


def _reply_filter(case: Case) -> list[Any]:
    async def look(reply: Reply) -> Any:
        return await case.act() if case.meant(reply.text) else reply

    return [Filter(id=case.name, reply=look, timeout=SHORT)]


def _call_filter(case: Case) -> list[Any]:
    async def look(call: ToolCall) -> Any:
        return await case.act() if case.meant(str(call.arguments.get("text"))) else call

    return [Filter(id=case.name, tool_call=look, timeout=SHORT)]


def _tool(case: Case) -> list[Any]:
    async def risk(text: str) -> Any:
        return await case.act()

    return [Tool(id=case.name, description="Do something risky.", run=risk, timeout=SHORT)]


def _observer(case: Case) -> list[Any]:
    async def notify(notice: Notice) -> None:
        if isinstance(notice, TurnStarted) and case.meant(notice.event.text):
            await case.act()

    # Who gets no time to look into a full mailbox loses what is in it, and that may be the word.
    return [
        Observer(id=case.name, notify=notify, kinds=(TurnStarted,), timeout=SHORT, mailbox=10_000)
    ]


def _job(case: Case) -> list[Any]:
    async def run() -> None:
        if case.armed:
            await case.act()

    return [Job(id=case.name, run=run, every=timedelta(seconds=1), timeout=SHORT)]


def _health(case: Case) -> list[Any]:
    async def check() -> Any:
        return await case.act() if case.armed else Health(True, "well")

    return [HealthCheck(id=case.name, check=check, timeout=SHORT)]


def _delivery(case: Case) -> list[Any]:
    return [OutputHandler(id=case.name, open=lambda: nullcontext(Acts(case)), timeout=SHORT)]


def _listener(case: Case) -> list[Any]:
    return [EventSource(id=case.name, open=lambda: nullcontext(Acts(case)))]


def _scorer(case: Case) -> list[Any]:
    return [Service(key=SCORER, open=lambda: nullcontext(Acts(case)))]


def _model(client: type[Acts]) -> Callable[[Case], list[Any]]:
    def records(case: Case) -> list[Any]:
        below = tier_of(case.deed)
        return [
            ModelProvider(id=case.name, open=lambda: nullcontext(client(case)), idle_timeout=SHORT),
            ModelTier(id=case.name, name=case.name, below=below, provider=case.name, model="odd"),
        ]

    return records


def tier_of(deed: str) -> float:
    """Return the score below which the model of a culprit answers."""
    return 0.31 + 0.01 * list(DEEDS).index(deed)


@frozen
class Acts:
    """A delivery, a scorer, a listener and a model that do a deed."""

    case: Case

    async def deliver(self, reply: Reply) -> Any:
        return await self.case.act()

    async def score(self, signals: RouteSignals) -> Any:
        return await self.case.act() if self.case.meant(signals.text) else Score(value=0.1)

    async def listen(self, feed: Feed) -> None:
        await self.case.woken.wait()
        self.case.woken.clear()
        rubbish = await self.case.act()
        if rubbish is not None:
            await feed.emit(rubbish)

    async def stream(self, request: ModelRequest) -> AsyncIterator[Any]:
        yield TextDelta("Well, ")
        rubbish = await self.case.act()
        if rubbish is not None:
            yield rubbish
        yield Finish()

    async def describe(self, model: str) -> Any:
        return ModelInfo(id=model, context_window=9999, price=FREE)


@frozen
class DescribesBadly(Acts):
    """A model that does not even say what it is."""

    async def describe(self, model: str) -> Any:
        return await self.case.act()


PLACES: Mapping[str, Place] = MappingProxyType(
    {
        "context provider": Place(_context, "said", (*ANSWERING, *BLOCKING)),
        "event filter": Place(_event_filter, "said", (*ANSWERING, "broken"), "failed"),
        "reply filter": Place(_reply_filter, "said", (*ANSWERING, "broken")),
        "call filter": Place(_call_filter, "said", ANSWERING),
        "tool": Place(_tool, "said", (*CALLED, "sleeps", "computes")),
        "observer": Place(_observer, "said", CALLED),
        "job": Place(_job, "due", CALLED),
        "health check": Place(_health, "asked", (*ANSWERING, "broken")),
        "delivery": Place(_delivery, "sent", (*ANSWERING, "sleeps")),
        "listener": Place(
            _listener, "woken", (*RAISING, "cancels", "rubbish", "shy rubbish", "sleeps")
        ),
        "model": Place(_model(Acts), "said", (*ANSWERING, "broken", "says much")),
        "description": Place(
            _model(DescribesBadly),
            "said",
            (*RAISING, "cancels", "rubbish", "shy rubbish", "broken"),
        ),
    }
)
