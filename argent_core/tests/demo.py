"""A plugin made of records, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from argent_core.kernel import Kernel
from argent_core.plugins import RECORDS
from argent_hookspecs import Plugin, PluginContext, hookimpl


class Demo:
    """A plugin that brings the records that it is given.

    Args:
        records: What it brings.
        name: Its name.
        make: Makes of its context what it brings.
        plugin: Further facts of its own record.
    """

    def __init__(
        self,
        *records: Any,
        name: str = "demo",
        make: Callable[[PluginContext], Iterable[Any]] | None = None,
        **plugin: Any,
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


async def ended(kernel: Kernel, event: str | None) -> dict[str, Any]:
    """Wait until an event is dealt with, and return it."""
    assert event is not None
    async with asyncio.timeout(10):
        while True:
            found = await kernel.agent.events.show(event)
            if found["state"] in ("done", "dead", "cancelled"):
                return found
