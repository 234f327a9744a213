"""File check: whether the store of attachments has what is referred to, as it was handed in."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from attrs import define, field

from argent_core import codec, file_uses
from argent_core.files import FileStore
from argent_core.guard import attempt

_SHOWN = 20


@define
class FileCheck:
    """What was found.

    Args:
        files: How many there are.
        bytes: What they take.
        total: Bytes that they may take.
        missing: By the id of a file that is not there, an event that refers to it.
        damaged: By the id of a file that is not what was handed in, an event that refers to it, or
            nothing.
        unused: How many there are that nothing refers to; they go a day after they came.
        unused_bytes: What those take.
        counts: How many are missing, and how many damaged; of each, the first are named.
    """

    files: int = 0
    bytes: int = 0
    total: int = 0
    missing: dict[str, str] = field(factory=dict)
    damaged: dict[str, str] = field(factory=dict)
    unused: int = 0
    unused_bytes: int = 0
    counts: dict[str, int] = field(factory=dict)


async def check(store: FileStore) -> dict[str, Any]:
    """Look through the store, as JSON values; what comes and goes meanwhile is not counted."""
    before = await store.database.read(file_uses.by_file)
    found = await asyncio.to_thread(_look, store.folder, before)
    after = await store.database.read(file_uses.by_file)
    for wrong in (found.missing, found.damaged):
        for id in [id for id in wrong if id in before and id not in after]:
            del wrong[id]
    found.counts = {"missing": len(found.missing), "damaged": len(found.damaged)}
    found.missing = dict(sorted(found.missing.items())[:_SHOWN])
    found.damaged = dict(sorted(found.damaged.items())[:_SHOWN])
    found.total = store.settings.total
    plain: dict[str, Any] = codec.plain(found)
    return plain


def _look(folder: Path, uses: dict[str, str]) -> FileCheck:
    found, there = FileCheck(), set[str]()
    for path in sorted(folder.glob("??/*")):
        digest, size = _digest(path)
        if size is None:  # it went just now
            continue
        there.add(path.name)
        found.files, found.bytes = found.files + 1, found.bytes + size
        if path.name not in uses:
            found.unused, found.unused_bytes = found.unused + 1, found.unused_bytes + size
        if digest != path.name or path.parent.name != digest[:2]:
            found.damaged[path.name] = uses.get(path.name, "")
    found.missing = {
        id: turn
        for id, turn in uses.items()
        if id not in there and not (folder / id[:2] / id).exists()
    }
    return found


def _digest(path: Path) -> tuple[str, int | None]:
    """Return the digest of a file, and its size; an empty one where it cannot be read."""
    size = attempt(lambda: path.stat().st_size).value
    return attempt(_hash, path).value or "", size


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
