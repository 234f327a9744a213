"""SQLite for the kernel and for every plugin.

One connection writes; transactions that wait share one commit, and still fail one by one. Commits
are fsynced only where a caller says so: in WAL mode with ``synchronous=NORMAL`` a commit survives
the death of the process, and with ``FULL`` a power cut too, together with all commits before it
(https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import Context
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw
from attrs import define, field

from argent_core.connection import ConnectionThread, empty_log
from argent_core.database_file import DatabaseFile, make_private
from argent_core.encryption import PLAIN, Encryption
from argent_core.guard import attempt
from argent_core.outcome import Outcome
from argent_core.storage_errors import UNUSABLE, map_error
from argent_hookspecs import StorageError, Transaction

T = TypeVar("T")
log = logging.getLogger("argent.database")

_BATCH = 512
_FLUSHES = 20
_FLUSH_AGAIN = 0.1


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
    file: DatabaseFile
    _writer: ConnectionThread
    _reader: ConnectionThread
    _pending: list[_Write] = field(factory=list)
    _wake: asyncio.Event = field(factory=asyncio.Event)
    _pump: asyncio.Task[None] | None = None
    _closing: bool = False

    @classmethod
    async def open(
        cls,
        path: Path,
        migrations: Sequence[str],
        *,
        extensions: Sequence[str] = (),
        encryption: Encryption = PLAIN,
    ) -> Database:
        """Open a file. Whoever does must close it; arguments and errors as in ``open_database``."""
        await asyncio.to_thread(make_private, path)
        file = DatabaseFile(path, extensions, encryption)
        writer = ConnectionThread(partial(file.connect_writer, migrations))
        reader = ConnectionThread(file.connect_reader)
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(writer)
                await stack.enter_async_context(reader)
            except UNUSABLE as error:
                raise map_error(error, path) from error
            stack.pop_all()
        database = cls(path, file, writer, reader)
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
        return await asyncio.to_thread(self.file.look_for_damage)

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
