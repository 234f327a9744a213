"""SQLite for the kernel and for every plugin.

One connection writes; transactions that wait share one commit, and still fail one by one. Commits
are fsynced only where a caller says so: in WAL mode with ``synchronous=NORMAL`` a commit survives
the death of the process, and with ``FULL`` a power cut too, together with all commits before it
(https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import asyncio
import logging
import os
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import Context
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw
from attrs import define, field

from argent_core import wal
from argent_core.connection import ConnectionThread, connect, empty_log, run_script
from argent_core.guard import attempt
from argent_core.outcome import Outcome
from argent_core.remedies import remedy
from argent_core.storage_errors import UNUSABLE, damaged, map_error
from argent_hookspecs import StorageError, Transaction

T = TypeVar("T")
log = logging.getLogger("argent.database")

_BATCH = 512
_CACHE_KIB = 4000
_FLUSHES = 20
_FLUSH_AGAIN = 0.1
_LEAST_BYTES = 512
_MOST_MIGRATIONS = 10_000
_UNREAD = (
    "%s: the last of what was written before the last end cannot be read: the power failed in the "
    "middle of it, or the file was damaged (%s)"
)


@define(eq=False)
class _Write:
    """A function that waits for its commit.

    Args:
        result: What it returns or raises; cancelled, once its caller is.
        settled: Made by a caller that is cancelled, who waits for it nonetheless.
        over: Whether it was done or undone.
    """

    work: Callable[[Transaction], Any]
    durable: bool
    result: asyncio.Future[Any]
    settled: asyncio.Event | None = None
    over: bool = False


@define(eq=False, repr=False)
class Database:
    """One SQLite file; see ``open_database``."""

    path: Path
    _writer: ConnectionThread
    _reader: ConnectionThread
    _pending: list[_Write] = field(factory=list)
    _wake: asyncio.Event = field(factory=asyncio.Event)
    _pump: asyncio.Task[None] | None = None
    _closing: bool = False

    @classmethod
    async def open(
        cls, path: Path, migrations: Sequence[str], *, extensions: Sequence[str] = ()
    ) -> Database:
        """Open a file. Whoever does must close it; arguments and errors as in ``open_database``."""
        await asyncio.to_thread(_make_private, path)
        writer = ConnectionThread(partial(_connect, path, migrations, extensions))
        reader = ConnectionThread(partial(_connect_reader, path, extensions))
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(writer)
                await stack.enter_async_context(reader)
            except UNUSABLE as error:
                raise map_error(error, path) from error
            stack.pop_all()
        database = cls(path, writer, reader)
        # An empty context: a plugin that happens to open the file does not own the task.
        database._pump = asyncio.create_task(
            database._commit_all(), name=f"database {path.name}", context=Context()
        )
        return database

    async def close(self) -> None:
        """Finish what was written and close the file; harmless a second time."""
        self._closing = True
        self._wake.set()
        if self._pump is not None:
            await asyncio.wait({self._pump})
        try:
            await self._reader.close()
        finally:
            await self._writer.close()

    async def write(self, work: Callable[[Transaction], T], *, durable: bool = False) -> T:
        """Run a function in a transaction; return its result once it is committed.

        Args:
            work: Runs on the writer's thread; if it raises, its own changes are undone. It runs a
                second time if another of the same commit raised, so it touches nothing but ``tx``.
            durable: Whether the commit must survive a power cut before this returns.

        Raises:
            DiskFull: There is no room; nothing was written.
            DatabaseDamaged: The file is not sound.
        """
        self._demand_open()
        write = _Write(work, durable, asyncio.get_running_loop().create_future())
        self._pending.append(write)
        self._wake.set()
        try:
            return cast(T, await write.result)
        except asyncio.CancelledError:
            # Once queued it happens; whoever is cancelled must find it either done or undone.
            if write.result.cancelled() and not write.over:
                write.settled = asyncio.Event()
                await write.settled.wait()
            raise

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run a function that only reads, on one consistent view, beside the writer."""
        self._demand_open()
        outcome = await self._reader.run(partial(_read, work))
        return _mapped(outcome, self.path).get()

    async def check(self) -> str | None:
        """Look for damage, beside all else; return what was found, or None if the file is sound."""
        self._demand_open()
        return await asyncio.to_thread(_look_for_damage, self.path)

    async def flush(self) -> None:
        """Write everything into the file and empty its log, so that neither holds what is gone."""
        for _ in range(_FLUSHES):
            self._demand_open()
            # On the reader's thread, where no reading of its own is in the way.
            if _mapped(await self._reader.run(partial(attempt, empty_log)), self.path).get():
                return
            await asyncio.sleep(_FLUSH_AGAIN)
        log.warning("%s is read elsewhere; its log is emptied at the next end", self.path.name)

    def _demand_open(self) -> None:
        if self._closing:
            raise StorageError(f"{self.path}: is closed")

    async def _commit_all(self) -> None:
        while not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                batch, self._pending = self._pending[:_BATCH], self._pending[_BATCH:]
                await self._commit(batch)

    async def _commit(self, batch: list[_Write]) -> None:
        synchronous = "FULL" if any(write.durable for write in batch) else "NORMAL"
        works = [write.work for write in batch]
        outcomes = await self._writer.run(partial(_transact, works, synchronous))
        for write, outcome in zip(batch, outcomes, strict=True):
            write.over = True
            if not write.result.done() and outcome.error is None:
                write.result.set_result(outcome.value)
            elif not write.result.done():
                _mapped(outcome, self.path).resolve(write.result)
            elif write.settled is not None:
                write.settled.set()


def _transact(
    works: Sequence[Callable[[Transaction], Any]], synchronous: str, connection: Any
) -> list[Outcome[Any]]:
    """Run functions and commit once; on the writer's thread. Never raises."""
    together = attempt(_together, works, synchronous, connection)
    if together.error is None:
        return together.get()
    _let_go(together.error)
    _roll_back(connection)
    if len(works) == 1:
        return [Outcome(error=together.error)]
    apart = attempt(_apart, works, connection)
    if apart.error is None:
        return apart.get()
    _roll_back(connection)
    return [Outcome(error=apart.error)] * len(works)


def _together(
    works: Sequence[Callable[[Transaction], Any]], synchronous: str, connection: Any
) -> list[Outcome[Any]]:
    """Run functions of which none raises, as nearly always; savepoints have their price."""
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("BEGIN IMMEDIATE")
    outcomes: list[Outcome[Any]] = []
    for work in works:
        outcomes.append(Outcome(work(connection)))
        _demand_transaction(connection)
    connection.execute("COMMIT")
    return outcomes


def _apart(works: Sequence[Callable[[Transaction], Any]], connection: Any) -> list[Outcome[Any]]:
    """Run functions of which some raise, each in a savepoint of its own."""
    connection.execute("BEGIN IMMEDIATE")
    outcomes: list[Outcome[Any]] = []
    for work in works:
        connection.execute("SAVEPOINT one")
        outcome = attempt(work, connection)
        if isinstance(outcome.error, apsw.Error) and not connection.in_transaction:
            # A full disk rolls everything back under us; the function that met it knows why.
            raise outcome.error
        _demand_transaction(connection)
        if outcome.error is not None:
            _let_go(outcome.error)
            connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")
        outcomes.append(outcome)
    connection.execute("COMMIT")
    return outcomes


def _let_go(error: BaseException) -> None:
    """Let go of the cursors in the frames of an error: one with rows left blocks the file."""
    traceback.clear_frames(error.__traceback__)


def _demand_transaction(connection: Any) -> None:
    if not connection.in_transaction:
        raise StorageError("the transaction ended under its functions")


def _roll_back(connection: Any) -> None:
    if connection.in_transaction:
        attempt(connection.execute, "ROLLBACK")


def _read(work: Callable[[Transaction], T], connection: Any) -> Outcome[T]:
    def run() -> T:
        connection.execute("BEGIN")
        return work(connection)

    outcome = attempt(run)
    if outcome.error is not None:
        _let_go(outcome.error)
    _roll_back(connection)
    return outcome


def _mapped(outcome: Outcome[T], path: Path) -> Outcome[T]:
    if isinstance(outcome.error, UNUSABLE):
        return Outcome(error=map_error(outcome.error, path))
    return outcome


@asynccontextmanager
async def open_database(path: Path, migrations: Sequence[str]) -> AsyncIterator[Database]:
    """Open a file, bring it to the newest schema, and close it at the end.

    Args:
        path: Made, readable by its owner only, if it is not there.
        migrations: SQL scripts, each run once, in order; the number that have been run is kept in
            ``PRAGMA user_version``.

    Raises:
        StorageError: It cannot be opened, is damaged, full, or newer than this program.
    """
    database = await Database.open(path, migrations)
    try:
        yield database
    finally:
        await database.close()


def _make_private(path: Path) -> None:
    try:
        size = path.stat().st_size if path.exists() else 0
        if size < _LEAST_BYTES and (size or wal.holds_frames(path)):
            raise damaged(path, f"only {size} bytes of it are left")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        words = f"{path}: cannot be opened: {error.strerror}. {remedy(error)}"
        raise StorageError(words) from error


def _connect(path: Path, migrations: Sequence[str], extensions: Sequence[str]) -> apsw.Connection:
    written = wal.last_commit(path)
    connection = connect(path, extensions)
    prepared = attempt(_prepare, connection, path, migrations, written)
    if prepared.error is not None:
        connection.close()
    prepared.get()
    return connection


def _prepare(connection: Any, path: Path, migrations: Sequence[str], written: int) -> None:
    if written:  # before anything else is, which would be over it
        read = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
        if read < written:
            kept = attempt(wal.keep_copy, path)
            log.error(_UNREAD, path.name, kept.error or f"a copy is kept in {kept.value}")
    # Only a file without tables takes this; free pages can be given back then.
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=OFF")  # or what is freed is written once more
    connection.execute(f"PRAGMA journal_size_limit={64 << 20}")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    done = connection.execute("PRAGMA user_version").fetchone()[0]
    if not 0 <= done <= _MOST_MIGRATIONS:
        raise damaged(path, f"it says that its schema is the {done}th")
    if done > len(migrations):
        raise StorageError(
            f"{path}: was written by a newer version (schema {done}, this one knows "
            f"{len(migrations)}). Upgrade Argent."
        )
    for number, script in enumerate(migrations[done:], done + 1):
        # On lines of their own, for a script may end in a comment.
        run_script(connection, f"BEGIN;\n{script}\n;PRAGMA user_version={number};\nCOMMIT;")


def _look_for_damage(path: Path) -> str | None:
    connection: Any = _connect_reader(path)
    looked = attempt(lambda: connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    connection.close()
    if isinstance(looked.error, UNUSABLE):
        return str(looked.error)
    found = str(looked.get()).splitlines()[-1]  # the first may be a heading
    return None if found == "ok" else found


def _connect_reader(path: Path, extensions: Sequence[str] = ()) -> apsw.Connection:
    connection = connect(path, extensions)
    connection.execute("PRAGMA query_only=ON")
    return connection
