"""Discovery and collection of plugins; the only file that touches pluggy.

Each plugin is registered with a plugin manager of its own, so that what one gets wrong concerns no
other. pluggy checks names and signatures of hooks; it does not dispatch.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import attrs
import pluggy
from attrs import field, frozen

from argent_core.outcome import shown
from argent_hookspecs import (
    CONTRACT,
    Channel,
    ContextProvider,
    EventSource,
    Filter,
    HealthCheck,
    Job,
    ModelProvider,
    ModelTier,
    Observer,
    OutputHandler,
    Plugin,
    PluginContext,
    PluginError,
    Service,
    ServiceKey,
    Tool,
    specs,
)

GROUP = "argent"

RECORDS: Mapping[str, type[Any]] = {
    "argent_services": Service,
    "argent_event_sources": EventSource,
    "argent_channels": Channel,
    "argent_filters": Filter,
    "argent_context_providers": ContextProvider,
    "argent_model_providers": ModelProvider,
    "argent_model_tiers": ModelTier,
    "argent_tools": Tool,
    "argent_output_handlers": OutputHandler,
    "argent_observers": Observer,
    "argent_jobs": Job,
    "argent_health_checks": HealthCheck,
}
"""What each hook yields, in life-cycle order."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not math.isnan(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int)


_SOUND: Mapping[str, Callable[[Any], bool]] = {
    "id": _is_text,
    "order": _is_number,
    "timeout": _is_number,
    "idle_timeout": _is_number,
    "budget": _is_count,
    "max_output_tokens": _is_count,
    "name": _is_text,
    "provider": _is_text,
    "model": _is_text,
    "description": _is_text,
    "hints": lambda value: isinstance(value, tuple) and all(map(_is_text, value)),
    **dict.fromkeys(("open", "provide", "notify", "run", "check"), callable),
    **dict.fromkeys(("event", "tool_call", "reply"), callable),
}
"""What the kernel relies on in the fields of records, whatever the record."""


@frozen
class InstalledPlugin:
    """A plugin that can be loaded.

    Args:
        name: Name of its entry point; what it is called in the configuration.
        load: Imports it and returns the object that holds its hook implementations.
        distribution: Name of the distribution that brings it.
        version: That distribution's version.
        conflict: Name of another distribution that brings a plugin of the same name.
    """

    name: str
    load: Callable[[], object] = field(eq=False, repr=False)
    distribution: str = ""
    version: str = ""
    conflict: str = ""


@frozen
class LoadedPlugin:
    """A plugin whose code is there and whose hooks are sound."""

    name: str
    record: Plugin
    package: str
    _manager: pluggy.PluginManager = field(eq=False, repr=False)

    def collect(self, ctx: PluginContext) -> tuple[Any, ...]:
        """Call each of the plugin's hooks once and return the records, in life-cycle order.

        Raises:
            PluginError: A hook yields something else than its records, or an id twice.
        """
        records: list[Any] = []
        for hook, kind in RECORDS.items():
            for answer in getattr(self._manager.hook, hook)(ctx=ctx):
                records += self._checked(hook, kind, answer)
        return tuple(records)

    def _checked(self, hook: str, kind: type[Any], answer: object) -> list[Any]:
        if not isinstance(answer, Iterable):
            raise PluginError(self.name, f"{hook} returned {shown(answer)}, not a list of records")
        records = list(answer)
        for record in records:
            if not isinstance(record, kind):
                raise PluginError(
                    self.name, f"{hook} yielded {shown(record)}, not a {kind.__name__}"
                )
            for name, value in _unsound(record):
                words = f"a {kind.__name__} whose {name} is {shown(value)}"
                raise PluginError(self.name, f"{hook} yielded {words}")
        twice = [name for name, n in Counter(r.id for r in records).items() if n > 1]
        if twice:
            raise PluginError(self.name, f"{hook} yielded the id {twice[0]!r} twice")
        return records


def _unsound(record: Any) -> Iterator[tuple[str, object]]:
    """Find the fields of a record that the kernel could not work with."""
    optional = {a.name for a in attrs.fields(type(record)) if a.default is None}
    for name, is_sound in _SOUND.items():
        value = getattr(record, name, None)
        left_out = value is None and (name in optional or not hasattr(record, name))
        if not left_out and not is_sound(value):
            yield name, value


def installed_plugins() -> list[InstalledPlugin]:
    """Find the plugins that are installed, sorted by name; imports none of them."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, []).append(point)
    return [_installed(points) for _, points in sorted(found.items())]


def _installed(points: list[EntryPoint]) -> InstalledPlugin:
    point = points[0]
    names = sorted({p.dist.name for p in points if p.dist is not None})
    return InstalledPlugin(
        name=point.name,
        load=point.load,
        distribution=names[0] if names else "",
        version=point.dist.version if point.dist is not None else "",
        conflict=names[1] if len(names) > 1 else "",
    )


def load(installed: InstalledPlugin) -> LoadedPlugin:
    """Import a plugin and check its hooks; synchronous, and as slow as its imports are.

    Raises:
        PluginError: A hook is misspelt, unmarked or has wrong parameters; the plugin does not say
            who it is; or it was written for another contract.
    """
    name, target = installed.name, installed.load()
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(specs)
    try:
        manager.register(target, name=name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(name, _advice(target) or str(error)) from error
    advice = _advice(target)
    if advice:
        raise PluginError(name, advice)
    answers = manager.hook.argent_plugin()
    if not answers or not isinstance(answers[0], Plugin):
        raise PluginError(name, "has no argent_plugin hook that returns a Plugin")
    _check_record(name, answers[0])
    package = str(getattr(target, "__name__", type(target).__module__)).partition(".")[0]
    return LoadedPlugin(name, answers[0], package, manager)


def _check_record(name: str, record: Plugin) -> None:
    keys: tuple[object, ...] = (*record.requires, *record.uses)
    odd = next((key for key in keys if not isinstance(key, ServiceKey)), None)
    if odd is not None:
        raise PluginError(name, f"requires or uses {odd!r:.80}, which is no ServiceKey")
    kind: object = record.settings
    if kind is not None and not (isinstance(kind, type) and attrs.has(kind)):
        raise PluginError(name, f"its settings are {kind!r:.80}, which is no attrs class")


def compatible(record: Plugin) -> bool:
    """Tell whether a plugin was written for this kernel's contract."""
    return record.contract == CONTRACT


def plugin_settings_classes(but: Collection[str] = ()) -> Mapping[str, type[Any]]:
    """Import the installed plugins and return the settings classes of those that have one.

    A plugin that cannot be loaded is left out; ``argent plugins list`` says why.

    Args:
        but: Names of plugins that are not to be imported.
    """
    from argent_core.guard import attempt

    wanted = [plugin for plugin in installed_plugins() if plugin.name not in but]
    loaded = [attempt(load, plugin).value for plugin in wanted]
    return {p.name: p.record.settings for p in loaded if p is not None and p.record.settings}


def _advice(target: object) -> str:
    """Say what is wrong with the names of a plugin's hooks, or nothing."""
    hooks = [
        name
        for name in vars(specs)
        if name.startswith("argent_") and callable(getattr(specs, name))
    ]
    for name, value in inspect.getmembers(target, callable):
        if not name.startswith("argent_"):
            continue
        if name not in hooks:
            near = difflib.get_close_matches(name, hooks, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            return f"there is no hook {name}{hint}"
        if not hasattr(value, f"{GROUP}_impl"):
            return f"{name} is not marked with @hookimpl"
    return ""
