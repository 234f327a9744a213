"""What SQLite cannot read of a write-ahead log, and says nothing about.

It goes on from the last commit before the first frame that is not whole. That is right after a
power cut; but where a file is damaged, what was committed after that place would be gone in
silence. The format is https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
"""

from __future__ import annotations

import logging
import os
import shutil
import struct
from pathlib import Path
from typing import Any

from argent_core.guard import attempt
from argent_core.storage_errors import damaged

log = logging.getLogger("argent.database")

_HEADER, _FRAME = 32, 24
_MAGIC = 0x377F0682
_LEAST_BYTES = 512
_ENCRYPTED_FRAME = _FRAME + 4096
_RANDOM = 240
"""Different bytes, at least, in a frame that is encrypted: there are nearly always all 256."""
_UNREAD_END = "-wal.unread"
_UNREAD = (
    "%s: the last of what was written before the last end cannot be read: the power failed in the "
    "middle of it, or the file was damaged (%s)"
)


def log_of(path: Path) -> Path:
    """Return the write-ahead log of a database."""
    return _beside(path, "-wal")


def copy_of(path: Path) -> Path:
    """Return where the log is kept that could not be read to its end."""
    return _beside(path, _UNREAD_END)


def _beside(path: Path, end: str) -> Path:
    return Path(f"{os.path.realpath(path)}{end}")  # beside the file, not its link, as SQLite does


def holds_frames(path: Path) -> bool:
    """Say whether there is a log with something in it beside a database."""
    wal = log_of(path)
    return wal.exists() and wal.stat().st_size > _HEADER


def demand_file(path: Path) -> None:
    """Make sure that a database is there to which its log belongs, or neither.

    Raises:
        DatabaseDamaged: So little of it is left that SQLite would take it for a new one, and throw
            the log away.
    """
    size = path.stat().st_size if path.exists() else 0
    if size < _LEAST_BYTES and (size or holds_frames(path)):
        raise damaged(path, f"only {size} bytes of it are left")


def last_commit(path: Path) -> int:
    """Return the number of the last frame that was written as a commit, sound or not; or 0.

    A header that is not sound counts as one frame: nothing behind it will be read.
    """
    wal = log_of(path)
    if not holds_frames(path):
        return 0
    with wal.open("rb") as file:
        header = file.read(_HEADER)
        page = struct.unpack_from(">I", header, 8)[0]
        if not _is_sound(header):
            return 1
        size = _FRAME + page
        found = 0
        for number in range(1, (wal.stat().st_size - _HEADER) // size + 1):
            file.seek(_HEADER + (number - 1) * size)
            frame = file.read(_FRAME)
            if frame[8:16] == header[16:24] and frame[4:8] != bytes(4):
                found = number
    return found


def keep_copy(path: Path) -> Path:
    """Copy the log of a database, before SQLite writes over it, and return the copy."""
    copy = copy_of(path)
    shutil.copy2(log_of(path), copy)
    return copy


def is_readable(path: Path) -> bool:
    """Tell whether a file is a log, or a copy of one, in which something can be read."""
    with path.open("rb") as file:
        begin = file.read(_HEADER)
        if not (_is_log(begin) or path.name.endswith(_UNREAD_END)):
            return False
        frames = iter(lambda: file.read(_ENCRYPTED_FRAME), b"")
        counts = [
            len(set(frame))
            for number, frame in enumerate(frames)
            if not number or len(frame) == _ENCRYPTED_FRAME
        ]
    return any(1 < count < _RANDOM for count in counts)


def read_to_its_end(connection: Any, path: Path, *, written: int) -> None:
    """Have a log read into its file, before anything else is, which would be over it.

    Args:
        written: What ``last_commit`` said before the connection was opened.
    """
    if not written:
        return
    read = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
    if read < written:
        kept = attempt(keep_copy, path)
        log.error(_UNREAD, path.name, kept.error or f"a copy is kept in {kept.value}")


def _is_log(header: bytes) -> bool:
    return int.from_bytes(header[:4], "big") & ~1 == _MAGIC


def _is_sound(header: bytes) -> bool:
    if not _is_log(header):
        return False
    words = struct.unpack(f"{'>' if header[3] & 1 else '<'}6I", header[:24])
    one = two = 0
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return (one, two) == struct.unpack_from(">2I", header, 24)
