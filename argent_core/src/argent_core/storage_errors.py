"""What the database driver says, in the words of the contract, with what to do about it."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw

from argent_hookspecs import DatabaseDamaged, DiskFull, StorageError

RECOVERY = (
    "Stop Argent, keep a copy of the file and of those beside it that end in -wal and -shm, then "
    "restore a backup, or move the three away to start afresh."
)

UNUSABLE = (apsw.Error, UnicodeDecodeError)
"""What the driver raises; it reads text as UTF-8, and only a damaged file holds any that is not."""

DAMAGED = (apsw.NotADBError, apsw.CorruptError, UnicodeDecodeError)

_NO_ROOM = 1 << 20
_KEPT = "what was accepted before is kept and goes on by itself."
_ACCESS = "Look at who owns it and its folder, and at what both allow."
_HELD = "Another program holds it; end that one."
_ADVICE: dict[type[Exception], str] = {
    apsw.IOError: (
        "Look whether the disk is sound, and whether a quota or a limit on the size of files "
        "(ulimit -f) is reached; what was accepted before is kept."
    ),
    apsw.ReadOnlyError: _ACCESS,
    apsw.CantOpenError: _ACCESS,
    apsw.PermissionsError: _ACCESS,
    apsw.BusyError: _HELD,
    apsw.LockedError: _HELD,
}
_MISFITS = ("no such column", "no such table", "already exists", "duplicate column name")


def map_error(error: Exception, path: Path) -> StorageError:
    """Translate the driver's error."""
    text = str(error)
    mapped: StorageError
    unwritten = isinstance(error, apsw.IOError)
    starved = unwritten and shutil.disk_usage(path.parent).free < _NO_ROOM
    if isinstance(error, apsw.FullError) or starved:
        mapped = DiskFull(f"{path}: no room left on the disk ({text}). Free some space; {_KEPT}")
    elif unwritten and _is_limited():
        words = "no file may grow further here"
        mapped = DiskFull(f"{path}: {words} ({text}). Raise the limit (ulimit -f); {_KEPT}")
    elif isinstance(error, DAMAGED):
        mapped = damaged(path, text)
    else:
        mapped = StorageError(f"{path}: {text}{_advice(error)}")
    mapped.__cause__ = error
    return mapped


def damaged(path: Path, how: str) -> DatabaseDamaged:
    """Say that a file is not a sound database."""
    return DatabaseDamaged(f"{path}: the file is damaged ({how}). {RECOVERY}")


def _is_limited() -> bool:
    """Say whether this process has a limit on the size of files; Windows knows none."""
    try:
        import resource
    except ImportError:
        return False
    return resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY


def _advice(error: Exception) -> str:
    found = _ADVICE.get(type(error), "")
    if not found and any(misfit in str(error) for misfit in _MISFITS):
        found = f"If no program was changed here, the file is damaged. {RECOVERY}"
    return f". {found}" if found else ""
