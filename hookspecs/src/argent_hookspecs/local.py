"""Local connections: how a command in a terminal reaches the running kernel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol


class Connection(Protocol):
    """A two-way stream of JSON objects between a command and a plugin, on this machine only."""

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send one object. Raises ``ConnectionError`` when the other side is gone."""
        ...

    def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        """Receive objects until the other side closes."""
        ...


class CommandContext(Protocol):
    """What a command of the entry-point group ``argent.commands`` finds in ``click``'s ``obj``."""

    @property
    def home(self) -> Path:
        """The folder of this agent."""
        ...

    def running_kernel(self) -> AbstractAsyncContextManager[None]:
        """A running kernel: the one already running on this home, or one for the block only."""
        ...

    def connect(self, plugin: str) -> AbstractAsyncContextManager[Connection]:
        """A connection to what a plugin serves (``PluginContext.serve_local``)."""
        ...
