"""Ask, tell, chain: every call into a plugin goes through here.

Whatever a plugin does (raise, hang, return rubbish, swallow its cancellation, exit the process,
leak tasks, block the event loop), its caller gets an answer or an error that names the plugin, in
time. This is the only file with broad ``except`` clauses.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from functools import partial
from typing import Any, NoReturn, TypeVar

from attrs import define, field

from argent_core.mailbox import Mailbox
from argent_core.outcome import Outcome, shown
from argent_core.plugin_callbacks import PluginCallbacks
from argent_core.plugin_tasks import PluginTasks, context_of
from argent_core.plugin_threads import PluginThreads
from argent_core.watchdog import Watchdog
from argent_hookspecs import ArgentError, PluginError, PluginSkipped, PluginTimeout

T = TypeVar("T")

_MISSES = 3
_SKIP_SECONDS = 60.0
_ODD = "something else than it should"

log = logging.getLogger("argent.guard")


def attempt(work: Callable[..., T], *args: Any) -> Outcome[T]:
    """Call a function and keep whatever comes of it."""
    try:
        return Outcome(work(*args))
    except BaseException as error:
        return Outcome(error=error)


async def attempt_async(work: Callable[[], Awaitable[T]]) -> Outcome[T]:
    """Await a call and keep whatever comes of it."""
    try:
        return Outcome(await work())
    except BaseException as error:
        return Outcome(error=error)


@define
class _Record:
    """What is held against one way of calling a plugin."""

    misses: int = 0
    skipped_until: float = 0.0


@define(eq=False, repr=False)
class Guard:
    """The way into plugins, for one kernel.

    Args:
        on_fault: Told the plugin's name and the reason each time one misbehaves.
        most_credit: Seconds, at most, by which one deadline is put off because somebody blocked
            the event loop; it may be the very plugin that is waited for.
    """

    on_fault: Callable[[str, str], None]
    most_credit: float = 60.0
    watchdog: Watchdog = field(init=False)
    tasks: PluginTasks = field(init=False)
    callbacks: PluginCallbacks = field(init=False)
    threads: PluginThreads = field(init=False)
    _records: dict[tuple[str, str], _Record] = field(factory=dict)
    _signs: dict[str, float] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.tasks = PluginTasks(self.on_fault, lambda *wanted: self.watchdog.wait(*wanted))
        self.watchdog = Watchdog(owner=self.tasks.owner, on_fault=self.on_fault)
        self.callbacks = PluginCallbacks(self.on_fault, self.watchdog)
        self.threads = PluginThreads(self.on_fault, self.watchdog)

    def install(self) -> None:
        """Take charge of the running loop: attribute tasks to plugins and watch for blocking."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(self.tasks.make)
        self.callbacks.install(loop)
        self.threads.install(loop)
        self.watchdog.start()

    def uninstall(self) -> None:
        """Give the running loop back."""
        self.watchdog.stop()
        self.threads.uninstall()
        loop = asyncio.get_running_loop()
        self.callbacks.uninstall(loop)
        loop.set_task_factory(None)

    async def ask(
        self,
        plugin: str,
        work: Callable[[], Awaitable[T]],
        *,
        what: str,
        timeout: float,
        expects: Any = object,
        skippable: bool = False,
    ) -> T:
        """Call a plugin and wait for its answer, but not longer than the timeout.

        Args:
            plugin: Its name.
            work: The call.
            what: What is asked, for messages: ``tool calc``.
            timeout: Seconds; time in which somebody blocked the event loop does not count.
            expects: Class, or tuple of classes, of a valid answer.
            skippable: Whether three misses in a row stop further calls for a minute.

        Raises:
            PluginError: It raised, or answered with something else than what is expected.
            PluginTimeout: It did not answer in time.
            PluginSkipped: It was not called.
            ArgentError: It raised one of the contract's own errors, which means what it says.
        """
        record = self._records.setdefault((plugin, what), _Record())
        if skippable and time.monotonic() < record.skipped_until:
            raise PluginSkipped(plugin, f"{what} is skipped, because it failed {_MISSES} times")
        try:
            _demand_seconds(plugin, what, timeout)
            task = self.start(plugin, work, name=what, is_call=True)
            answer = await self._answer(plugin, task, what=what, timeout=timeout, expects=expects)
        except PluginError as error:
            record.misses += 1
            if record.misses >= _MISSES:
                record.misses, record.skipped_until = 0, time.monotonic() + _SKIP_SECONDS
            self.on_fault(plugin, error.reason)
            raise
        record.misses = 0
        return answer

    async def _answer(
        self,
        plugin: str,
        task: asyncio.Task[Outcome[T]],
        *,
        what: str,
        timeout: float,
        expects: Any,
    ) -> T:
        try:
            in_time = await self._wait(task, timeout)
        except asyncio.CancelledError:
            await self.tasks.dispose(plugin, task, what=what)
            raise
        if not in_time:
            await self.tasks.dispose(plugin, task, what=what)
            raise PluginTimeout(plugin, f"{what} did not answer in {timeout:g} s")
        outcome = _result(plugin, what, task)
        if outcome.error is not None:
            _raise(plugin, what, outcome.error)
        if not isinstance(outcome.value, expects):
            raise PluginError(plugin, f"{what} returned {_ODD}: {shown(outcome.value)}")
        return outcome.get()

    async def stream(
        self,
        plugin: str,
        begin: Callable[[], AsyncIterator[T]],
        *,
        what: str,
        idle_timeout: float,
        expects: Any = object,
    ) -> AsyncGenerator[T]:
        """Iterate over what a plugin streams; closing the generator stops the plugin.

        Args:
            plugin: Its name.
            begin: Returns the async iterator.
            what: What is streamed, for messages.
            idle_timeout: Seconds without a part after which the plugin counts as hung.
            expects: Class, or tuple of classes, of a valid part.

        Raises:
            PluginError, PluginTimeout, ArgentError: As for ``ask``.
        """
        parts: asyncio.Queue[tuple[T]] = asyncio.Queue(maxsize=64)

        async def produce() -> None:
            iterator = begin()
            if isinstance(iterator, AsyncGenerator):
                async with aclosing(iterator):
                    async for part in iterator:
                        await parts.put((part,))
            else:
                async for part in iterator:
                    await parts.put((part,))

        task = self.start(plugin, produce, name=what, is_call=True)
        try:
            _demand_seconds(plugin, what, idle_timeout)
            while True:
                item = await self._next(plugin, task, parts, what=what, timeout=idle_timeout)
                if item is None:
                    return
                (part,) = item
                if not isinstance(part, expects):
                    raise PluginError(plugin, f"{what} streamed {_ODD}: {shown(part)}")
                yield part
        except PluginError as error:
            self.on_fault(plugin, error.reason)
            raise
        finally:
            await self.tasks.dispose(plugin, task, what=what)

    async def _next(
        self,
        plugin: str,
        task: asyncio.Task[Outcome[None]],
        parts: asyncio.Queue[tuple[T]],
        *,
        what: str,
        timeout: float,
    ) -> tuple[T] | None:
        """Return the next part, or None at the end."""
        if parts.empty() and not task.done():
            getter = asyncio.ensure_future(parts.get())
            try:
                while not await self._wait(getter, timeout, task):
                    if time.monotonic() - self._signs.get(plugin, 0.0) < timeout:
                        continue
                    raise PluginTimeout(plugin, f"{what} was silent for {timeout:g} s")
                if getter.done():
                    return getter.result()
            finally:
                getter.cancel()
        if not parts.empty():
            return parts.get_nowait()
        error = _result(plugin, what, task).error
        if error is not None:
            _raise(plugin, what, error)
        return None

    def sign_of_life(self, plugin: str) -> None:
        """Note that a plugin reports progress: a stream that is silent meanwhile does not hang."""
        self._signs[plugin] = time.monotonic()

    async def chain(self, value: T, steps: Iterable[Callable[[T], Awaitable[T]]]) -> T:
        """Pass a value through each step in order; the first error ends the chain and is raised."""
        for step in steps:
            value = await step(value)
        return value

    def tell(
        self,
        plugin: str,
        notify: Callable[[T], Awaitable[None]],
        *,
        what: str,
        timeout: float,
        size: int,
    ) -> Mailbox[T]:
        """Make a mailbox for one who is told things and never waited for."""
        return Mailbox(self, plugin, notify, what, timeout, deque(maxlen=size))

    async def in_thread(
        self, plugin: str, work: Callable[[], T], *, what: str, timeout: float
    ) -> T:
        """Run a plugin's synchronous code beside the loop: its import, its hooks.

        The thread is a daemon: one that never returns is left behind and named.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        context = context_of(plugin)

        def run() -> None:
            outcome = attempt(partial(context.run, work))
            attempt(loop.call_soon_threadsafe, _settle, done, outcome)  # it may be closed by now

        threading.Thread(target=run, name=f"{plugin}: {what}", daemon=True).start()

        async def settled() -> T:
            return await done

        return await self.ask(plugin, settled, what=what, timeout=timeout)

    def start(
        self, plugin: str, work: Callable[[], Awaitable[T]], *, name: str, is_call: bool = False
    ) -> asyncio.Task[Outcome[T]]:
        """Start a call in a task of its own, which never raises."""
        return self.tasks.start(plugin, attempt_async(work), name=name, is_call=is_call)

    async def _wait(
        self, task: asyncio.Future[Any], timeout: float, *others: asyncio.Future[Any]
    ) -> bool:
        """Wait until one of the futures is done; give back the time that somebody blocked."""
        futures = {task, *others}
        await self.watchdog.wait(futures, timeout, first=True, most=self.most_credit)
        return any(future.done() for future in futures)


def _settle(future: asyncio.Future[T], outcome: Outcome[T]) -> None:
    if not future.done():
        outcome.resolve(future)


def _demand_seconds(plugin: str, what: str, timeout: object) -> None:
    if not isinstance(timeout, (int, float)):
        raise PluginError(plugin, f"{what} has the timeout {timeout!r}, not a number of seconds")


def _result(plugin: str, what: str, task: asyncio.Task[Outcome[T]]) -> Outcome[T]:
    """Return what came of a call; one that was cancelled under its caller is the plugin's fault."""
    if task.cancelled():
        return Outcome(error=PluginError(plugin, f"{what} was cancelled"))
    return task.result()


def _raise(plugin: str, what: str, error: BaseException) -> NoReturn:
    """Raise a plugin's error: the contract's own as it is, any other with the plugin's name."""
    words = attempt(str, error)
    if isinstance(error, ArgentError) and words.error is None and _is_whole(error):
        raise error
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        raise PluginError(plugin, f"{what} tried to exit the process") from error
    name = type(error).__name__
    said = words.value if words.error is None else "it cannot be shown"
    raise PluginError(plugin, f"{what} raised {name}: {said}"[:500]) from error


def _is_whole(error: ArgentError) -> bool:
    """Tell whether an error of the contract has what the contract says that it has."""
    return not isinstance(error, PluginError) or isinstance(vars(error).get("reason"), str)
