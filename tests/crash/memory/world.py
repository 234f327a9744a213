"""The world with a memory in it, which can be looked into when a home has lived."""

from __future__ import annotations

from pathlib import Path

from attrs import define, field

from tests.crash.world import World


@define(eq=False)
class MemoryWorld(World):
    """A world that knows where its home is.

    Args:
        home: The folder of the kernel.
    """

    home: Path = field(factory=Path, kw_only=True)
