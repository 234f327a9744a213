"""Whole kernels in temporary homes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import define, evolve, field, frozen

from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_testing.clock import FakeClock
from argent_testing.guards import TaskLeaks, no_blocking
from argent_testing.memory_channel import MemoryChannel
from argent_testing.scripted_model import ScriptedModel, ScriptStep
from argent_testing.targets import PluginTarget, as_installed, package_of, plugin_name

_SOUND = ("running", "disabled", "not approved")


@frozen(kw_only=True)
class _Build:
    """What a kernel is made of."""

    plugins: tuple[PluginTarget, ...]
    model: ScriptedModel | None
    config: Mapping[str, Any]
    home: Home
    allow_faults: bool


@define(eq=False)
class Argent:
    """Runs whole kernels in temporary homes, one after another.

    ``async with argent(plugins=["argent_basics"], model=["It is 4."]) as kernel:`` starts one; the
    test talks to it through ``argent.channel``.

    Args:
        folder: Where the homes are made.
        clock: Time, for every kernel of the test.
        channel: A channel that every kernel of the test has.
        model: The scripted model of the last kernel.
        home: The home of the last kernel.
    """

    folder: Path
    clock: FakeClock = field(factory=FakeClock)
    channel: MemoryChannel = field(factory=MemoryChannel)
    model: ScriptedModel = field(factory=ScriptedModel)
    home: Home = field(init=False)
    _last: _Build | None = None
    _homes: int = 0

    def __call__(
        self,
        plugins: Iterable[PluginTarget] = (),
        *,
        model: ScriptedModel | Iterable[ScriptStep] | None = None,
        config: Mapping[str, Any] | None = None,
        home: Home | None = None,
        allow_faults: bool = False,
    ) -> AbstractAsyncContextManager[Kernel]:
        """Run a kernel for the block.

        Args:
            plugins: What it runs besides the channel: names of entry points or modules, modules,
                or objects.
            model: A scripted model, or the script of one; without it there is none.
            config: The content of ``argent.json``.
            home: The home of an earlier kernel; a new one, if not given.
            allow_faults: Whether plugins may misbehave. Otherwise the test fails when one does not
                start, breaks the contract, blocks the event loop, or leaves a task behind.
        """
        if model is not None and not isinstance(model, ScriptedModel):
            model = ScriptedModel(model)
        build = _Build(
            plugins=tuple(plugins),
            model=model,
            config=config or {},
            home=home or self._new_home(),
            allow_faults=allow_faults,
        )
        return self._run(build)

    def restart(
        self, *, model: ScriptedModel | Iterable[ScriptStep] | None = None, **changes: Any
    ) -> AbstractAsyncContextManager[Kernel]:
        """Run the last kernel again, on its home, after it has stopped.

        Args:
            model: What the model answers from now on; the last one, used up, if not given.
            changes: Other plugins, config or allow_faults than the last time.
        """
        if self._last is None:
            raise AssertionError("there was no kernel yet that could be started again")
        if model is not None:
            changes["model"] = model if isinstance(model, ScriptedModel) else ScriptedModel(model)
        if "plugins" in changes:
            changes["plugins"] = tuple(changes["plugins"])
        return self._run(evolve(self._last, **changes))

    def _new_home(self) -> Home:
        self._homes += 1
        return Home(self.folder / f"home-{self._homes}")

    @asynccontextmanager
    async def _run(self, build: _Build) -> AsyncIterator[Kernel]:
        self._last, self.home = build, build.home
        self.model = build.model or ScriptedModel()
        targets = [self.channel, *build.plugins, *([build.model] if build.model else [])]
        write_config(build.home, _without_ports(build))
        leaks = TaskLeaks()
        async with AsyncExitStack() as stack:
            if not build.allow_faults:
                stack.enter_context(no_blocking(_packages(build.plugins)))
            kernel = Kernel(
                build.home, plugins=[as_installed(one) for one in targets], clock=self.clock
            )
            await stack.enter_async_context(self._with_time(kernel))
            if not build.allow_faults:
                assert_started(kernel)
            yield kernel
            self.model.assert_used_up()
            faults = _faults(kernel)
        faults |= _faults(kernel)
        left = await leaks.found()
        if not build.allow_faults:
            mine = [plugin_name(one) for one in build.plugins]
            problems = [faults[name] for name in mine if name in faults]
            assert not problems, "; ".join(problems)
            assert not left, f"tasks left behind: {', '.join(left)}"

    @asynccontextmanager
    async def _with_time(self, kernel: Kernel) -> AsyncIterator[None]:
        """Run a kernel that looks for what is due whenever the clock is moved."""

        def look() -> None:
            kernel.loop.wake()
            kernel.output_handlers.wake()

        async with kernel:
            self.clock.watchers.append(look)
            try:
                yield
            finally:
                self.clock.watchers.remove(look)


def _without_ports(build: _Build) -> Mapping[str, Any]:
    """Return the config, in which no plugin listens on the same port in every home by default."""
    config = build.config
    names = {plugin_name(one) for one in build.plugins}
    said = not config and build.home.config_file.exists()  # by the test itself, or an earlier run
    if "memo" not in names or said or "memo" in config.get("plugins", {}):
        return config
    return {**config, "memory": {"workerPort": 0, **config.get("memory", {})}}


def write_config(home: Home, config: Mapping[str, Any]) -> None:
    """Write ``argent.json`` of a home, unless there is nothing to write."""
    if config:
        home.create()
        home.config_file.write_text(json.dumps({"version": 1, **config}), encoding="utf-8")
        home.config_file.chmod(0o600)


def assert_started(kernel: Kernel) -> None:
    """Check that every plugin runs, or is switched off by the settings."""
    problems = [
        f"{plugin['name']} is {plugin['state']}: {plugin['reason']}"
        for plugin in kernel.agent.plugins()
        if plugin["state"] not in _SOUND
    ]
    assert not problems, "; ".join(problems)


def _faults(kernel: Kernel) -> dict[str, str]:
    """Return what plugins did wrong, as far as their state still says it."""
    return {
        plugin["name"]: f"{plugin['name']} misbehaved: {plugin['reason']}"
        for plugin in kernel.agent.plugins()
        if plugin["faults"] and plugin["reason"]
    }


def _packages(targets: Iterable[PluginTarget]) -> list[ModuleType]:
    """Return the packages of those plugins that are modules."""
    found = (package_of(target) for target in targets)
    return [package for package in found if package is not None]
