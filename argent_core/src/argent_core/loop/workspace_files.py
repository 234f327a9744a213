"""The workspace files: what the person has written down for every turn."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from attrs import define, field

from argent_core.first_run import is_empty, without_comments
from argent_core.guard import attempt
from argent_core.loop.offered_block import OfferedBlock
from argent_hookspecs import ContextBlock

_TOLD = ("AGENTS.md", "SOUL.md", "USER.md", "TOOLS.md", "MEMORY.md")

_Version: TypeAlias = tuple[int, int, int]


@define(eq=False, repr=False)
class WorkspaceFiles:
    """The files of one workspace, read anew when they have changed."""

    folder: Path
    _read: dict[str, tuple[_Version, OfferedBlock | None]] = field(factory=dict)

    def blocks(self) -> list[OfferedBlock]:
        """Return what they say; one with headings and comments only is left out."""
        found = (self._block(name) for name in _TOLD)
        return [block for block in found if block is not None]

    def _block(self, name: str) -> OfferedBlock | None:
        path = self.folder / name
        status = attempt(os.stat, path).value
        if status is None or not path.is_file():
            return None
        version = (status.st_ino, status.st_size, status.st_mtime_ns)
        known = self._read.get(name)
        if known is not None and known[0] == version:
            return known[1]
        text = attempt(path.read_text, "utf-8", "replace")
        if text.error is not None:
            return _offered(name, "", left_out=f"it cannot be read: {text.error}")
        words = without_comments(text.get()).strip()
        block = None if is_empty(words) else _offered(name, words)
        self._read[name] = (version, block)
        return block


def _offered(name: str, words: str, *, left_out: str = "") -> OfferedBlock:
    block = ContextBlock(text=words, source=name, stable=True)
    return OfferedBlock(provider="argent/workspace", block=block, left_out=left_out)
