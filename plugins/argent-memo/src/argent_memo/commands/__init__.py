"""The commands ``argent memory …``."""

from __future__ import annotations

from argent_memo.commands import changing, finding, moving, upkeep
from argent_memo.commands.group import memory

__all__ = ["changing", "finding", "memory", "moving", "upkeep"]
