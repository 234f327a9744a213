"""The broken file: what a repair has kept beside the memory that it made anew.

What is forgotten still stands in it, as nothing can be deleted from a file that cannot be read; it
can only go as a whole. So can the copy of a log that could not be read to its end, and what a
rebuilding has made that never came to its end.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from argent_hookspecs import Database, Health, StorageError, Transaction
from argent_memo.followed import Followed

REBUILT = "memory_rebuilt"
SAID = (
    "{}, which a repair has kept, may still say what was forgotten. When you miss nothing, delete"
    " it: argent memory forget --broken-file"
)
_ENDS = (".broken", ".broken-wal", ".broken-shm", "-wal.unread")
_HALF_MADE = (f"{REBUILT}.db", f"{REBUILT}.db-wal", f"{REBUILT}.db-shm")
_PIECE = bytes(1 << 20)


async def kept(database: Database) -> list[Path]:
    """Return the files that were kept beside a memory."""
    path = Path(await database.read(path_of))
    # One that is under way or waits to take over is not left over: nothing is forgotten till then.
    waits = isinstance(database, Followed) and database.closed
    return await asyncio.to_thread(_kept, path, half_made=() if waits else _HALF_MADE)


async def said(database: Database) -> str:
    """Say what may still tell what was forgotten, and what to do; empty if there is nothing."""
    files = await kept(database)
    return SAID.format(_names(files)) if files else ""


async def delete(database: Database) -> list[Path]:
    """Delete what was kept; return what that was.

    Raises:
        StorageError: It cannot be deleted.
    """
    files = await kept(database)
    try:
        await asyncio.to_thread(_delete, files)
    except OSError as error:
        words = f"{error.filename}: cannot be deleted: {error.strerror}"
        raise StorageError(words) from error
    return files


async def health(database: Database) -> Health:
    """Say whether a repair has kept something that was not looked at since."""
    files = await kept(database)
    if not files:
        return Health(True, "no repair has kept a broken file")
    size = sum(path.stat().st_size for path in files if path.exists())
    summary = f"a repair has kept {_names(files)} ({size / 1e6:.1f} MB)"
    remedy = (
        "What you forget stays in it. Once you miss nothing: argent memory forget --broken-file"
    )
    return Health(False, summary, remedy=remedy)


def _kept(path: Path, *, half_made: Sequence[str]) -> list[Path]:
    names = [*(path.name + end for end in _ENDS), *half_made]
    return [file for file in map(path.with_name, names) if file.is_file()]


def _delete(files: Sequence[Path]) -> None:
    """Overwrite files and delete them, as the memory does with its own pages."""
    for path in files:
        with path.open("r+b") as file:
            left = os.fstat(file.fileno()).st_size
            while left > 0:
                left -= file.write(_PIECE[:left])
            file.flush()
            os.fsync(file.fileno())
        path.unlink()


def _names(files: Sequence[Path]) -> str:
    return " and ".join(f"data/{path.name}" for path in files)


def path_of(tx: Transaction) -> str:
    """Return where a database is."""
    sql = "SELECT file FROM pragma_database_list WHERE name = 'main'"
    return str(tx.execute(sql).fetchone()[0])
