"""A run of the kernel as the disk saw it: every change to a file, and what the world knows when."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from attrs import frozen

MARKS = "marks"
"""Name of the file that the world writes its marks into; it is no part of the home."""

ENCRYPTION = "--encryption"

_HEADER = struct.Struct("=IiqII")
_SOURCE = Path(__file__).with_name("shim.c")
_ROOT = Path(__file__).resolve().parents[2]


class Change(NamedTuple):
    """One record of the log.

    Args:
        kind: O(pen), C(lose), W(rite), T(runcate), A(llocate), B(efore a sync), S(ynced),
            U(nlink), M(ake a folder), R(ename), L(ink).
        offset: Where bytes are written, a new size, or the flags of an open.
        first: The bytes, or a path.
        second: Another path.
    """

    kind: str
    fd: int
    offset: int
    first: bytes
    second: bytes


@frozen
class Recording:
    """A run on record.

    Args:
        root: The folder below which all was recorded.
        changes: In their order.
        marks: What the world knew, and after how many changes.
        start: What was on the disk at the beginning, if anything was.
    """

    root: Path
    changes: list[Change]
    marks: list[tuple[int, dict[str, Any]]]
    start: Path | None

    def known(self, place: int) -> list[dict[str, Any]]:
        """Return the marks that were made when a number of changes had been."""
        return [mark for number, mark in self.marks if number <= place]


def compiler() -> str | None:
    """Return the system's compiler of C, if this is a system that the library works on."""
    return shutil.which("cc") if sys.platform == "linux" else None


def build_shim(folder: Path) -> Path:
    """Build the library that records."""
    library = folder / "power.so"
    command = [
        compiler() or "cc",
        "-O2",
        "-U_FORTIFY_SOURCE",
        "-Wall",
        "-Wextra",
        "-shared",
        "-fPIC",
    ]
    subprocess.run([*command, "-o", str(library), str(_SOURCE), "-ldl", "-lpthread"], check=True)
    return library


@frozen
class Earlier:
    """What a power cut left, for a recording to go on from.

    Args:
        folder: What is on the disk.
        marks: What the world knew.
    """

    folder: Path
    marks: list[dict[str, Any]]


def record(
    folder: Path,
    shim: Path,
    *,
    seed: int,
    earlier: Earlier | None = None,
    encryption: bool = False,
) -> Recording:
    """Run a kernel and its world to the end, and keep what happened.

    Args:
        folder: Where the home is made and the log is kept; not there yet.
        encryption: Whether its databases are encrypted, or decrypted, between two starts.
    """
    root = (folder / "disk").resolve()
    past = earlier.marks if earlier else []
    if earlier is None:
        root.mkdir(parents=True)
    else:
        shutil.copytree(earlier.folder, root)
    (folder / "past").write_text(json.dumps(past))
    log = folder / "log"
    variables = {"LD_PRELOAD": str(shim), "POWER_ROOT": str(root), "POWER_LOG": str(log)}
    command = [
        sys.executable,
        "-m",
        "tests.power.scenario",
        str(root),
        str(seed),
        str(folder / "past"),
        *([ENCRYPTION] if encryption else []),
    ]
    subprocess.run(command, cwd=_ROOT, env={**os.environ, **variables}, check=True, timeout=100)
    changes = list(_read(log))
    marks = [(0, mark) for mark in past]
    marks += _marks(changes, str(root / MARKS).encode())
    return Recording(root, changes, marks, earlier.folder if earlier else None)


def _read(log: Path) -> Iterator[Change]:
    raw = log.read_bytes()
    place = 0
    while place < len(raw):
        kind, fd, offset, first, second = _HEADER.unpack_from(raw, place)
        middle = place + _HEADER.size + first
        place = middle + second
        yield Change(chr(kind), fd, offset, raw[middle - first : middle], raw[middle:place])


def _marks(changes: list[Change], path: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    fd = -1
    for number, change in enumerate(changes):
        if change.kind == "O" and change.first == path:
            fd = change.fd
        elif change.kind == "W" and change.fd == fd:
            yield number + 1, json.loads(change.first)
