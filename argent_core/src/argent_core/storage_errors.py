"""What the database driver says, in the words of the contract, with what to do about it."""

from __future__ import annotations

import shutil
from pathlib import Path

from argent_hookspecs import DatabaseDamaged, DiskFull, StorageError

RECOVERY = (
    "Stop Argent, keep a copy of the file and of those beside it that end in -wal and -shm, then "
    "restore a backup, or move the three away to start afresh."
)

_NO_ROOM = 1 << 20
_KEPT = "what was accepted before is kept and goes on by itself."
_ADVICE = {
    "SQLITE_IOERR": (
        "Look whether the disk is sound, and whether a quota or a limit on the size of files "
        "(ulimit -f) is reached; what was accepted before is kept."
    ),
    "SQLITE_READONLY": "Look at who owns it and its folder, and at what both allow.",
    "SQLITE_CANTOPEN": "Look at who owns it and its folder, and at what both allow.",
    "SQLITE_PERM": "Look at who owns it and its folder, and at what both allow.",
    "SQLITE_BUSY": "Another program holds it; end that one.",
    "SQLITE_LOCKED": "Another program holds it; end that one.",
}
_MISFITS = ("no such column", "no such table", "already exists", "duplicate column name")


def map_error(error: Exception, path: Path) -> StorageError:
    """Translate the driver's error."""
    text, name = str(error), getattr(error, "sqlite_errorname", "")
    mapped: StorageError
    unwritten = name.startswith("SQLITE_IOERR")
    starved = unwritten and shutil.disk_usage(path.parent).free < _NO_ROOM
    if name.startswith("SQLITE_FULL") or starved:
        mapped = DiskFull(f"{path}: no room left on the disk ({text}). Free some space; {_KEPT}")
    elif unwritten and _is_limited():
        words = "no file may grow further here"
        mapped = DiskFull(f"{path}: {words} ({text}). Raise the limit (ulimit -f); {_KEPT}")
    elif name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        mapped = damaged(path, text)
    else:
        mapped = StorageError(f"{path}: {text}{_advice(name, text)}")
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


def _advice(name: str, text: str) -> str:
    found = next((words for key, words in _ADVICE.items() if name.startswith(key)), "")
    if not found and any(misfit in text for misfit in _MISFITS):
        found = f"If no program was changed here, the file is damaged. {RECOVERY}"
    return f". {found}" if found else ""
