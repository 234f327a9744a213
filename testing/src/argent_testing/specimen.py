"""One plugin, loaded as the kernel loads it, to be looked at and tried out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from attrs import frozen

from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_core.plugins import LoadedPlugin
from argent_hookspecs import Plugin, PluginContext
from argent_testing.clock import FakeClock
from argent_testing.kernels import assert_started, write_config
from argent_testing.targets import PluginTarget, as_installed, plugin_name

T = TypeVar("T")


@frozen(eq=False)
class Specimen:
    """A plugin that was loaded and started in a kernel that takes no events.

    Args:
        name: Its name.
        record: What it says of itself.
        records: What it brings, in the order of the hooks.
        ctx: What the kernel has given to it.
        clock: The clock behind ``ctx.clock``.
        kernel: The kernel; its services and model providers are open.
    """

    name: str
    record: Plugin
    records: tuple[Any, ...]
    ctx: PluginContext
    clock: FakeClock
    kernel: Kernel

    def of(self, kind: type[T]) -> list[T]:
        """Return the records of a class."""
        return [record for record in self.records if isinstance(record, kind)]

    def live(self, record: object) -> Any:
        """Return what the ``open`` of a service or a model provider yielded."""
        return self.kernel.host.plugins[self.name].live[id(record)]

    @property
    def alive(self) -> list[Any]:
        """All that the records of services, channels and the like have opened."""
        return list(self.kernel.host.plugins[self.name].live.values())

    def collect(self) -> tuple[Any, ...]:
        """Call the plugin's hooks once more and return the records."""
        loaded: LoadedPlugin | None = self.kernel.host.plugins[self.name].loaded
        assert loaded is not None
        return loaded.collect(self.ctx)


@asynccontextmanager
async def load_plugin(
    target: PluginTarget,
    *,
    folder: Path,
    settings: Mapping[str, Any] | None = None,
    beside: Iterable[PluginTarget] = (),
    clock: FakeClock | None = None,
) -> AsyncIterator[Specimen]:
    """Load one plugin through the kernel's loader, for the block.

    Args:
        target: Name of its entry point or module, the module, or an object.
        folder: Home of the kernel.
        settings: The plugin's own section of ``argent.json``.
        beside: Plugins that it needs.
        clock: Time; it stands still, if not given.

    Raises:
        AssertionError: It does not start; says why.
    """
    name, home, clock = plugin_name(target), Home(folder), clock or FakeClock()
    write_config(home, {"plugins": {name: dict(settings)}} if settings else {})
    plugins = [as_installed(one) for one in (target, *beside)]
    async with Kernel(home, plugins=plugins, clock=clock, listening=False) as kernel:
        assert_started(kernel)
        hosted = kernel.host.plugins[name]
        assert hosted.loaded is not None
        assert hosted.context is not None
        record = hosted.loaded.record
        yield Specimen(name, record, hosted.records, hosted.context, clock, kernel)
