"""The way from a terminal to the agent, which comes back after it was cut."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from typing import Any

import click

from argent_hookspecs import ArgentError, CommandContext, Connection

INTERRUPT: Mapping[str, Any] = {"type": "interrupt"}
"""Received when the person presses Ctrl-C."""
CUT: Mapping[str, Any] = {"type": "cut"}
"""Received once when the connection is lost."""

OPENING_SECONDS = 3.0

_UNREACHABLE = (OSError, ArgentError, click.ClickException)


class Link:
    """A connection to the agent, in one conversation.

    Open, reopen and close it in one and the same task.

    Args:
        context: What the command was given.
        conversation: Name of the conversation.
        patience: Seconds after which a lost agent is given up. It is never started here instead:
            who ran it could not start it again.
    """

    def __init__(
        self,
        context: CommandContext,
        conversation: str,
        *,
        patience: float = 120.0,
    ) -> None:
        self.conversation = conversation
        self._context = context
        self._patience = patience
        self._kernel = AsyncExitStack()
        self._connection = AsyncExitStack()
        self._wire: Connection | None = None
        self._inbox: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()

    @property
    def is_open(self) -> bool:
        """Whether the agent is there."""
        return self._wire is not None

    async def open(self) -> None:
        """Find the agent, or start it, and connect.

        Raises:
            ArgentError: It cannot be started, or this channel does not run in it.
        """
        await self._kernel.enter_async_context(self._context.running_kernel())
        began = asyncio.get_running_loop().time()
        while True:
            try:
                return await self._connect()
            except _UNREACHABLE:
                # An agent that has only just started may not have opened this channel yet.
                if asyncio.get_running_loop().time() - began > OPENING_SECONDS:
                    raise
                await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Disconnect, and stop the agent if it was started here."""
        await self._disconnect()
        await self._kernel.aclose()

    async def reopen(self) -> bool:
        """Come back after a cut; False if the agent stays away or the person gives up."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        delay = 0.05
        await self._disconnect()
        while loop.time() - began < self._patience:
            try:
                await self._connect()
                return True
            except _UNREACHABLE:
                if await self._interrupted_within(delay):
                    return False
                delay = min(delay * 2, 2.0)
        return False

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send, if the agent is there; that it is not is received as ``CUT``."""
        if self._wire is None:
            return
        try:
            await self._wire.send(message)
        except ConnectionError:
            self._lose()

    async def receive(self) -> Mapping[str, Any]:
        """Return what the agent said next, or ``CUT``, or ``INTERRUPT``."""
        return await self._inbox.get()

    def interrupt(self) -> None:
        """Let ``INTERRUPT`` be received."""
        self._inbox.put_nowait(INTERRUPT)

    @contextmanager
    def interrupts(self) -> Iterator[None]:
        """While open, receive Ctrl-C instead of being stopped by it."""
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(signal.SIGINT, self.interrupt)
        except (NotImplementedError, RuntimeError):
            yield  # This platform, or this thread, has only KeyboardInterrupt.
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    async def _interrupted_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while await self._inbox.get() is not INTERRUPT:
                    pass
        except TimeoutError:
            return False
        return True

    async def _connect(self) -> None:
        stack = AsyncExitStack()
        wire = await stack.enter_async_context(self._context.connect("terminal"))
        self._connection, self._wire = stack, wire
        reading = asyncio.create_task(self._read(wire))
        stack.push_async_callback(_end, reading)
        await self.send({"type": "hello", "conversation": self.conversation})

    async def _disconnect(self) -> None:
        self._wire = None
        # A connection that was cut may say so once more while it is closed.
        with suppress(ConnectionError):
            await self._connection.aclose()

    async def _read(self, wire: Connection) -> None:
        with suppress(ConnectionError):
            async for message in wire:
                self._inbox.put_nowait(message)
        if self._wire is wire:
            self._lose()

    def _lose(self) -> None:
        self._wire = None
        self._inbox.put_nowait(CUT)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
