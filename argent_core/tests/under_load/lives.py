"""What plugins do wrong when they are loaded, started and stopped while others work."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

from attrs import frozen

from argent_core.plugins import InstalledPlugin
from argent_hookspecs import (
    ContextProvider,
    Filter,
    ModelTier,
    Observer,
    Plugin,
    Service,
    ServiceKey,
    Tool,
    hookimpl,
    setting,
)
from argent_testing import MadePlugin, hang

from .beside import keep_the_lock, sleep, swallow
from .culprits import SHORT, Mute, Shy, Stranger

LOAD_SECONDS = 0.3
"""Longest import, and longest collection of records."""
CLOSE_SECONDS = 0.3
"""Longest closing."""
_end = threading.Event()
"""Lets the threads go that hang in an import."""


@frozen
class Life:
    """A plugin's life, with a fault in it.

    Args:
        make: Makes the plugin of its name.
        words: How the fault is named.
        steps: What is asked of the kernel, one after another; the fault shows in the last.
        after: Seconds from there after which it can be seen.
        state: State of the plugin then.
    """

    make: Callable[[str], Any]
    words: str
    steps: tuple[str, ...] = ("enable",)
    after: float = 0.0
    state: str = "failed"


@frozen
class Picky:
    """Settings that cannot be made."""

    port: int = setting(1, doc="A port.")

    def __attrs_post_init__(self) -> None:
        raise RuntimeError("boom")


def _importing(act: Callable[[], object]) -> Callable[[str], InstalledPlugin]:
    return lambda name: InstalledPlugin(name, act)


def _collecting(act: Callable[[], object]) -> Callable[[str], InstalledPlugin]:
    def make(name: str) -> InstalledPlugin:
        hooks = {
            "argent_plugin": hookimpl(lambda self: Plugin(summary="A culprit.")),
            "argent_tools": hookimpl(lambda self: act()),
        }
        for hook, function in hooks.items():
            function.__name__ = hook
        return InstalledPlugin(name, type("Culprit", (), hooks))

    return make


def _raise(error: BaseException) -> Callable[[], object]:
    def act() -> object:
        raise error

    return act


def _wait() -> object:
    return _end.wait(10)


def _sleep() -> object:
    sleep(0.9)
    return object()


def _keep_the_lock() -> object:
    keep_the_lock(0.2)
    raise RuntimeError("boom")


def _opening(act: Callable[[], Any]) -> Callable[[str], MadePlugin]:
    """Make a plugin that does something when it is opened."""

    @asynccontextmanager
    async def opening() -> AsyncIterator[Any]:
        found = act()
        yield await found if asyncio.iscoroutine(found) else found

    return _serving(opening)


def _closing(act: Callable[[], Any]) -> Callable[[str], MadePlugin]:
    """Make a plugin that does something when it is closed."""

    @asynccontextmanager
    async def opening() -> AsyncIterator[Any]:
        yield object()
        found = act()
        if asyncio.iscoroutine(found):
            await found

    return _serving(opening)


def _serving(opening: Callable[[], Any]) -> Callable[[str], MadePlugin]:
    def make(name: str) -> MadePlugin:
        return MadePlugin(name, Service(key=ServiceKey(name, object), open=opening, timeout=SHORT))

    return make


async def _deaf() -> object:
    await swallow(5.0)
    return object()


def _leaving_tasks(work: Callable[[], Any]) -> Callable[[str], MadePlugin]:
    kept: list[object] = []
    return _opening(lambda: kept.append(asyncio.ensure_future(work())))


def _unreadable_tool(name: str) -> MadePlugin:
    async def odd(thing) -> str:  # type: ignore[no-untyped-def]
        return ""

    return MadePlugin(name, Tool(id=name, description="", run=odd))


async def _nothing(*_: object) -> list[Any]:
    return []


def _bringing(make: Callable[[str], Any]) -> Callable[[str], MadePlugin]:
    """Make a plugin of a record that the kernel could not work with."""
    return lambda name: MadePlugin(name, make(name))


RUBBISH: Any = 5
STOP = ("enable", "disable")
LIVES: Mapping[str, Life] = MappingProxyType(
    {
        "import raises": Life(_importing(_raise(ImportError("boom"))), "boom"),
        "import raises oddly": Life(_importing(_raise(Stranger())), "Stranger"),
        "import raises mutely": Life(_importing(_raise(Mute())), "Mute"),
        "import exits": Life(_importing(_raise(SystemExit(1))), "exit"),
        "import hangs": Life(_importing(_wait), "import did not answer", after=LOAD_SECONDS),
        "import keeps the lock": Life(_importing(_keep_the_lock), "boom", after=1.0),
        "hooks raise": Life(_collecting(_raise(KeyError("boom"))), "boom"),
        "hooks exit": Life(_collecting(_raise(SystemExit(1))), "exit"),
        "hooks hang": Life(_collecting(_wait), "hooks did not answer", after=LOAD_SECONDS),
        "hooks yield rubbish": Life(_collecting(lambda: [5]), "not a Tool"),
        "hooks yield shy rubbish": Life(_collecting(lambda: [Shy()]), "not a Tool"),
        "settings raise": Life(lambda name: MadePlugin(name, settings=Picky), "boom"),
        "a tool cannot be read": Life(_unreadable_tool, "needs a type", state="degraded"),
        "hints are rubbish": Life(
            _bringing(lambda name: Tool(id=name, description="", run=_nothing, hints=RUBBISH)),
            "whose hints is 5",
        ),
        "a filter is rubbish": Life(
            _bringing(lambda name: Filter(id=name, event=RUBBISH)), "whose event is 5"
        ),
        "an observer is rubbish": Life(
            _bringing(lambda name: Observer(id=name, notify=RUBBISH)), "whose notify is 5"
        ),
        "a budget is rubbish": Life(
            _bringing(lambda name: ContextProvider(id=name, provide=_nothing, budget=None)),  # type: ignore[arg-type]
            "whose budget is None",
        ),
        "a tier is rubbish": Life(
            _bringing(
                lambda name: ModelTier(id=name, name=RUBBISH, below=1.0, provider="x", model="x")
            ),
            "whose name is 5",
        ),
        "opening raises": Life(_opening(_raise(RuntimeError("boom"))), "boom"),
        "opening raises oddly": Life(_opening(_raise(Stranger())), "Stranger"),
        "opening raises mutely": Life(_opening(_raise(Mute())), "Mute"),
        "opening exits": Life(_opening(_raise(SystemExit(1))), "[Ee]xit"),
        "opening hangs": Life(_opening(hang), "did not open in time", after=SHORT),
        "opening blocks": Life(_opening(_sleep), "block", after=0.4, state="degraded"),
        "opening is deaf": Life(_opening(_deaf), "did not st", after=SHORT + CLOSE_SECONDS),
        "restart raises": Life(
            _closing(_raise(RuntimeError("boom"))), "boom", ("enable", "restart"), state="running"
        ),
        "closing raises": Life(
            _closing(_raise(RuntimeError("boom"))), "boom", STOP, state="disabled"
        ),
        "closing exits": Life(_closing(_raise(SystemExit(1))), "Exit", STOP, state="disabled"),
        "closing hangs": Life(
            _closing(hang), "while it was closed", STOP, CLOSE_SECONDS, "disabled"
        ),
        "closing blocks": Life(_closing(_sleep), "block", STOP, 0.4, "disabled"),
        "closing is deaf": Life(_closing(_deaf), "did not stop", STOP, CLOSE_SECONDS, "disabled"),
        "tasks are left": Life(
            _leaving_tasks(hang), "left 1 tasks running", STOP, state="disabled"
        ),
        "tasks are deaf": Life(
            _leaving_tasks(_deaf), "did not stop|left 1", STOP, state="disabled"
        ),
    }
)


def let_go() -> None:
    """Let threads end that hang in an import."""
    _end.set()
