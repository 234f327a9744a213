"""The tasks of plugins: whose each one is, and how it is ended."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from attrs import define, field

from argent_hookspecs import PluginError

T = TypeVar("T")

GRACE_SECONDS = 0.5
"""How long a task may take to end once it is cancelled."""

MOST_TASKS = 1000
"""How many tasks of its own a plugin may have at once without being named for it."""

_plugin: ContextVar[str | None] = ContextVar("argent_plugin", default=None)


@define(eq=False, repr=False)
class PluginTasks:
    """The tasks that run plugins' code: those that the kernel starts, and those that these start.

    Args:
        on_fault: Told the plugin's name and the reason each time one misbehaves.
        wait: Waits for all of some tasks, for so many seconds in which the loop could run them.
    """

    on_fault: Callable[[str, str], None]
    wait: Callable[[Collection[asyncio.Task[Any]], float], Awaitable[None]]
    _owners: WeakKeyDictionary[asyncio.Task[Any], str] = field(factory=WeakKeyDictionary)
    _started: set[asyncio.Task[Any]] = field(factory=set)
    _calls: set[asyncio.Task[Any]] = field(factory=set)
    _own: Counter[str] = field(factory=Counter)

    def owner(self, task: asyncio.Task[Any]) -> str | None:
        """Return the plugin that a task belongs to, or None."""
        return self._owners.get(task)

    def start(
        self,
        plugin: str,
        coroutine: Coroutine[Any, Any, T],
        *,
        name: str,
        is_call: bool = False,
    ) -> asyncio.Task[T]:
        """Start a task that runs a plugin's code, and keep it; the coroutine must not raise.

        Args:
            is_call: Whether somebody waits for its answer.
        """
        loop = asyncio.get_running_loop()
        context = context_of(plugin)
        task = asyncio.Task(coroutine, loop=loop, name=f"{plugin}: {name}", context=context)
        self._owners[task] = plugin
        # The loop itself holds tasks by weak references only.
        self._started.add(task)
        task.add_done_callback(self._started.discard)
        if is_call:
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        return task

    async def finish_calls(self, plugin: str, seconds: float) -> None:
        """Let the calls that a plugin is answering come to their end, for some seconds at most."""
        calls = [task for task in self._calls if self._owners.get(task) == plugin]
        if calls:
            await self.wait(calls, seconds)

    async def dispose(self, plugin: str, task: asyncio.Task[Any], *, what: str) -> None:
        """Cancel a call, once; one that does not obey is left behind and named."""
        if task.done():
            return
        self._calls.discard(task)
        task.cancel()
        await self.wait({task}, GRACE_SECONDS)
        if not task.done():
            self.on_fault(plugin, f"{what} did not stop when it was cancelled")

    async def sweep(self, plugin: str) -> int:
        """Cancel all tasks of a plugin; return how many there were that it started by itself."""
        mine = asyncio.current_task()
        left = [
            task
            for task, owner in list(self._owners.items())
            if owner == plugin and task is not mine and not task.done()
        ]
        leaked = sum(task not in self._started for task in left)
        for task in left:
            task.cancel()
        if left:
            await self.wait(left, GRACE_SECONDS)
        for task in left:
            if not task.done():
                name = task.get_name().removeprefix(f"{plugin}: ")
                self.on_fault(plugin, f"task {name} did not stop when it was cancelled")
        return leaked

    def running_tasks(self, plugin: str) -> int:
        """Count the tasks of a plugin that have not ended."""
        return sum(o == plugin and not t.done() for t, o in list(self._owners.items()))

    def make(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
    ) -> asyncio.Task[Any]:
        """Make a task, as the event loop's task factory; a plugin's are noted as its own."""
        context = options.get("context")
        plugin = plugin_in(context)
        if plugin is None:
            return asyncio.Task(coroutine, loop=loop, **options)
        task = asyncio.Task(self._contained(plugin, coroutine), loop=loop, **options)
        self._owners[task] = plugin
        self._own[plugin] += 1
        if self._own[plugin] == MOST_TASKS:
            self.on_fault(plugin, f"has {MOST_TASKS} tasks of its own running at once")

        def ended(_: object) -> None:
            self._own[plugin] -= 1
            coroutine.close()  # one that is cancelled before it begins never comes to await it

        task.add_done_callback(ended)
        return task

    async def _contained(self, plugin: str, coroutine: Coroutine[Any, Any, T]) -> T:
        """Keep the exit of a plugin's own task from ending the loop."""
        try:
            return await coroutine
        except (SystemExit, KeyboardInterrupt) as error:
            self.on_fault(plugin, "a task of it tried to exit the process")
            raise PluginError(plugin, "tried to exit the process") from error


def plugin_in(context: Context | None) -> str | None:
    """Return the plugin that a context belongs to, the current one if none is given, or None."""
    return _plugin.get() if context is None else context.get(_plugin)


def context_of(plugin: str) -> Context:
    """Return a context in which new tasks belong to a plugin."""
    context = copy_context()
    context.run(_plugin.set, plugin)
    return context
