"""Local connections: how a command reaches the running kernel, on this machine only."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from argent_core.guard import Guard
from argent_core.line import CHUNK, Line
from argent_core.link import (
    ENDED,
    KERNEL,
    NOBODY,
    PATIENCE,
    STRANGER,
    Unreachable,
    challenge,
    link_file,
    proof,
    proves,
    read_link,
    write_private,
)
from argent_core.outcome import shown
from argent_core.paths import Home
from argent_hookspecs import ArgentError, Connection, PluginError

if TYPE_CHECKING:
    from argent_core.kernel import Kernel

_LONGEST_GREETING = 4096
_MOST_GREETINGS = 256
_GREETING_SECONDS = 5.0
_START_TRIES = 150

Serve = Callable[[Connection], Awaitable[None]]
Tell = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Told how far a long operation is."""


async def unheard(progress: Mapping[str, Any]) -> None:
    """Let progress go unheard."""


class NotRunning(ArgentError):
    """Report that no kernel runs on this home."""


class CallFailed(ArgentError):
    """Report what the running kernel said to a call that it could not do."""


@define(eq=False, repr=False)
class LocalServer:
    """The kernel's end.

    Args:
        why_down: Says why a plugin does not run, as far as it is known.
    """

    home: Home
    guard: Guard
    why_down: Callable[[str], str]
    loop: asyncio.AbstractEventLoop = field(factory=asyncio.get_running_loop)
    _handlers: dict[str, Serve] = field(factory=dict)
    _token: str = field(factory=lambda: secrets.token_urlsafe(32), repr=False)
    _open: set[asyncio.Task[None]] = field(factory=set)
    _greeted: int = 0

    @asynccontextmanager
    async def serve(self, name: str, handler: Serve) -> AsyncIterator[None]:
        """While the block runs, hand connections for a name to its handler.

        Raises:
            PluginError: It has a handler already.
        """
        if name in self._handlers:
            raise PluginError(name, "serves local connections already")
        self._handlers[name] = handler
        try:
            yield
        finally:
            del self._handlers[name]

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[None]:
        """Take connections while the block runs."""
        server = await asyncio.start_server(self._accept, host="127.0.0.1", port=0, limit=CHUNK)
        port = server.sockets[0].getsockname()[1]
        path = link_file(self.home)
        write_private(path, {"port": port, "token": self._token})
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            server.close()
            for task in list(self._open):
                task.cancel()
            if self._open:
                await asyncio.wait(self._open, timeout=2.0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        line = Line(reader, writer)
        try:
            name = await self._greet(line)
            if name is not None:
                await self._hand_over(line, name)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the command went away, or the kernel does; nothing is owed to it
        finally:
            self._open.discard(task)
            await line.close()

    async def _greet(self, line: Line) -> str | None:
        """Return whom a command wants, once it has proved that it may; None if it has not."""
        if self._greeted >= _MOST_GREETINGS:
            return None
        self._greeted += 1
        try:
            async with asyncio.timeout(_GREETING_SECONDS):
                mine = challenge()
                await line.send({"challenge": mine})
                hello = await line.receive(longest=_LONGEST_GREETING) or {}
        except TimeoutError:
            return None
        finally:
            self._greeted -= 1
        theirs = str(hello.get("challenge"))
        if not proves(hello, self._token, mine=mine, theirs=theirs):
            return None
        await line.send({"proof": proof(self._token, theirs=theirs, mine=mine)})
        return str(hello.get("to"))

    async def _hand_over(self, line: Line, name: str) -> None:
        handler = self._handlers.get(name)
        if handler is None:
            why = f" ({known})" if (known := self.why_down(name)) else ""
            words = f"the plugin {name!r} does not run{why}; see: argent plugins list"
            await line.send({"error": words})
            return
        await line.send({"ready": True})
        if name == KERNEL:
            await handler(line)
            return
        task = self.guard.start(name, lambda: handler(line), name="local connection")
        try:
            await asyncio.wait({task})
        finally:
            await self.guard.tasks.dispose(name, task, what="local connection")
        error = task.result().error if task.done() and not task.cancelled() else None
        if error is not None and not isinstance(error, (ConnectionError, asyncio.CancelledError)):
            self.guard.on_fault(name, f"a local connection failed: {shown(error)}")


@frozen
class LocalCommandContext:
    """A command's end; the contract's ``CommandContext``.

    Args:
        place: The home.
        patience: Seconds after which whoever listens on the port, but does not answer, is no
            kernel.
    """

    place: Home
    patience: float = PATIENCE

    @property
    def home(self) -> Path:
        """The folder of the agent."""
        return self.place.root

    @asynccontextmanager
    async def running_kernel(self) -> AsyncIterator[None]:
        """Make sure that a kernel runs while the block does: another process's, or one in this."""
        from argent_core.home_lock import HomeInUse
        from argent_core.kernel import Kernel

        if await self.is_running():
            yield
            return
        try:
            kernel = Kernel(self.place)
            await kernel.start()
            _tell_first(kernel)
        except HomeInUse as error:
            await self._wait_for_other(error)
            yield
            return
        try:
            async with _ended_by(kernel.wait):
                yield
        finally:
            await kernel.stop()

    async def _wait_for_other(self, held: ArgentError) -> None:
        """Wait for the kernel that another process is just starting."""
        for _ in range(_START_TRIES):
            if await self.is_running():
                return
            await asyncio.sleep(0.1)
        if not link_file(self.place).exists():
            raise NotRunning(str(held)) from held
        raise NotRunning(
            f"another process holds {self.home}, but does not answer; end it and try again"
        )

    async def is_running(self) -> bool:
        """Tell whether a kernel answers on this home."""
        try:
            async with self.connect(KERNEL):
                return True
        except NotRunning:
            return False

    @asynccontextmanager
    async def connect(self, plugin: str) -> AsyncIterator[Line]:
        """Connect to what a plugin serves. Raises ``NotRunning``."""
        try:
            link = read_link(link_file(self.place))
            reader, writer = await asyncio.open_connection("127.0.0.1", link["port"], limit=CHUNK)
        except (OSError, Unreachable) as error:
            raise NotRunning(NOBODY) from error
        line = Line(reader, writer)
        try:
            answer = await _introduce(line, link["token"], plugin=plugin, timeout=self.patience)
            if answer is None:
                raise NotRunning(STRANGER)
            if "error" in answer:
                raise CallFailed(str(answer["error"]))
            yield line
        finally:
            await line.close()

    async def operate(
        self,
        operation: str,
        *,
        with_plugins: bool = False,
        tell: Tell = unheard,
        **arguments: Any,
    ) -> tuple[Any, bool]:
        """Have the running kernel do something, or do it here while none runs.

        Args:
            with_plugins: Whether the plugins are needed for it.
            tell: Told how far it is, if it takes long.

        Returns:
            The result, and whether a kernel runs.
        """
        try:
            return await self.call(operation, tell=tell, **arguments), True
        except NotRunning:
            here = self.operate_here(operation, arguments, with_plugins=with_plugins, tell=tell)
            return await here, False

    async def operate_here(
        self,
        operation: str,
        arguments: Mapping[str, Any],
        *,
        with_plugins: bool = False,
        tell: Tell = unheard,
    ) -> Any:
        """Do something in this process, with a kernel that only looks."""
        from argent_core.kernel import Kernel

        plugins = None if with_plugins else ()
        async with Kernel(self.place, listening=False, plugins=plugins) as kernel:
            _tell_first(kernel)
            return await kernel.control.run(operation, arguments, tell=tell)

    async def call(self, operation: str, *, tell: Tell = unheard, **arguments: Any) -> Any:
        """Have the running kernel do something. Raises ``NotRunning`` or ``CallFailed``."""
        async with self.connect(KERNEL) as line:
            await line.send({"call": operation, "arguments": arguments})
            while (answer := await line.receive()) is not None and "progress" in answer:
                await tell(answer["progress"])
        if answer is None:
            raise NotRunning(ENDED)
        if "error" in answer:
            raise CallFailed(str(answer["error"]))
        return answer.get("result")


def _tell_first(kernel: Kernel) -> None:
    """Let the person hear which plugins were approved unasked."""
    from argent_core.plugin_trust.approval import said_first

    if words := said_first(kernel.trust.first):
        print(words, file=sys.stderr)


@asynccontextmanager
async def _ended_by(wait: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """End the block, with ``NotRunning``, when a wait is over."""
    body = asyncio.current_task()
    assert body is not None

    def end(_: asyncio.Task[None]) -> None:
        body.cancel()

    over = asyncio.create_task(wait())
    over.add_done_callback(end)
    try:
        yield
    except asyncio.CancelledError:
        if not over.done():
            raise
        body.uncancel()
        raise NotRunning("Argent was stopped") from over.exception()
    finally:
        over.remove_done_callback(end)
        over.cancel()


async def _introduce(
    line: Line, token: str, *, plugin: str, timeout: float
) -> Mapping[str, Any] | None:
    """Say who calls; return the answer, or None if it is not the kernel that listens there."""
    mine = challenge()
    try:
        async with asyncio.timeout(timeout):
            theirs = str((await line.receive() or {}).get("challenge"))
            known = proof(token, theirs=theirs, mine=mine)
            await line.send({"to": plugin, "challenge": mine, "proof": known})
            if not proves(await line.receive() or {}, token, mine=mine, theirs=theirs):
                return None
            return await line.receive()
    except (ConnectionError, TimeoutError):
        return None
