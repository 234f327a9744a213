"""Who may use which tools: by the settings, and by whose words led to the call."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch

from attrs import frozen

from argent_core.config import ToolsSettings
from argent_hookspecs import Effect, Event, Permission, Tool, Trust


@frozen
class ToolPolicy:
    """What the settings say of tools."""

    settings: ToolsSettings

    def of(self, tool: Tool) -> Permission:
        """Return the permission of a tool, whoever asks for it."""
        for pattern, permission in self.settings.policy.items():
            if fnmatch(tool.id, pattern):
                return permission
        return tool.permission

    def is_for(self, event: Event | None, tool: Tool) -> bool:
        """Tell whether a tool may be used at all in the turn of an event."""
        if event is None:
            return True
        names = self._named(event.trust)
        if names is None and event.group and event.trust is Trust.OUTSIDE:
            return False  # anybody could have anything read out to the group
        return names is None or _is_named(tool, names)

    def permission(self, tool: Tool, told: Sequence[Trust]) -> Permission:
        """Return the permission in a turn; what led to the call may not use the tool by itself.

        What can be repeated may be used by content from outside, unless the settings say otherwise.

        Args:
            told: Whose content the model is told.
        """
        permission = self.of(tool)
        if permission is not Permission.ALLOW:
            return permission
        risky = Trust.OUTSIDE in told and tool.effect is not Effect.IDEMPOTENT
        named = [self._named(trust) for trust in told]
        led = any(names is not None and not _is_named(tool, names) for names in named)
        return Permission.ASK if risky or led else permission

    def _named(self, trust: Trust) -> tuple[str, ...] | None:
        """Return the tools for content of a certain trust; None for all."""
        people = self.settings.people
        return {Trust.PAIRED: people.paired, Trust.OUTSIDE: people.outside}.get(trust)


def _is_named(tool: Tool, patterns: Sequence[str]) -> bool:
    return any(fnmatch(tool.id, pattern) for pattern in patterns)
