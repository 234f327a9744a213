"""How plugins stand to each other: who needs whom, who comes first, who is in another's way."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Iterator, Sequence

from argent_core.hosted_plugin import HostedPlugin, PluginState


def sort(plugins: Sequence[HostedPlugin], known: Iterable[HostedPlugin]) -> list[HostedPlugin]:
    """Sort plugins so that each comes after those whose services it requires.

    Those that form a circle are blocked, with its members as the reason, and left out. A service
    that is only used orders plugins too, where that makes no circle.
    """
    others, remaining = list(known), {plugin.name: plugin for plugin in plugins}
    while circle := _circle(_graph(remaining, others, uses=False)):
        for name in set(circle):
            reason = f"requires itself in a circle: {' → '.join(circle)}"
            remaining.pop(name).settle(PluginState.BLOCKED, reason)
    graph = _graph(remaining, others, uses=True)
    if _circle(graph):
        graph = _graph(remaining, others, uses=False)
    return [remaining[name] for name in graphlib.TopologicalSorter(graph).static_order()]


def refuse_conflicts(plugins: Iterable[HostedPlugin], known: Iterable[HostedPlugin]) -> None:
    """Switch off a plugin that brings an id which one that runs, or an earlier one, has."""
    taken = {key: other for other in known if other.up for key in other.unique_ids}
    for plugin in plugins:
        clash = next((key for key in plugin.unique_ids if key in taken), None)
        if clash is None:
            taken.update(dict.fromkeys(plugin.unique_ids, plugin))
            continue
        mine, other = plugin.installed, taken[clash].installed
        both = f"{mine.distribution or mine.name} and {other.distribution or other.name}"
        words = f"{both} both bring the {clash[0]} {clash[1]!r}; disable one"
        plugin.settle(PluginState.FAILED, words)


def providers(
    plugin: HostedPlugin, known: Iterable[HostedPlugin], *, uses: bool = True
) -> list[HostedPlugin]:
    """Return the plugins that offer what one requires, and what it uses."""
    if plugin.loaded is None:
        return []
    record = plugin.loaded.record
    wanted = {key.name for key in (*record.requires, *(record.uses if uses else ()))}
    return [p for p in known if p is not plugin and not wanted.isdisjoint(p.services)]


def dependents(plugin: HostedPlugin, known: Iterable[HostedPlugin]) -> Iterator[HostedPlugin]:
    """Yield the plugins that run or start and require a service of one, the furthest first."""
    others, offered = list(known), set(plugin.services)
    for other in others:
        there = other.up or other.state is PluginState.STARTING
        required = other.loaded.record.requires if other.loaded and there else ()
        if other is not plugin and offered & {key.name for key in required}:
            yield from dependents(other, others)
            yield other


def missing(
    plugin: HostedPlugin, known: Iterable[HostedPlugin], *, coming: Sequence[HostedPlugin] = ()
) -> str | None:
    """Return a service that a plugin requires and nobody offers who runs or comes, or None."""
    assert plugin.loaded is not None
    offered = {name for p in known if p.up or p in coming for name in p.services}
    required = [key.name for key in plugin.loaded.record.requires]
    return next((name for name in required if name not in offered), None)


def unblocked(blocked: Sequence[HostedPlugin], known: Iterable[HostedPlugin]) -> list[HostedPlugin]:
    """Return the blocked plugins that lack nothing, and those that lack nothing beside them."""
    found: list[HostedPlugin] = []
    while more := [
        plugin
        for plugin in blocked
        if plugin not in found and missing(plugin, known, coming=found) is None
    ]:
        found += more
    return found


def _circle(graph: dict[str, list[str]]) -> list[str]:
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def _graph(
    plugins: dict[str, HostedPlugin], known: list[HostedPlugin], *, uses: bool
) -> dict[str, list[str]]:
    return {
        name: [p.name for p in providers(plugin, known, uses=uses) if p.name in plugins]
        for name, plugin in plugins.items()
    }
