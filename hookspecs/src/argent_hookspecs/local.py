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


class SetUpContext(CommandContext, Protocol):
    """What a command of the entry-point group ``argent.init`` finds: ``argent init NAME``."""

    def keep_secret(self, name: str, value: str) -> str:
        """Store a secret and return the reference to it. Raises ``SecretError``."""
        ...

    def set_setting(self, path: str, value: str) -> None:
        """Set a setting, ``plugins.NAME.…``; an agent that runs goes by it at once.

        Raises ``ConfigError``.
        """
        ...

    def invite(self, channel: str, *, owner: bool = False) -> str:
        """Return a code that lets in whoever sends it on a channel: once, within the hour.

        Args:
            owner: Whether that person is the owner then.
        """
        ...
