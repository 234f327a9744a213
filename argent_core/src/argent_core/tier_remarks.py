"""What a person should know of a tier, from what the agent says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from argent_core.words import counted, moment


def remarks(tier: Mapping[str, Any]) -> Iterator[str]:
    """Say what is the matter with a tier."""
    if "problem" in tier:
        yield str(tier["problem"])
    if "resting" in tier:
        rest = tier["resting"]
        failed = counted(rest["failures"], "failure")
        yield f"{tier['provider']} rests until {moment(rest['until'])}, after {failed}"
    if not tier.get("price_known", True):
        near = meant(tier.get("near", ()))
        yield f"its price is not known, so it counts as the dearest that is. {near}".rstrip()


def meant(names: Sequence[str]) -> str:
    """Ask whether one of these was meant.

    >>> meant(["a", "b"]), meant([])
    ('Did you mean "a" or "b"?', '')
    """
    quoted = " or ".join(f'"{name}"' for name in names)
    return f"Did you mean {quoted}?" if names else ""
