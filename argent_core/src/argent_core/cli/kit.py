"""The author's kit: what commands for authors of plugins find in ``argent-testing``."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

import click

GROUP = "argent.kit"
"""The entry-point group in which a kit offers its parts by name."""


def part_of_kit(name: str) -> Any:
    """Import a part of the kit, or say how to install it."""
    found = sorted(entry_points(group=GROUP, name=name), key=lambda point: point.value)
    if not found:
        raise click.ClickException(
            "This needs the kit for authors of plugins. Install it beside Argent: "
            "pip install argent-testing"
        )
    return found[0].load()
