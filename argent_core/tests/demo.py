"""A plugin made of records, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from argent_core.plugins import RECORDS
from argent_hookspecs import Plugin, PluginContext, hookimpl

Records = Iterable[Any] | Callable[[PluginContext], Iterable[Any]]


class Demo:
    """A plugin that brings the records that it is given.

    Args:
        records: What it brings, or a function of its context that makes it.
        name: Its name.
        plugin: Who it says it is.
    """

    def __init__(
        self, *records: Any, name: str = "demo", make: Any = None, **plugin: Any
    ) -> None:
        self.name = name
        self.plugin = Plugin(**{"summary": "For a test.", **plugin})
        self.ctx: PluginContext | None = None
        self._records = records
        self._make = make

    @hookimpl
    def argent_plugin(self) -> Plugin:
        return self.plugin


def _hook(name: str, kind: type[Any]) -> Any:
    def implementation(self: Demo, ctx: PluginContext) -> Sequence[Any]:
        self.ctx = ctx
        records = self._records if self._make is None else self._make(ctx)
        return [record for record in records if type(record) is kind]

    implementation.__name__ = name
    return hookimpl(implementation)


for _name, _kind in RECORDS.items():
    setattr(Demo, _name, _hook(_name, _kind))
