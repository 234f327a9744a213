"""A plugin made of records, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, runtime_checkable

from argent_core.kernel import Kernel
from argent_core.plugins import RECORDS
from argent_hookspecs import Plugin, PluginContext, Service, ServiceKey, Tool, hookimpl


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


@runtime_checkable
class Clockwork(Protocol):
    """A service for tests."""


A: ServiceKey[Clockwork] = ServiceKey("a", Clockwork)
B: ServiceKey[Clockwork] = ServiceKey("b", Clockwork)
C: ServiceKey[Clockwork] = ServiceKey("c", Clockwork)


class Diary(list[str]):
    """What opens and closes, in order."""

    def opens(self, name: str) -> Callable[[], AbstractAsyncContextManager[Any]]:
        @asynccontextmanager
        async def open_it() -> AsyncIterator[Any]:
            self.append(f"+{name}")
            yield self
            self.append(f"-{name}")

        return open_it

    def offers(self, key: ServiceKey[Any], *, name: str = "", **plugin: Any) -> Demo:
        """Make a plugin that offers a service."""
        service = Service(key=key, open=self.opens(name or key.name))
        return Demo(service, name=name or key.name, **plugin)


def states(kernel: Kernel) -> dict[str, str]:
    return {plugin["name"]: plugin["state"] for plugin in kernel.agent.plugins()}


def reason(kernel: Kernel, name: str) -> str:
    return str(kernel.host.plugins[name].reason)


def tool(name: str, **other: Any) -> Tool:
    async def run() -> str:
        return name

    return Tool(id=name, description="", run=run, **other)


@asynccontextmanager
async def raising() -> AsyncIterator[None]:
    raise RuntimeError("no power")
    yield
