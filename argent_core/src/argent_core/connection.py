"""A connection to an SQLite file, and the thread that it lives on.

The driver is APSW over SQLite3MultipleCiphers: its SQLite is current and the same everywhere, and
can encrypt a file (https://utelle.github.io/SQLite3MultipleCiphers/).
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import apsw

from argent_hookspecs import SecretError

T = TypeVar("T")

_BUSY_MILLISECONDS = 10_000
_SHORT_MILLISECONDS = 100
_STATEMENTS = 500


class Cursor(apsw.Cursor):
    """A cursor that knows what its statement did, as those of Python's ``sqlite3`` do.

    ``rowcount`` is how many rows it inserted, changed or deleted; a statement with ``RETURNING``
    is known by its rows instead. ``lastrowid`` is the row that was inserted last.
    """

    rowcount = 0
    lastrowid = 0

    def execute(
        self, statements: str, bindings: apsw.Bindings | None = None, **options: Any
    ) -> Cursor:
        """Run one statement, as far as its first row. Raises ``apsw.Error``."""
        if ";" in statements and not _is_one(statements):
            raise apsw.SQLError("only one statement can be run at a time")
        connection = self.connection
        before = connection.total_changes()
        try:
            super().execute(statements, bindings, **options)
        except TypeError as error:
            raise apsw.BindingsError(str(error)) from error
        # What `changes` says is of the last statement that wrote, which may be an earlier one.
        self.rowcount = connection.changes() if connection.total_changes() != before else 0
        self.lastrowid = connection.last_insert_rowid()
        return self

    def executemany(
        self, statements: str, sequenceofbindings: Iterable[apsw.Bindings], **options: Any
    ) -> Cursor:
        """Run one statement for each row of parameters."""
        rows = 0
        for bindings in sequenceofbindings:
            rows += self.execute(statements, bindings, **options).rowcount
        self.rowcount = rows
        return self


@functools.lru_cache(1024)
def _is_one(statements: str) -> bool:
    """Tell whether nothing follows the first statement."""
    text = statements.strip().rstrip(";").rstrip()
    ends = (place + 1 for place, char in enumerate(text) if char == ";")
    return not any(apsw.complete(text[:end]) for end in ends)


def run_script(connection: apsw.Connection, script: str) -> None:
    """Run statements to their end, whatever rows they return."""
    for _ in apsw.Cursor(connection).execute(script):
        continue


def connect(path: Path, *, uri: bool = False) -> apsw.Connection:
    """Open a file, which is made if it is not there. Every statement commits by itself.

    Args:
        uri: Whether its statements may name files by URI.
    """
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    flags |= apsw.SQLITE_OPEN_URI if uri else 0
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=_STATEMENTS)
    connection.set_busy_timeout(_BUSY_MILLISECONDS)
    connection.cursor_factory = Cursor
    return connection


def unlock(connection: apsw.Connection, key: str) -> None:
    """Let a connection read and write an encrypted file, in the format of SQLCipher 4.

    Args:
        key: 64 hexadecimal digits.
    """
    if connection.pragma("cipher", "sqlcipher") != "sqlcipher":
        raise SecretError(
            "The library that encrypts files was replaced by one that cannot. "
            "Install it again with `pip install --force-reinstall apsw-sqlite3mc`."
        )
    connection.pragma("legacy", 4)
    connection.pragma("key", f"x'{key}'")


def empty_log(connection: apsw.Connection) -> bool:
    """Write the log back into the file and empty it; return whether nobody was in the way."""
    connection.set_busy_timeout(_SHORT_MILLISECONDS)
    try:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0]
    except (apsw.BusyError, apsw.LockedError):
        return False
    finally:
        connection.set_busy_timeout(_BUSY_MILLISECONDS)
    return not busy


class ConnectionThread:
    """A connection on a thread of its own, which runs whole functions one after the other.

    Args:
        connect: Opens it, on that thread.
    """

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect
        self._connection: apsw.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")

    async def __aenter__(self) -> ConnectionThread:
        """Open it; if that fails, its thread has ended when the error arrives."""
        loop = asyncio.get_running_loop()
        try:
            self._connection = await loop.run_in_executor(self._thread, self._connect)
        finally:
            if self._connection is None:
                await asyncio.to_thread(self._thread.shutdown)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, work: Callable[[Any], T]) -> T:
        """Run a function of the connection, and return what it does."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, work, self._connection)

    async def close(self) -> None:
        """Close it; harmless a second time."""
        connection, self._connection = self._connection, None
        if connection is not None:
            loop = asyncio.get_running_loop()
            # By force: statements that somebody left unfinished do not keep the file open.
            closed = loop.run_in_executor(self._thread, partial(connection.close, True))
            self._thread.shutdown(wait=False)
            await asyncio.shield(closed)
