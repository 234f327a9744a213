"""The plugin host: the life of each plugin, from discovered to stopped, with reasons."""

from __future__ import annotations

import asyncio
import graphlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from attrs import define, field

from argent_core.guard import Guard, attempt, attempt_async
from argent_core.hosted_plugin import OPENS, Follower, HostedPlugin, PluginState, Registered
from argent_core.plugins import InstalledPlugin, LoadedPlugin, compatible, load
from argent_hookspecs import (
    ArgentError,
    Channel,
    ConfigError,
    EventSource,
    PluginContext,
    PluginError,
    Service,
)

T = TypeVar("T")
log = logging.getLogger("argent.host")

_STOP_SECONDS = 5.0


@define(eq=False)
class PluginHost:
    """Loads, starts and stops plugins.

    Args:
        guard: The way into them.
        make_context: Makes a plugin's ``ctx``; raises ``ConfigError`` if its settings are wrong.
        refusal: Says why a plugin may not run (state and reason), or None.
        close_context: Closes what a stopped plugin's context left open.
        opened: Classes of records that are opened; the others are only listed.
    """

    guard: Guard
    make_context: Callable[[LoadedPlugin], PluginContext]
    refusal: Callable[[str], tuple[PluginState, str] | None]
    close_context: Callable[[str], Awaitable[None]]
    plugins: dict[str, HostedPlugin] = field(factory=dict)
    followers: list[Follower] = field(factory=list)
    opened: tuple[type[Any], ...] = tuple(OPENS)
    load_seconds: float = 60.0
    open_seconds: float = 30.0
    _one_by_one: asyncio.Lock = field(factory=asyncio.Lock)

    async def start(self, installed: Sequence[InstalledPlugin]) -> None:
        """Load and start the plugins, each as far as it comes."""
        for plugin in sorted(installed, key=lambda p: p.name):
            self.plugins[plugin.name] = HostedPlugin(plugin)
        await self._bring_up(list(self.plugins.values()))

    async def stop(self) -> None:
        """Stop all plugins, those that need others first."""
        async with self._one_by_one:
            order = self._order([p for p in self.plugins.values() if p.up])
            for plugin in reversed(order):
                await self._close(plugin)

    async def enable(self, name: str) -> HostedPlugin:
        """Start one plugin, and those that were blocked for want of it."""
        return await self._to_the_end(self._enable(name))

    async def disable(self, name: str) -> HostedPlugin:
        """Stop one plugin, after those that require a service of it."""
        return await self._to_the_end(self._disable(name))

    async def restart(self, name: str) -> HostedPlugin:
        """Stop one plugin and start it again, with its settings as they are now."""

        async def restart() -> HostedPlugin:
            await self._disable(name)
            return await self._enable(name)

        return await self._to_the_end(restart())

    async def _to_the_end(self, work: Coroutine[Any, Any, HostedPlugin]) -> HostedPlugin:
        """Switch plugins, one switch at a time, even if nobody waits for it any more."""

        async def switch() -> HostedPlugin:
            async with self._one_by_one:
                return await work

        return await asyncio.shield(asyncio.create_task(switch(), name="switch a plugin"))

    async def _enable(self, name: str) -> HostedPlugin:
        plugin = self.plugins[name]
        if plugin.up:
            return plugin
        blocked = [p for p in self.plugins.values() if p.state is PluginState.BLOCKED]
        await self._bring_up([plugin, *(p for p in blocked if p is not plugin)])
        return plugin

    async def _disable(self, name: str) -> HostedPlugin:
        plugin = self.plugins[name]
        for dependent in self._dependents(plugin):
            await self._close(dependent)
            dependent.settle(PluginState.BLOCKED, f"requires {name}, which is disabled")
        await self._close(plugin)
        plugin.settle(PluginState.DISABLED, f"enable it with: argent plugins enable {name}")
        return plugin

    def blame(self, name: str, reason: str) -> None:
        """Note that a plugin misbehaved."""
        plugin = self.plugins.get(name)
        if plugin is not None:
            plugin.blame(reason)

    def registered(self, kind: type[T]) -> list[Registered]:
        """Return the records of a class of all plugins that run, sorted by order, plugin and id."""
        found = [
            Registered(plugin.name, record, plugin.live.get(id(record)))
            for plugin in self.plugins.values()
            if plugin.up
            for record in plugin.records
            if isinstance(record, kind)
        ]
        return sorted(found, key=lambda r: (r.record.order, r.plugin, r.record.id))

    async def _bring_up(self, plugins: list[HostedPlugin]) -> None:
        await asyncio.gather(*(self._load(plugin) for plugin in plugins))
        ready = [plugin for plugin in plugins if plugin.state is PluginState.LOADED]
        self._refuse_conflicts(ready)
        order = self._order([p for p in ready if p.state is PluginState.LOADED])
        opening: dict[str, asyncio.Task[None]] = {}
        for plugin in order:
            first = [opening[p.name] for p in self._providers(plugin) if p.name in opening]
            opening[plugin.name] = asyncio.create_task(self._open(plugin, first))
        if opening:
            await asyncio.wait(opening.values())

    async def _load(self, plugin: HostedPlugin) -> None:
        """Come from discovered to loaded, with the records collected, or say why not."""
        refusal = self.refusal(plugin.name)
        conflict = plugin.installed.conflict
        if refusal is not None:
            plugin.settle(*refusal)
        elif conflict:
            both = f"{plugin.installed.distribution} and {conflict}"
            plugin.settle(PluginState.FAILED, f"{both} both bring it; uninstall one of them")
        else:
            try:
                await self._collect(plugin)
            except ConfigError as error:
                plugin.settle(PluginState.INVALID_SETTINGS, str(error))
            except PluginError as error:
                plugin.settle(PluginState.FAILED, error.reason)
            except ArgentError as error:
                plugin.settle(PluginState.FAILED, str(error))

    async def _collect(self, plugin: HostedPlugin) -> None:
        name, timeout = plugin.name, self.load_seconds
        loaded = plugin.loaded
        if loaded is None:
            loaded = await self.guard.in_thread(
                name, partial(load, plugin.installed), what="import", timeout=timeout
            )
            plugin.loaded = loaded
        if not compatible(loaded.record):
            wants = f"it was written for contract {loaded.record.contract}"
            plugin.settle(PluginState.INCOMPATIBLE, f"{wants}; install a version for this Argent")
            return
        made = attempt(self.make_context, loaded)
        if made.error is not None and not isinstance(made.error, ArgentError):
            raise PluginError(name, f"its settings class raised {made.error!r}") from made.error
        plugin.context = made.get()
        plugin.records = await self.guard.in_thread(
            name, partial(loaded.collect, plugin.context), what="hooks", timeout=timeout
        )
        plugin.settle(PluginState.LOADED)

    def _refuse_conflicts(self, plugins: list[HostedPlugin]) -> None:
        """Switch off a plugin that brings an id which another one, earlier by name, has."""
        taken = {
            key: other for other in self.plugins.values() if other.up for key in other.unique_ids
        }
        for plugin in plugins:
            clash = next((key for key in plugin.unique_ids if key in taken), None)
            if clash is None:
                taken.update(dict.fromkeys(plugin.unique_ids, plugin))
                continue
            mine, other = plugin.installed, taken[clash].installed
            both = f"{mine.distribution or mine.name} and {other.distribution or other.name}"
            plugin.settle(
                PluginState.FAILED, f"{both} both bring the {clash[0]} {clash[1]!r}; disable one"
            )

    def _order(self, plugins: list[HostedPlugin]) -> list[HostedPlugin]:
        """Sort by requirement, and by use where that is possible; take out circles."""
        remaining = {plugin.name: plugin for plugin in plugins}
        uses = True
        while True:
            graph = {
                plugin.name: [p.name for p in self._providers(plugin, uses) if p.name in remaining]
                for plugin in remaining.values()
            }
            try:
                return [
                    remaining[name] for name in graphlib.TopologicalSorter(graph).static_order()
                ]
            except graphlib.CycleError as error:
                if uses:
                    uses = False
                    continue
                circle = error.args[1]
                for name in set(circle):
                    reason = f"requires itself in a circle: {' → '.join(circle)}"
                    remaining.pop(name).settle(PluginState.BLOCKED, reason)

    def _providers(self, plugin: HostedPlugin, uses: bool = True) -> list[HostedPlugin]:
        """Return the plugins that offer what this one requires, or also what it uses."""
        if plugin.loaded is None:
            return []
        record = plugin.loaded.record
        wanted = {key.name for key in (*record.requires, *(record.uses if uses else ()))}
        offers = (p for p in self.plugins.values() if p is not plugin)
        return [p for p in offers if not wanted.isdisjoint(p.services)]

    def _dependents(self, plugin: HostedPlugin) -> Iterator[HostedPlugin]:
        offered = set(plugin.services)
        for other in self.plugins.values():
            required = other.loaded.record.requires if other.loaded and other.up else ()
            if other is not plugin and offered & {key.name for key in required}:
                yield from self._dependents(other)
                yield other

    async def _open(self, plugin: HostedPlugin, first: list[asyncio.Task[None]]) -> None:
        if first:
            await asyncio.wait(first)
        missing = self._missing(plugin)
        if missing:
            reason = f"requires the service {missing!r}; install or enable a plugin that offers it"
            plugin.settle(PluginState.BLOCKED, reason)
            return
        plugin.settle(PluginState.STARTING)
        plugin.closing = asyncio.Event()
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        root = partial(self._live, plugin, started)
        plugin.root = self.guard.start(plugin.name, root, name="root")
        seconds = [self._patience(r) for r in plugin.records if type(r) in self.opened]
        patience = sum(seconds) + _STOP_SECONDS
        either: set[asyncio.Future[Any]] = {started, plugin.root}
        await asyncio.wait(either, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            await self._abandon(plugin)
            return
        plugin.settle(PluginState.DEGRADED if plugin.reason else PluginState.RUNNING, plugin.reason)
        records = [Registered(plugin.name, r, plugin.live.get(id(r))) for r in plugin.records]
        for follower in self.followers:
            begun = attempt(follower.plugin_started, plugin.name, records)
            if begun.error is not None:
                plugin.blame(f"brought records that cannot be used: {begun.error!r}")

    def _missing(self, plugin: HostedPlugin) -> str | None:
        assert plugin.loaded is not None
        offered = {name for p in self.plugins.values() if p.up for name in p.services}
        required = [key.name for key in plugin.loaded.record.requires]
        return next((name for name in required if name not in offered), None)

    async def _abandon(self, plugin: HostedPlugin) -> None:
        """Give up on a plugin that did not start."""
        assert plugin.root is not None
        error = plugin.root.result().error if plugin.root.done() else None
        await self.guard.tasks.dispose(plugin.name, plugin.root, what="root")
        await self.guard.tasks.sweep(plugin.name)
        await self.close_context(plugin.name)
        plugin.live.clear()
        reason = error.reason if isinstance(error, PluginError) else str(error or "")
        plugin.settle(PluginState.FAILED, reason or "did not start in time")

    async def _live(self, plugin: HostedPlugin, started: asyncio.Future[None]) -> None:
        """Open what the plugin brings, wait, and close it: all in the plugin's root task."""
        opened: list[Any] = []
        try:
            for record in plugin.records:
                if type(record) in self.opened:
                    await self._enter(plugin, record, opened)
            started.set_result(None)
            await plugin.closing.wait()
        finally:
            for manager in reversed(opened):
                outcome = await attempt_async(partial(_leave, manager))
                if outcome.error is not None:
                    self.blame(plugin.name, f"failed while it was closed: {outcome.error!r}")

    async def _enter(self, plugin: HostedPlugin, record: Any, opened: list[Any]) -> None:
        what = f"{type(record).__name__} {record.id}"
        opening = attempt(record.open)
        if opening.error is None:
            entering = await attempt_async(partial(_within, self._patience(record), opening.value))
        if opening.error is not None or entering.error is not None:
            error = opening.error or entering.error
            words = "did not open in time" if isinstance(error, TimeoutError) else repr(error)
            if isinstance(error, ArgentError):
                words = str(error)
            raise PluginError(plugin.name, f"{what}: {words}") from error
        opened.append(opening.value)
        if not isinstance(entering.value, OPENS[type(record)]):
            found = type(entering.value).__name__
            raise PluginError(plugin.name, f"{what}: open yielded a {found}, which lacks methods")
        plugin.live[id(record)] = entering.value

    def _patience(self, record: Any) -> float:
        """Return how long a record may take to open; the timeout of some is that of a call."""
        own = isinstance(record, (Service, EventSource, Channel))
        return float(record.timeout) if own else self.open_seconds

    async def _close(self, plugin: HostedPlugin) -> None:
        if not plugin.up or plugin.root is None:
            return
        for follower in self.followers:
            await follower.plugin_stopping(plugin.name)
        plugin.settle(PluginState.STOPPED)
        plugin.closing.set()
        await asyncio.wait({plugin.root}, timeout=_STOP_SECONDS)
        await self.guard.tasks.dispose(plugin.name, plugin.root, what="root")
        leaked = await self.guard.tasks.sweep(plugin.name)
        await self.close_context(plugin.name)
        plugin.live.clear()
        if leaked:
            plugin.blame(f"left {leaked} tasks running when it was stopped")


async def _within(seconds: float, manager: Any) -> Any:
    async with asyncio.timeout(seconds):
        return await manager.__aenter__()


async def _leave(manager: Any) -> None:
    async with asyncio.timeout(_STOP_SECONDS):
        await manager.__aexit__(None, None, None)
