"""What an installation lacks, in words: builds may be small, and then they say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

PACKAGES: Mapping[str, str] = {
    "chat": "argent-terminal",
    "memory": "argent-memo",
    "router": "argent-router-learned",
}
"""Commands that a package brings, for those who have not installed it."""

_CHANNELS = "pip install argent-terminal to talk here, or argent-telegram for Telegram"


class Absence(NamedTuple):
    """Something that is not there, and what brings it."""

    what: str
    remedy: str


def missing_model(status: Mapping[str, Any]) -> Absence | None:
    """Say why no model can answer, given the agent's status; None if there are some."""
    if status["models"]:
        return None
    providers = ", ".join(status["providers"])
    if not providers:
        return Absence("none", f"pip install argent-llama{_waiting(status)}")
    return Absence(
        f"none: {providers} can run models, but no tier says which one answers",
        "pip install a tier, such as argent-tier-local, or write one into models.json",
    )


def missing_channel(status: Mapping[str, Any]) -> Absence | None:
    """Say that nobody can talk with the agent; None if somebody can."""
    if status["channels"]:
        return None
    return Absence("none", f"{_CHANNELS}{_waiting(status)}")


def _waiting(status: Mapping[str, Any]) -> str:
    """Say how to let in what is installed already, and may not load yet."""
    names = " ".join(status.get("unapproved", ()))
    return f"; or let load what is installed: argent plugins approve {names}" if names else ""


def next_step(commands: Mapping[str, Any], set_ups: list[str]) -> str:
    """Return the command with which a new home is first used.

    Args:
        commands: Those of plugins, by name.
        set_ups: Plugins that ``argent init`` can set up.
    """
    if "chat" in commands:
        return "argent chat"
    return f"argent init {set_ups[0]}" if set_ups else f"pip install {PACKAGES['chat']}"
