"""A plugin made of records, for a test that needs one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from argent_core.plugins import RECORDS
from argent_hookspecs import Plugin, PluginContext, ServiceKey, hookimpl


class MadePlugin:
    """A plugin that brings the records that it is given: ``MadePlugin("demo", tool, job)``.

    Args:
        name: Its name in the kernel and in the settings.
        records: What it brings, of any kinds.
        settings: Its settings class.
        requires: Services without which it does not run.
        ctx: What the kernel has given to it, once it is loaded.
    """

    ctx: PluginContext

    def __init__(
        self,
        name: str,
        *records: Any,
        settings: type[Any] | None = None,
        requires: Iterable[ServiceKey[Any]] = (),
    ) -> None:
        self.name = name
        self.records = records
        self._record = Plugin(
            summary=f"{name}, made for a test.", settings=settings, requires=tuple(requires)
        )

    @hookimpl
    def argent_plugin(self) -> Plugin:
        """Say who this is."""
        return self._record


def _hook(name: str, kind: type[Any]) -> Callable[[MadePlugin, PluginContext], list[Any]]:
    def implementation(self: MadePlugin, ctx: PluginContext) -> list[Any]:
        self.ctx = ctx
        return [record for record in self.records if isinstance(record, kind)]

    implementation.__name__ = name
    return hookimpl(implementation)


for _name, _kind in RECORDS.items():
    setattr(MadePlugin, _name, _hook(_name, _kind))
