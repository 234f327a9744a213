"""Whatever one plugin does wrong: its neighbours lose no call, it is named, the loop goes on."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest
from attrs import frozen

from argent_core.guard import Guard
from argent_core.host import PluginHost
from argent_core.hosted_plugin import PluginState
from argent_core.plugins import InstalledPlugin, LoadedPlugin
from argent_hookspecs import (
    ContextProvider,
    ContextRequest,
    Event,
    EventSource,
    Feed,
    ModelProvider,
    Plugin,
    Service,
    ServiceKey,
    hookimpl,
    setting,
)
from argent_testing import Argent, MadePlugin, MemoryChannel, eventually, hang

from .faults import DEEDS, NOISE, PLACES, PROVOKE, Healthy, World

pytestmark = pytest.mark.anyio

CASES = [(place, deed) for place, known in PLACES.items() for deed in known.deeds]


@asynccontextmanager
async def world(argent: Argent, culprit: Any, **config: Any) -> AsyncIterator[World]:
    """Run a kernel with a culprit and a healthy neighbour, and see that the neighbour lives on."""
    side, healthy = MemoryChannel("side"), Healthy()
    plugins = [side, culprit, healthy.plugin()]
    async with argent(plugins=plugins, config=config, allow_faults=True) as kernel:
        here = World(argent, kernel, side, healthy)
        await converse(here, "first")
        yield here
        await converse(here, "last")
        await eventually(lambda: healthy.calls["notice"] == healthy.calls["reply"], what="notices")
        turns = len(argent.channel.replies)
        healthy.assert_lost_nothing(turns)
        for plugin in kernel.agent.plugins():
            if plugin["name"] != "culprit":
                assert (plugin["state"], plugin["faults"]) == ("running", 0), plugin


async def converse(here: World, words: str) -> None:
    """Hold a turn of the healthy conversation."""
    assert await here.argent.channel.ask(f"home {words}") == f"echo: home {words}"


@pytest.mark.parametrize(("place", "deed"), CASES, ids=[f"{p}: {d}" for p, d in CASES])
async def test_a_fault_in_a_call(argent: Argent, place: str, deed: str) -> None:
    act, words = DEEDS[deed]
    culprit = MadePlugin("culprit", *PLACES[place].records(act))

    async with world(argent, culprit) as here:
        provocation = asyncio.create_task(PLACES[place].provoke(here))  # type: ignore[arg-type]
        await converse(here, "meanwhile")
        await provocation
        await eventually(lambda: here.named(words), what=f"the culprit is named: {words}")
        assert here.culprit()["state"] in ("degraded", "failed")
        await converse(here, "afterwards")


# Faults before anything is called


def from_hooks(**hooks: Callable[..., Any]) -> InstalledPlugin:
    """Make a plugin of functions, named as hooks."""
    base = {"argent_plugin": lambda self: Plugin(summary="A culprit.")}
    marked = {name: hookimpl(hook) for name, hook in {**base, **hooks}.items()}
    return InstalledPlugin("culprit", type("Culprit", (), marked))


def raising(error: BaseException) -> Callable[..., Any]:
    def hook(self: object) -> Any:
        raise error

    return hook


def returning(value: object) -> Callable[..., Any]:
    return lambda self: value


def importing(error: BaseException) -> InstalledPlugin:
    def load() -> object:
        raise error

    return InstalledPlugin("culprit", load)


class Unmarked:
    @hookimpl
    def argent_plugin(self) -> Plugin:
        return Plugin(summary="Forgot something.")

    def argent_tools(self) -> list[Any]:
        return []


@frozen
class Settings:
    port: int = setting(doc="A port.", ge=1)


LOADING = {
    "import raises": (importing(ImportError("no module")), "failed", "no module"),
    "import exits": (importing(SystemExit(1)), "failed", "exit"),
    "no plugin at all": (InstalledPlugin("culprit", lambda: object()), "failed", "argent_plugin"),
    "who it is raises": (
        from_hooks(argent_plugin=raising(ValueError("?"))),
        "failed",
        "ValueError",
    ),
    "who it is exits": (from_hooks(argent_plugin=raising(SystemExit(1))), "failed", "exit"),
    "who it is, is rubbish": (from_hooks(argent_plugin=returning(5)), "failed", "argent_plugin"),
    "another contract": (
        from_hooks(argent_plugin=returning(Plugin(summary="From 2040.", contract=99))),
        "incompatible",
        "contract 99",
    ),
    "a hook is misspelt": (from_hooks(argent_tool=returning([])), "failed", "did you mean"),
    "a hook is not marked": (InstalledPlugin("culprit", Unmarked), "failed", "@hookimpl"),
    "a hook wants too much": (
        from_hooks(argent_tools=lambda self, kernel: []),
        "failed",
        "kernel",
    ),
    "a hook raises": (from_hooks(argent_tools=raising(KeyError("k"))), "failed", "KeyError"),
    "a hook exits": (from_hooks(argent_tools=raising(SystemExit(1))), "failed", "exit"),
    "a hook returns rubbish": (from_hooks(argent_tools=returning(5)), "failed", "not a list"),
    "a hook yields rubbish": (from_hooks(argent_tools=returning([5])), "failed", "not a Tool"),
    "settings are wrong": (
        MadePlugin("culprit", settings=Settings),
        "invalid settings",
        "port",
    ),
    "a service is missing": (
        MadePlugin("culprit", requires=[ServiceKey("nowhere", object)]),
        "blocked",
        "nowhere",
    ),
}


@pytest.mark.parametrize(("culprit", "state", "words"), LOADING.values(), ids=LOADING)
async def test_a_fault_while_it_is_loaded(
    argent: Argent, culprit: Any, state: str, words: str
) -> None:
    async with world(argent, culprit) as here:
        found = here.culprit()
        assert found["state"] == state
        assert words in found["reason"]


# Faults beside its calls


async def test_exits_in_a_task_of_its_own(argent: Argent) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    tasks: list[asyncio.Task[None]] = []

    async def provide(request: ContextRequest) -> list[Any]:
        if PROVOKE in request.event.text:
            tasks.append(asyncio.create_task(leave()))
        return []

    async with world(
        argent, MadePlugin("culprit", ContextProvider(id="c", provide=provide))
    ) as here:
        await here.say()
        await eventually(lambda: here.named("exit the process"), what="the culprit is named")
        assert [type(task.exception()).__name__ for task in tasks] == ["PluginError"]


CALLBACKS: dict[str, Callable[[Callable[[], None]], object]] = {
    "soon": lambda call: asyncio.get_running_loop().call_soon(call),
    "later": lambda call: asyncio.get_running_loop().call_later(0.01, call),
    "from a thread": lambda call: asyncio.get_running_loop().call_soon_threadsafe(call),
    "when a task is done": lambda call: asyncio.create_task(asyncio.sleep(0)).add_done_callback(
        lambda _: call()
    ),
}


@pytest.mark.parametrize("way", CALLBACKS)
async def test_exits_in_a_callback(argent: Argent, way: str) -> None:
    async def provide(request: ContextRequest) -> list[Any]:
        if PROVOKE in request.event.text:
            CALLBACKS[way](sys.exit)
        return []

    culprit = MadePlugin("culprit", ContextProvider(id="c", provide=provide))
    async with world(argent, culprit) as here:
        await here.say()
        await eventually(lambda: here.named("callback .* exit"), what="the culprit is named")


@pytest.mark.parametrize("deed", ["raises", "exits"])
async def test_a_spawned_task_fails(argent: Argent, deed: str) -> None:
    act, words = DEEDS[deed]
    culprit = MadePlugin("culprit")

    @asynccontextmanager
    async def opening() -> AsyncIterator[object]:
        culprit.ctx.spawn(act(), name="worker")  # type: ignore[arg-type]
        yield object()

    culprit.records = (Service(key=ServiceKey("any", object), open=opening),)

    async with world(argent, culprit) as here:
        await eventually(lambda: here.named(f"worker.*{words}"), what="the culprit is named")
        assert here.culprit()["state"] == "degraded"


async def test_leaves_tasks_behind(argent: Argent) -> None:
    left: list[asyncio.Task[Any]] = []

    async def provide(request: ContextRequest) -> list[Any]:
        left.append(asyncio.create_task(hang(), name="forgotten"))
        return []

    async with world(
        argent, MadePlugin("culprit", ContextProvider(id="c", provide=provide))
    ) as here:
        await converse(here, "meanwhile")

    assert "left 3 tasks running" in here.culprit()["reason"]
    assert all(task.cancelled() for task in left)


async def test_floods_events(argent: Argent) -> None:
    """The flood takes every place in the loop but the one that is kept for a person."""

    culprit = MadePlugin("culprit")

    class Flood:
        async def listen(self, feed: Feed) -> None:
            async def pour(number: int) -> None:
                while True:
                    await culprit.ctx.emit(Event(conversation=f"flood-{number}", content=NOISE))

            await asyncio.gather(*(pour(number) for number in range(50)))

    culprit.records = (EventSource(id="flood", open=lambda: nullcontext(Flood())),)
    async with world(argent, culprit) as here:
        await eventually(lambda: here.named("floods events"), what="the culprit is named")
        await converse(here, "meanwhile")


async def test_does_not_let_itself_be_stopped(argent: Argent) -> None:
    act, _ = DEEDS["swallows"]
    culprit = MadePlugin("culprit", *PLACES["listener"].records(act))

    async with world(argent, culprit):
        began = time.monotonic()

    assert time.monotonic() - began < 5


async def test_several_culprits_at_once(argent: Argent) -> None:
    """All places with the same deed, in one kernel."""
    kinds = ("context provider", "observer", "tool", "filter of replies")
    culprits: Iterable[MadePlugin] = [
        MadePlugin(f"culprit-{n}", *PLACES[kind].records(DEEDS["raises"][0]))
        for n, kind in enumerate(kinds)
    ]
    side, healthy = MemoryChannel("side"), Healthy()
    plugins = [side, *culprits, healthy.plugin()]

    async with argent(plugins=plugins, allow_faults=True) as kernel:
        here = World(argent, kernel, side, healthy)
        await here.say()
        await converse(here, "meanwhile")

        def all_named() -> bool:
            found = {p["name"]: p["reason"] for p in kernel.agent.plugins()}
            return all("boom" in found[culprit.name] for culprit in culprits)

        await eventually(all_named, what="each culprit is named")
        healthy.assert_lost_nothing(1)


@pytest.mark.parametrize("stage", ["import", "hooks"])
async def test_hangs_while_it_is_loaded(stage: str) -> None:
    """It is given up after a while; the others have started."""
    never = threading.Event()

    def stuck(*_: object) -> Any:
        never.wait(20)
        return Unmarked()

    culprits = {
        "import": InstalledPlugin("culprit", stuck),
        "hooks": from_hooks(argent_tools=stuck),
    }
    faults: list[str] = []
    guard = Guard(on_fault=lambda plugin, reason: faults.append(plugin))
    host = PluginHost(guard, _no_context, lambda name: None, _nothing, load_seconds=0.2)
    neighbour = InstalledPlugin("neighbour", lambda: MadePlugin("neighbour"))

    await host.start([culprits[stage], neighbour])

    states = {plugin.name: (plugin.state, plugin.reason) for plugin in host.plugins.values()}
    assert states["neighbour"] == (PluginState.RUNNING, "")
    assert states["culprit"] == (PluginState.FAILED, f"{stage} did not answer in 0.2 s")
    assert faults == ["culprit"]
    await host.stop()
    never.set()


@pytest.mark.parametrize("stage", ["import", "hooks"])
async def test_is_slow_to_load(stage: str) -> None:
    """The others run meanwhile, and it joins them, with those that waited for it."""
    ready = threading.Event()
    key: ServiceKey[object] = ServiceKey("coffee", object)
    service = Service(key=key, open=lambda: nullcontext(object()))
    slow = MadePlugin("culprit", service)

    def take_time(*_: object) -> Any:
        ready.wait(20)
        return slow if stage == "import" else [service]

    culprits = {
        "import": InstalledPlugin("culprit", take_time),
        "hooks": from_hooks(argent_services=take_time),
    }
    waiting = MadePlugin("waiting", requires=(key,))
    installed = [
        culprits[stage],
        InstalledPlugin("neighbour", lambda: MadePlugin("neighbour")),
        InstalledPlugin("waiting", lambda: waiting),
    ]
    guard = Guard(on_fault=lambda plugin, reason: None)
    host = PluginHost(guard, _no_context, lambda name: None, _nothing, patience=0.2)

    await host.start(installed)
    before = {name: plugin.state for name, plugin in host.plugins.items()}
    assert host.starting
    ready.set()
    await eventually(lambda: not host.starting, what="the slow one has started")
    after = {plugin.state for plugin in host.plugins.values()}
    await host.stop()

    assert before["neighbour"] is PluginState.RUNNING
    assert before["waiting"] is PluginState.BLOCKED
    assert after == {PluginState.RUNNING}


async def test_a_model_that_does_not_open_keeps_nobody_waiting() -> None:
    """The timeout of a model provider is that of an answer, which may be long."""

    @asynccontextmanager
    async def opening() -> AsyncIterator[Any]:
        yield await hang()

    provider = ModelProvider(id="slow", open=opening, timeout=3600)
    guard = Guard(on_fault=lambda plugin, reason: None)
    host = PluginHost(guard, _no_context, lambda name: None, _nothing, open_seconds=0.1)

    await host.start([InstalledPlugin("slow", lambda: MadePlugin("slow", provider))])

    slow = host.plugins["slow"]
    words = "ModelProvider slow: did not open in time"
    assert (slow.state, slow.reason) == (PluginState.FAILED, words)


def _no_context(loaded: LoadedPlugin) -> Any:
    return None


async def _nothing(name: str) -> None:
    return None
