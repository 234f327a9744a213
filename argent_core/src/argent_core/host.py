"""The plugin host: the life of each plugin, from discovered to stopped, with reasons."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from attrs import define, field

from argent_core import plugin_order
from argent_core.guard import Guard, attempt
from argent_core.hosted_plugin import (
    OPENS,
    UNWANTED,
    Follower,
    HostedPlugin,
    PluginState,
    Registered,
)
from argent_core.outcome import shown
from argent_core.plugin_root import PluginRoot
from argent_core.plugins import InstalledPlugin, LoadedPlugin, compatible, load
from argent_hookspecs import (
    ArgentError,
    ConfigError,
    PluginContext,
    PluginError,
)

T = TypeVar("T")
log = logging.getLogger("argent.host")


@define(eq=False, repr=False)
class PluginHost:
    """Loads, starts and stops plugins.

    Args:
        guard: The way into them.
        make_context: Makes a plugin's ``ctx``; raises ``ConfigError`` if its settings are wrong.
        refusal: Says why a plugin may not run (state and reason), or None.
        close_context: Closes what a stopped plugin's context left open.
        redact: Takes secrets out of a text.
        opened: Classes of records that are opened; the others are only listed.
        load_seconds: Longest import, and longest collection of records.
        open_seconds: Longest opening of what has no timeout for it.
        patience: Seconds that a start waits for slow plugins; after that they come later.
        stop_seconds: Longest wait for the calls of a plugin that stops, and longest closing.
    """

    guard: Guard
    make_context: Callable[[LoadedPlugin], PluginContext]
    refusal: Callable[[str], tuple[PluginState, str] | None]
    close_context: Callable[[str], Awaitable[None]]
    redact: Callable[[str], str] = str
    plugins: dict[str, HostedPlugin] = field(factory=dict)
    followers: list[Follower] = field(factory=list)
    opened: tuple[type[Any], ...] = tuple(OPENS)
    load_seconds: float = 60.0
    open_seconds: float = 30.0
    patience: float = 5.0
    stop_seconds: float = 5.0
    _one_by_one: asyncio.Lock = field(factory=asyncio.Lock)
    _under_way: set[asyncio.Task[None]] = field(factory=set)
    _returning: set[asyncio.Future[None]] = field(factory=set)

    @property
    def starting(self) -> bool:
        """Whether a plugin is still on its way up, or is being restarted."""
        return bool(self._under_way or self._returning)

    async def next_one_up(self) -> None:
        """Wait until one of the plugins on their way up is there, or has failed."""
        coming = {*self._under_way, *self._returning}
        if coming:
            await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)

    async def start(self, installed: Sequence[InstalledPlugin]) -> None:
        """Load and start the plugins, each as far as it comes."""
        known = sorted(installed, key=lambda plugin: plugin.name)
        new = {plugin.name: HostedPlugin(plugin, self.redact) for plugin in known}
        self.plugins.update(new)
        await self._bring_up(list(new.values()))

    async def stop(self) -> None:
        """Stop all plugins, those that need others first."""
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        if under_way:
            await asyncio.wait(under_way)
        async with self._one_by_one:
            for plugin in self.plugins.values():
                if plugin.state is PluginState.STARTING:
                    await self._abandon(plugin)
            running = [plugin for plugin in self.plugins.values() if plugin.up]
            for plugin in reversed(plugin_order.sort(running, running)):
                await self._close(plugin)

    async def enable(self, name: str) -> HostedPlugin:
        """Start one plugin, and those that were blocked for want of it."""
        return await self._to_the_end(self._enable(name))

    async def disable(self, name: str) -> HostedPlugin:
        """Stop one plugin, after those that require a service of it."""
        return await self._to_the_end(self._disable(name))

    async def restart(self, name: str) -> HostedPlugin:
        """Stop one plugin and start it again, with its settings as they are now.

        What it answers at that time comes to its end first; what needs it then, waits.
        """
        return await self._to_the_end(self._restart(name))

    async def _restart(self, name: str) -> HostedPlugin:
        plugin, back = self.plugins[name], asyncio.get_running_loop().create_future()
        for one in (plugin, *plugin_order.dependents(plugin, self.plugins.values())):
            one.back = back
        self._returning.add(back)
        try:
            await self._take_down(plugin)
            return await self._enable(name)
        finally:
            self._returning.discard(back)
            back.set_result(None)

    async def _to_the_end(self, work: Coroutine[Any, Any, HostedPlugin]) -> HostedPlugin:
        """Switch plugins, one switch at a time, even if nobody waits for it any more."""

        async def switch() -> HostedPlugin:
            async with self._one_by_one:
                return await work

        return await asyncio.shield(asyncio.create_task(switch(), name="switch a plugin"))

    async def _enable(self, name: str) -> HostedPlugin:
        plugin = self.plugins[name]
        if plugin.coming is not None and plugin.on_its_way:
            await asyncio.wait({plugin.coming}, timeout=self.patience)
            return plugin
        if plugin.up:
            return plugin
        await self._bring_up([plugin, *(p for p in self._blocked() if p is not plugin)])
        return plugin

    async def _disable(self, name: str) -> HostedPlugin:
        plugin = self.plugins[name]
        await self._take_down(plugin)
        went_wrong = f"{plugin.reason}; " if plugin.reason else ""
        remedy = f"enable it with: argent plugins enable {name}"
        plugin.settle(PluginState.DISABLED, f"{went_wrong}{remedy}")
        # Another may offer what they require, too.
        await self._bring_up(plugin_order.unblocked(self._blocked(), self.plugins.values()))
        return plugin

    async def _take_down(self, plugin: HostedPlugin) -> None:
        for dependent in list(plugin_order.dependents(plugin, self.plugins.values())):
            await self._close(dependent)
            words = f"requires {plugin.name}, which is disabled"
            dependent.settle(PluginState.BLOCKED, words)
        await self._close(plugin)

    def blame(self, name: str, reason: str) -> None:
        """Note that a plugin misbehaved."""
        plugin = self.plugins.get(name)
        if plugin is not None:
            plugin.blame(reason)

    def mend(self, name: str, reason: str) -> None:
        """Note that what a plugin was blamed for is over."""
        plugin = self.plugins.get(name)
        if plugin is not None:
            plugin.mend(reason)

    def why_down(self, name: str) -> str:
        """Say why a plugin does not run; nothing, if that is not known."""
        plugin = self.plugins.get(name)
        return "" if plugin is None or plugin.up else f"{plugin.state}: {plugin.reason}"

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

    def missing(self, kind: type[T]) -> list[tuple[HostedPlugin, T]]:
        """Return the records of a class of the plugins that ought to run and do not."""
        return [
            (plugin, record)
            for plugin in self.plugins.values()
            if not plugin.up and plugin.state not in UNWANTED
            for record in plugin.records
            if isinstance(record, kind)
        ]

    async def _bring_up(self, plugins: Sequence[HostedPlugin]) -> None:
        """Load plugins and open them; a slow one goes on beside, and holds nobody up."""
        loading = {}
        for plugin in plugins:
            plugin.coming = self._go_on_beside(self._load(plugin))
            loading[plugin.coming] = plugin
        if loading:
            await asyncio.wait(loading, timeout=self.patience)
        for task, plugin in loading.items():
            if not task.done():
                plugin.back = self._go_on_beside(self._bring_up_late(task, plugin))
        await self._open_all([plugin for task, plugin in loading.items() if task.done()])

    async def _bring_up_late(self, loading: asyncio.Task[None], plugin: HostedPlugin) -> None:
        await asyncio.wait({loading})
        async with self._one_by_one:
            await self._open_all([plugin])
            await self._bring_up(self._blocked())

    async def _open_all(self, plugins: Sequence[HostedPlugin]) -> None:
        known = self.plugins.values()
        plugin_order.refuse_conflicts([p for p in plugins if p.is_loaded], known)
        opening: dict[str, asyncio.Task[None]] = {}
        for plugin in plugin_order.sort([p for p in plugins if p.is_loaded], known):
            needed = plugin_order.providers(plugin, known)
            first = [opening[p.name] for p in needed if p.name in opening]
            plugin.coming = self._go_on_beside(self._open(plugin, first))
            opening[plugin.name] = plugin.coming
        if opening:
            await asyncio.wait(opening.values(), timeout=self.patience)

    def _go_on_beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    def _blocked(self) -> list[HostedPlugin]:
        return [p for p in self.plugins.values() if p.state is PluginState.BLOCKED]

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
            words = f"its settings class raised {shown(made.error)}"
            raise PluginError(name, words) from made.error
        plugin.context = made.get()
        plugin.records = await self.guard.in_thread(
            name, partial(loaded.collect, plugin.context), what="hooks", timeout=timeout
        )
        plugin.settle(PluginState.LOADED)

    async def _open(self, plugin: HostedPlugin, first: list[asyncio.Task[None]]) -> None:
        if first:
            await asyncio.wait(first)
        missing = plugin_order.missing(plugin, self.plugins.values())
        if missing:
            reason = f"requires the service {missing!r}; install or enable a plugin that offers it"
            plugin.settle(PluginState.BLOCKED, reason)
            return
        plugin.settle(PluginState.STARTING)
        plugin.closing = asyncio.Event()
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        root = PluginRoot(plugin, self.opened, self.open_seconds, self.stop_seconds)
        plugin.root = self.guard.start(plugin.name, partial(root.live, started), name="root")
        either: set[asyncio.Future[Any]] = {started, plugin.root}
        await asyncio.wait(either, timeout=root.patience, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            await self._abandon(plugin)
            return
        plugin.settle(PluginState.DEGRADED if plugin.reason else PluginState.RUNNING, plugin.reason)
        records = [Registered(plugin.name, r, plugin.live.get(id(r))) for r in plugin.records]
        for follower in self.followers:
            begun = attempt(follower.plugin_started, plugin.name, records)
            if begun.error is not None:
                plugin.blame(f"brought records that cannot be used: {shown(begun.error)}")

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

    async def _close(self, plugin: HostedPlugin) -> None:
        if plugin.coming is not None and plugin.on_its_way:
            plugin.coming.cancel()
            await asyncio.wait({plugin.coming})
            if plugin.state is PluginState.STARTING:
                await self._abandon(plugin)
            plugin.settle(PluginState.STOPPED)
        if not plugin.up or plugin.root is None:
            return
        for follower in self.followers:
            await follower.plugin_stopping(plugin.name)
        plugin.settle(PluginState.STOPPED)
        await self.guard.tasks.finish_calls(plugin.name, self.stop_seconds)
        plugin.closing.set()
        await asyncio.wait({plugin.root}, timeout=self.stop_seconds)
        await self.guard.tasks.dispose(plugin.name, plugin.root, what="root")
        leaked = await self.guard.tasks.sweep(plugin.name)
        await self.close_context(plugin.name)
        plugin.live.clear()
        if leaked:
            plugin.blame(f"left {leaked} tasks running when it was stopped")
