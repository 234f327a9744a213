"""Filters at work: one after another, in order; one that fails lets nothing through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from attrs import define

from argent_core import codec
from argent_core.guard import Guard
from argent_core.host import PluginHost
from argent_core.hosted_plugin import PluginState, Registered
from argent_hookspecs import ArgentError, Event, Filter, PluginError, Reject, Reply, ToolCall

T = TypeVar("T", Event, ToolCall, Reply)


_ON_THE_WAY = (PluginState.LOADED, PluginState.STARTING, PluginState.STOPPED)


class FilterMissing(ArgentError):
    """Report a filter that is not there yet; what it is to look at waits."""


class Rejected(ArgentError):
    """Report that a filter said no; the text says which and why."""


@define(eq=False, repr=False)
class Filters:
    """The filters of all plugins that run."""

    host: PluginHost
    guard: Guard

    @property
    def look_at_replies(self) -> bool:
        """Whether one looks at replies, or would if its plugin ran."""
        found = [one.record for one in self.host.registered(Filter)]
        found += [record for _, record in self.host.missing(Filter)]
        return any(record.reply is not None for record in found)

    async def event(self, event: Event) -> Event:
        """Pass an event through. Raises ``Rejected``, or ``PluginError`` if a filter fails."""
        return await self._pass(event, lambda record: record.event)

    async def tool_call(self, call: ToolCall) -> ToolCall:
        """Pass a tool call through. Raises ``Rejected``, also if a filter fails."""
        try:
            return await self._pass(call, lambda record: record.tool_call)
        except PluginError as error:
            raise Rejected(f"a filter failed: {error}") from error

    async def reply(self, reply: Reply) -> Reply:
        """Pass a reply through. Raises ``Rejected``, also if a filter fails."""
        try:
            return await self._pass(reply, lambda record: record.reply)
        except PluginError as error:
            raise Rejected(f"a filter failed: {error}") from error

    async def _pass(self, value: T, look: Callable[[Filter], Any]) -> T:
        await self._demand_all(look)
        steps = [
            partial(self._look, found, look(found.record))
            for found in self.host.registered(Filter)
            if look(found.record) is not None
        ]
        return await self.guard.chain(value, steps)

    async def _demand_all(self, look: Callable[[Filter], Any]) -> None:
        """Let nothing through while a filter is missing; wait for one whose plugin is starting.

        Raises:
            FilterMissing: It may be there soon.
            PluginError: It will not.
        """
        # Of a plugin that is not loaded yet, nobody knows whether it has a filter.
        coming = [p for p in self.host.plugins.values() if p.state is PluginState.DISCOVERED]
        coming += [plugin for plugin, record in self.host.missing(Filter) if look(record)]
        under_way = {end for plugin in coming for end in plugin.awaited}
        if under_way:
            await asyncio.wait(under_way)
        for plugin, record in self.host.missing(Filter):
            if look(record) is None:
                continue
            if plugin.on_its_way or plugin.state in _ON_THE_WAY:
                raise FilterMissing(f"the filter {record.id} of {plugin.name} is still starting")
            remedy = f"mend it, or: argent plugins disable {plugin.name}"
            why = plugin.reason or f"it is {plugin.state}"
            raise PluginError(plugin.name, f"its filter {record.id} does not run: {why}; {remedy}")

    async def _look(self, found: Registered, look: Callable[[T], Any], value: T) -> T:
        verdict: T | Reject = await self.guard.ask(
            found.plugin,
            partial(_verdict, look, value),
            what=f"filter {found.record.id}",
            timeout=found.record.timeout,
            expects=(type(value), Reject),
        )
        if isinstance(verdict, Reject):
            raise Rejected(f"{found.record.id}: {verdict.reason}")
        return verdict


async def _verdict(look: Callable[[T], Any], value: T) -> Any:
    """Ask a filter, and read what it has changed while that is still its own doing."""
    verdict = await look(value)
    if verdict is value or not isinstance(verdict, type(value)):
        return verdict
    return codec.load(codec.dump(verdict), type(value))
