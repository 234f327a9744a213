"""Local connections: how a command reaches the running kernel, on this machine only.

The kernel listens on a free port of the loopback interface and writes the port and a random token
to ``run/link.json``, which only its owner can read. Each line of a connection is a JSON object; the
first one from a client names the token and whom it wants.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from argent_core.guard import Guard
from argent_core.paths import Home
from argent_hookspecs import ArgentError, Connection, PluginError

LONGEST_LINE = 64 << 20
_GREETING_SECONDS = 5.0
_START_TRIES = 150
KERNEL = "kernel"

Serve = Callable[[Connection], Awaitable[None]]


class NotRunning(ArgentError):
    """Report that no kernel runs on this home."""


class CallFailed(ArgentError):
    """Report what the running kernel said to a call that it could not do."""


@define(eq=False)
class Line:
    """One connection: JSON objects both ways, a line each."""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send one object."""
        if self._writer.is_closing():
            raise ConnectionResetError("the other side is gone")
        self._writer.write(json.dumps(message, default=str).encode() + b"\n")
        await self._writer.drain()

    async def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        """Receive objects until the other side closes."""
        while True:
            message = await self.receive()
            if message is None:
                return
            yield message

    async def receive(self) -> Mapping[str, Any] | None:
        """Receive one object; None when the other side has closed, or sends something else."""
        try:
            line = await self._reader.readline()
            message = json.loads(line) if line.endswith(b"\n") else None
        except (ConnectionError, ValueError, RecursionError):
            return None
        return message if isinstance(message, dict) else None

    async def close(self) -> None:
        """Close it."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


@define(eq=False)
class LocalServer:
    """The kernel's end."""

    home: Home
    guard: Guard
    loop: asyncio.AbstractEventLoop = field(factory=asyncio.get_running_loop)
    _handlers: dict[str, Serve] = field(factory=dict)
    _token: str = field(factory=lambda: secrets.token_urlsafe(32))
    _open: set[asyncio.Task[None]] = field(factory=set)

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
        server = await asyncio.start_server(
            self._accept, host="127.0.0.1", port=0, limit=LONGEST_LINE
        )
        port = server.sockets[0].getsockname()[1]
        path = link_file(self.home)
        _write_private(path, {"port": port, "token": self._token, "pid": os.getpid()})
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
            await self._greet(line)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the command went away, or the kernel does; nothing is owed to it
        finally:
            self._open.discard(task)
            await line.close()

    def _knows(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(errors="replace"), self._token.encode())

    async def _greet(self, line: Line) -> None:
        try:
            async with asyncio.timeout(_GREETING_SECONDS):
                hello = await line.receive()
        except TimeoutError:
            return
        if hello is None or not self._knows(str(hello.get("token", ""))):
            return
        name = str(hello.get("to"))
        handler = self._handlers.get(name)
        if handler is None:
            await line.send(
                {"error": f"the plugin {name!r} does not run; see: argent plugins list"}
            )
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
            self.guard.on_fault(name, f"a local connection failed: {error!r}")


@frozen
class LocalCommandContext:
    """A command's end; the contract's ``CommandContext``.

    Args:
        place: The home.
        patience: Seconds after which whoever listens on the port, but does not answer, is no
            kernel.
    """

    place: Home
    patience: float = 10.0

    @property
    def home(self) -> Path:
        """The folder of the agent."""
        return self.place.root

    @asynccontextmanager
    async def running_kernel(self) -> AsyncIterator[None]:
        """Make sure that a kernel runs while the block does: another process's, or one in this."""
        from argent_core.kernel import HomeInUse, Kernel

        if await self.is_running():
            yield
            return
        try:
            kernel = Kernel(self.place)
            await kernel.start()
        except HomeInUse:
            await self._wait_for_other()
            yield
            return
        try:
            yield
        finally:
            await kernel.stop()

    async def _wait_for_other(self) -> None:
        """Wait for the kernel that another process is just starting."""
        for _ in range(_START_TRIES):
            if await self.is_running():
                return
            await asyncio.sleep(0.1)
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
        link = _read_link(link_file(self.place))
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", link["port"], limit=LONGEST_LINE
            )
        except OSError as error:
            raise NotRunning("Argent does not run; start it with: argent start") from error
        line = Line(reader, writer)
        try:
            hello = {"token": link["token"], "to": plugin}
            answer = await _introduce(line, hello, timeout=self.patience)
            if answer is None:
                raise NotRunning("what listens on Argent's port is not this Argent; start it anew")
            if "error" in answer:
                raise CallFailed(str(answer["error"]))
            yield line
        finally:
            await line.close()

    async def operate(
        self, operation: str, *, with_plugins: bool = False, **arguments: Any
    ) -> tuple[Any, bool]:
        """Have the running kernel do something, or do it here while none runs.

        Args:
            with_plugins: Whether the plugins are needed for it.

        Returns:
            The result, and whether a kernel runs.
        """
        try:
            return await self.call(operation, **arguments), True
        except NotRunning:
            from argent_core.kernel import Kernel

            plugins = None if with_plugins else ()
            async with Kernel(self.place, listening=False, plugins=plugins) as kernel:
                return await kernel.control.run(operation, arguments), False

    async def call(self, operation: str, **arguments: Any) -> Any:
        """Have the running kernel do something. Raises ``NotRunning`` or ``CallFailed``."""
        async with self.connect(KERNEL) as line:
            await line.send({"call": operation, "arguments": arguments})
            answer = await line.receive()
        if answer is None:
            raise NotRunning("Argent stopped before it answered")
        if "error" in answer:
            raise CallFailed(str(answer["error"]))
        return answer.get("result")


def link_file(home: Home) -> Path:
    """Return the file that says how to reach the running kernel."""
    return home.run / "link.json"


async def _introduce(
    line: Line, hello: Mapping[str, Any], *, timeout: float
) -> Mapping[str, Any] | None:
    """Say who calls; return the answer, or None if whoever listens there gives none."""
    try:
        async with asyncio.timeout(timeout):
            await line.send(hello)
            return await line.receive()
    except (ConnectionError, TimeoutError):
        return None


def _read_link(path: Path) -> dict[str, Any]:
    try:
        link: dict[str, Any] = json.loads(path.read_text())
        return {"port": int(link["port"]), "token": str(link["token"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotRunning("Argent does not run; start it with: argent start") from error


def _write_private(path: Path, data: Mapping[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(data, file)
    temporary.replace(path)
