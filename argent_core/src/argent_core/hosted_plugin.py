"""A plugin in the kernel: where it is in its life, and why."""

from __future__ import annotations

import asyncio
import enum
import logging
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from attrs import define, field, frozen

from argent_core.outcome import Outcome
from argent_core.plugins import InstalledPlugin, LoadedPlugin
from argent_hookspecs import (
    Channel,
    ChannelConnection,
    Delivery,
    EventSource,
    Listener,
    ModelClient,
    ModelProvider,
    ModelTier,
    OutputHandler,
    PluginContext,
    Service,
    Tool,
)

log = logging.getLogger("argent.host")

_QUIET_SECONDS = 60.0
_LONGEST_REASON = 1000
_AGAIN = re.compile(r"; it starts again in \d+ s$")
"""Behind the reason of what is tried again and again: that is said once."""


class PluginState(enum.StrEnum):
    """Where a plugin is in its life."""

    DISCOVERED = "discovered"
    NOT_APPROVED = "not approved"
    DISABLED = "disabled"
    INCOMPATIBLE = "incompatible"
    INVALID_SETTINGS = "invalid settings"
    LOADED = "loaded"
    BLOCKED = "blocked"
    STARTING = "starting"
    RUNNING = "running"
    DEGRADED = "degraded"
    STOPPED = "stopped"
    FAILED = "failed"


_UP = (PluginState.RUNNING, PluginState.DEGRADED)
TROUBLE = (
    PluginState.FAILED,
    PluginState.BLOCKED,
    PluginState.INCOMPATIBLE,
    PluginState.INVALID_SETTINGS,
    PluginState.DEGRADED,
)
"""Where a plugin is when the person should look at it."""
UNWANTED = (PluginState.DISABLED, PluginState.NOT_APPROVED)
"""Where a plugin is that the person does not want to run."""
_UNIQUE: dict[type[Any], str] = {
    Service: "service",
    EventSource: "event source",
    Channel: "channel",
    OutputHandler: "channel",
    ModelProvider: "model provider",
    ModelTier: "model tier",
    Tool: "tool",
}

OPENS: dict[type[Any], Any] = {
    Service: object,
    EventSource: Listener,
    Channel: ChannelConnection,
    ModelProvider: ModelClient,
    OutputHandler: Delivery,
}
"""Records that are opened, and what their ``open`` must yield."""


@define(eq=False, repr=False)
class HostedPlugin:
    """A plugin and how it is.

    Args:
        installed: What was found.
        redact: Takes secrets out of a text.
        state: Where it is in its life.
        reason: Why it is there, for the person.
        coming: Its way up, so far as it is under way: loading, then opening.
        back: Done when it is up again, or up at last, or known not to come.
        faults: How often it has misbehaved.
    """

    installed: InstalledPlugin
    redact: Callable[[str], str]
    state: PluginState = PluginState.DISCOVERED
    reason: str = ""
    faults: int = 0
    loaded: LoadedPlugin | None = None
    records: tuple[Any, ...] = ()
    live: dict[int, Any] = field(factory=dict)
    context: PluginContext | None = None
    last_fault: float = 0.0
    root: asyncio.Task[Outcome[None]] | None = None
    closing: asyncio.Event = field(factory=asyncio.Event)
    coming: asyncio.Task[None] | None = None
    back: asyncio.Future[None] | None = None

    @property
    def name(self) -> str:
        """Name of the plugin."""
        return self.installed.name

    @property
    def is_loaded(self) -> bool:
        """Whether its code is there, and nothing was begun yet."""
        return self.state is PluginState.LOADED

    @property
    def up(self) -> bool:
        """Whether it can be called."""
        return self.state in _UP

    @property
    def on_its_way(self) -> bool:
        """Whether it is being loaded or opened."""
        return self.coming is not None and not self.coming.done()

    @property
    def awaited(self) -> set[asyncio.Future[None]]:
        """What to wait for until it is there, or is known not to come."""
        ends: set[asyncio.Future[None] | None] = {self.coming, self.back}
        return {end for end in ends if end is not None and not end.done()}

    @property
    def services(self) -> list[str]:
        """Names of the services that it offers."""
        return [record.id for record in self.records if isinstance(record, Service)]

    @property
    def unique_ids(self) -> list[tuple[str, str]]:
        """What must be unique over all plugins: kind and id. A channel is also a way out.

        A service that stands behind another of its key, by its order, takes nothing from it.
        """
        found = [(_UNIQUE.get(type(record)), record) for record in self.records]
        return [(kind, _unique_id(record)) for kind, record in found if kind is not None]

    def settle(self, state: PluginState, reason: str = "") -> None:
        """Move to a state."""
        self.state, self.reason = state, self._clean(reason)
        level = logging.WARNING if state in TROUBLE else logging.DEBUG
        log.log(level, "%s is %s: %s", self.name, state, self.reason, extra={"plugin": self.name})

    def blame(self, reason: str) -> None:
        """Note that it misbehaved."""
        self.faults += 1
        self.last_fault = time.monotonic()
        before, self.reason = self.reason, self._clean(reason)
        if self.state is PluginState.RUNNING:
            self.state = PluginState.DEGRADED
        tried_again = _AGAIN.search(reason) and _AGAIN.sub("", before) == _AGAIN.sub(
            "", self.reason
        )
        level = logging.DEBUG if tried_again else logging.WARNING
        log.log(level, "%s: %s", self.name, self.reason, extra={"plugin": self.name})

    def mend(self, reason: str) -> None:
        """Note that a fault is over, unless another has come since."""
        if reason and self.reason == self._clean(reason):
            self.reason = ""
            if self.state is PluginState.DEGRADED:
                self.state = PluginState.RUNNING

    def _clean(self, reason: str) -> str:
        return self.redact(reason)[:_LONGEST_REASON]

    def forgive(self) -> None:
        """Count it as sound again after a minute without a fault; the last reason stays shown."""
        quiet = time.monotonic() - self.last_fault > _QUIET_SECONDS
        if self.state is PluginState.DEGRADED and quiet:
            self.state = PluginState.RUNNING


@frozen
class Registered:
    """A record in use: whose it is, what it says, and what its ``open`` yielded."""

    plugin: str
    record: Any
    live: Any = None


class Follower(Protocol):
    """A part of the kernel that does something for each plugin that runs."""

    def plugin_started(self, plugin: str, records: Sequence[Registered]) -> None:
        """Begin, with the plugin's records."""
        ...

    async def plugin_stopping(self, plugin: str) -> None:
        """End what was begun for the plugin."""
        ...


def _unique_id(record: Any) -> str:
    behind = isinstance(record, Service) and record.order
    return f"{record.id} at {record.order}" if behind else str(record.id)
