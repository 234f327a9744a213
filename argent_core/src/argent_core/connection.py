"""A connection to an SQLite file, and the thread that it lives on.

The driver is APSW over SQLite3MultipleCiphers: its SQLite is current and the same everywhere, and
can encrypt a file (https://utelle.github.io/SQLite3MultipleCiphers/).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import apsw

T = TypeVar("T")

_BUSY_MILLISECONDS = 10_000
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
        """Run one statement, as far as its first row."""
        connection = self.connection
        before = connection.total_changes()
        super().execute(statements, bindings, **options)
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


def connect(path: Path) -> apsw.Connection:
    """Open a file, which is made if it is not there. Every statement commits by itself."""
    connection = apsw.Connection(str(path), statementcachesize=_STATEMENTS)
    connection.set_busy_timeout(_BUSY_MILLISECONDS)
    connection.cursor_factory = Cursor
    return connection


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
            closed = loop.run_in_executor(self._thread, connection.close)
            self._thread.shutdown(wait=False)
            await asyncio.shield(closed)
