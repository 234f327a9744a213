from __future__ import annotations

import asyncio
import resource
import stat
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from argent_core.database import Database, open_database
from argent_hookspecs import DatabaseDamaged, DiskFull, StorageError, Transaction
from argent_testing import no_leaked_tasks

pytestmark = pytest.mark.anyio

NOTES = ("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE NOT NULL)",)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "notes.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    async with open_database(path, NOTES) as opened:
        yield opened


def add(*texts: str) -> Callable[[Transaction], int]:
    def work(tx: Transaction) -> int:
        tx.executemany("INSERT INTO notes (text) VALUES (?)", [(text,) for text in texts])
        return len(texts)

    return work


def limit(pages: int) -> Callable[[Transaction], Any]:
    """Let the disk be full at a size of the file."""
    return lambda tx: tx.execute(f"PRAGMA max_page_count={pages}").fetchone()


def texts(tx: Transaction) -> list[str]:
    return [text for (text,) in tx.execute("SELECT text FROM notes ORDER BY id").fetchall()]


def spoil(path: Path) -> None:
    """Overwrite the second half of a file."""
    raw = path.read_bytes()
    half = len(raw) // 2
    path.write_bytes(raw[:half] + b"\xaa" * (len(raw) - half))


@contextmanager
def no_file_may_grow() -> Iterator[None]:
    """Let writes to files fail, as on a disk that breaks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def together(*calls: Any) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


class TestWriting:
    async def test_what_is_written_can_be_read(self, database: Database) -> None:
        assert await database.write(add("a", "b")) == 2

        assert await database.read(texts) == ["a", "b"]

    async def test_each_statement_says_what_it_did(self, database: Database) -> None:
        def work(tx: Transaction) -> list[int]:
            first = tx.execute("INSERT INTO notes (text) VALUES (?)", ("a",))
            more = tx.executemany("INSERT INTO notes (text) VALUES (?)", [("b",), ("c",)])
            changed = tx.execute("UPDATE notes SET text = text || '!'")
            none = tx.execute("DELETE FROM notes WHERE text = 'nobody'")
            counts = [cursor.rowcount for cursor in (first, more, changed, none)]
            return [*counts, first.lastrowid]

        assert await database.write(work) == [1, 2, 3, 0, 1]

    async def test_cursors_are_freed(self, database: Database) -> None:
        def two(tx: Transaction) -> weakref.ref[Any]:
            first = tx.execute("INSERT INTO notes (text) VALUES ('a')")
            tx.execute("INSERT INTO notes (text) VALUES ('b')")
            return weakref.ref(first)

        assert (await database.write(two))() is None

    async def test_one_call_runs_one_statement(self, database: Database) -> None:
        name = "x'); DELETE FROM notes; --"

        await database.write(add("a; b"))
        with pytest.raises(StorageError, match="only one statement"):
            await database.write(lambda tx: tx.execute(f"INSERT INTO notes VALUES (2, '{name}')"))

        assert await database.read(texts) == ["a; b"]

    async def test_a_trigger_is_one_statement(self, database: Database) -> None:
        sql = (
            "CREATE TRIGGER one AFTER INSERT ON notes BEGIN"
            " UPDATE notes SET text = 'b' WHERE text = 'a'; END;"
        )

        await database.write(lambda tx: tx.execute(sql).rowcount)
        await database.write(add("a"))

        assert await database.read(texts) == ["b"]

    async def test_what_cannot_be_stored_is_refused(self, database: Database) -> None:
        with pytest.raises(StorageError):
            await database.write(
                lambda tx: tx.execute("INSERT INTO notes (text) VALUES (?)", (Path("a"),))
            )

    async def test_rows_that_are_left_hold_nobody_up(self, database: Database) -> None:
        def broken(tx: Transaction) -> None:
            left = tx.execute("INSERT INTO notes (text) VALUES ('a'), ('b') RETURNING id")
            raise LookupError(left.fetchone())

        results = await together(
            database.write(add("before")), database.write(broken), database.write(add("after"))
        )
        await database.write(add("later"))

        assert [type(result) for result in results] == [int, LookupError, int]
        assert await database.read(texts) == ["before", "after", "later"]

    async def test_it_is_there_when_the_file_is_opened_again(self, path: Path) -> None:
        async with open_database(path, NOTES) as first:
            await first.write(add("kept"))

        async with open_database(path, NOTES) as second:
            assert await second.read(texts) == ["kept"]

    async def test_a_transaction_that_raises_undoes_itself_only(self, database: Database) -> None:
        def broken(tx: Transaction) -> None:
            add("half")(tx)
            raise LookupError("no more")

        results = await together(
            database.write(add("before")), database.write(broken), database.write(add("after"))
        )

        assert [type(result) for result in results] == [int, LookupError, int]
        assert await database.read(texts) == ["before", "after"]

    async def test_so_does_one_that_the_database_refuses(self, database: Database) -> None:
        results = await together(
            database.write(add("same")),
            database.write(add("new", "same")),
            database.write(add("other")),
        )

        assert isinstance(results[1], StorageError)
        assert "UNIQUE" in str(results[1])
        assert await database.read(texts) == ["same", "other"]

    async def test_transactions_run_in_the_order_in_which_they_came(
        self, database: Database
    ) -> None:
        await asyncio.gather(*(database.write(add(f"{n:03}")) for n in range(64)))

        assert await database.read(texts) == [f"{n:03}" for n in range(64)]

    async def test_concurrent_writers_lose_no_update(self, database: Database) -> None:
        def count(tx: Transaction) -> None:
            (n,) = tx.execute("SELECT COUNT(*) FROM notes").fetchone()
            add(f"{n}")(tx)

        async def writer() -> None:
            for _ in range(5):
                await database.write(count)

        await asyncio.gather(*(writer() for _ in range(64)))

        assert await database.read(texts) == [f"{n}" for n in range(320)]

    async def test_waiting_transactions_share_a_commit(self, database: Database) -> None:
        def mark(tx: Transaction) -> str:
            add(f"{id(object())}-{len(texts(tx))}")(tx)
            return "IN" if tx.in_transaction else "OUT"  # type: ignore[attr-defined]

        async def frames() -> int:
            (_, frames, _) = await database.read(
                lambda tx: tx.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()
            )
            return int(frames)

        await database.write(mark)
        alone = await frames()
        await asyncio.gather(*(database.write(mark) for _ in range(100)))

        assert await frames() - alone <= 20

    @pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
    async def test_only_a_durable_commit_is_synced(
        self, database: Database, durable: bool, level: int
    ) -> None:
        def synchronous(tx: Transaction) -> int:
            return int(tx.execute("PRAGMA synchronous").fetchone()[0])

        assert await database.write(synchronous, durable=not durable) != level
        assert await database.write(synchronous, durable=durable) == level

    async def test_one_durable_transaction_makes_the_shared_commit_durable(
        self, database: Database
    ) -> None:
        def synchronous(tx: Transaction) -> int:
            return int(tx.execute("PRAGMA synchronous").fetchone()[0])

        levels = await asyncio.gather(
            database.write(synchronous), database.write(synchronous, durable=True)
        )

        assert list(levels) == [2, 2]

    async def test_a_function_that_ends_the_transaction_is_told_so(
        self, database: Database
    ) -> None:
        with pytest.raises(StorageError, match="ended under its functions"):
            await database.write(lambda tx: tx.execute("COMMIT"))

        await database.write(add("goes on"))
        assert await database.read(texts) == ["goes on"]

    @pytest.mark.parametrize("error", [StopIteration(), SystemExit(3), KeyboardInterrupt()])
    async def test_whatever_is_raised_the_writer_goes_on(
        self, database: Database, error: BaseException
    ) -> None:
        def broken(tx: Transaction) -> None:
            raise error

        with pytest.raises((RuntimeError, SystemExit, KeyboardInterrupt)):
            await database.write(broken)

        await database.write(add("goes on"))
        assert await database.read(texts) == ["goes on"]


class TestCancelledWriter:
    async def test_what_was_queued_has_happened_when_the_cancellation_arrives(
        self, database: Database
    ) -> None:
        task = asyncio.create_task(database.write(add("queued")))
        await asyncio.sleep(0)

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await database.read(texts) == ["queued"]

    async def test_neighbours_do_not_notice(self, database: Database) -> None:
        tasks = [asyncio.create_task(database.write(add(f"{n}"))) for n in range(10)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()

        results = await together(*tasks)

        assert [type(result) for result in results[1::2]] == [int] * 5
        assert await database.read(texts) == [f"{n}" for n in range(10)]

    async def test_a_cancellation_at_the_moment_of_the_commit_waits_for_nothing_more(
        self, database: Database
    ) -> None:
        loop = asyncio.get_running_loop()

        async def cancelled_as_it_ends() -> None:
            def work(tx: Transaction) -> None:
                loop.call_soon_threadsafe(loop.call_soon, task.cancel)

            task = asyncio.create_task(database.write(work))
            await asyncio.wait({task})

        async with asyncio.timeout(10):
            for _ in range(100):
                await cancelled_as_it_ends()

    async def test_a_cancelled_transaction_that_fails_is_undone(self, database: Database) -> None:
        def broken(tx: Transaction) -> None:
            add("half")(tx)
            raise LookupError

        task = asyncio.create_task(database.write(broken))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await database.read(texts) == []


class TestReading:
    async def test_it_sees_one_consistent_view(self, database: Database) -> None:
        await database.write(add("first"))
        loop = asyncio.get_running_loop()

        def look_twice(tx: Transaction) -> tuple[list[str], list[str]]:
            before = texts(tx)
            written = database.write(add("second"))
            asyncio.run_coroutine_threadsafe(written, loop).result(timeout=10)
            return before, texts(tx)

        assert await database.read(look_twice) == (["first"], ["first"])
        assert await database.read(texts) == ["first", "second"]

    async def test_it_cannot_write(self, database: Database) -> None:
        with pytest.raises(StorageError, match="readonly"):
            await database.read(add("sneaked in"))

        assert await database.read(texts) == []

    @pytest.mark.parametrize("sql", ["COMMIT", "SELECT * FROM nowhere"])
    async def test_one_that_fails_leaves_the_next_alone(self, database: Database, sql: str) -> None:
        await database.write(add("there"))

        await together(database.read(lambda tx: tx.execute(sql)))

        assert await database.read(texts) == ["there"]

    async def test_errors_of_the_driver_become_ours(self, database: Database) -> None:
        with pytest.raises(StorageError, match=r"notes\.db: no such table"):
            await database.read(lambda tx: tx.execute("SELECT * FROM nowhere"))


class TestClosing:
    async def test_what_waits_is_written_first(self, path: Path) -> None:
        database = await Database.open(path, NOTES)
        writes = [asyncio.create_task(database.write(add(f"{n}"))) for n in range(2000)]
        await asyncio.sleep(0)

        await database.close()

        assert [write.done() for write in writes] == [True] * 2000
        assert await asyncio.gather(*writes) == [1] * 2000
        async with open_database(path, NOTES) as again:
            assert len(await again.read(texts)) == 2000

    async def test_nothing_can_be_done_afterwards(self, path: Path) -> None:
        database = await Database.open(path, NOTES)
        await database.close()

        with pytest.raises(StorageError, match="closed"):
            await database.write(add("late"))
        with pytest.raises(StorageError, match="closed"):
            await database.read(texts)

    async def test_a_second_time_does_no_harm(self, path: Path) -> None:
        database = await Database.open(path, NOTES)

        await database.close()
        await database.close()

        assert not path.with_name("notes.db-wal").exists()

    async def test_it_leaves_no_task_behind(self, path: Path) -> None:
        async with no_leaked_tasks(), open_database(path, NOTES) as database:
            await database.write(add("one"))


class TestMigrations:
    async def test_each_runs_once_in_order(self, path: Path) -> None:
        async with open_database(path, NOTES) as database:
            await database.write(add("old"))
        more = (*NOTES, "ALTER TABLE notes ADD COLUMN rank DEFAULT 7", "UPDATE notes SET rank = 8")

        for _ in range(2):
            async with open_database(path, more) as database:
                rows = await database.read(
                    lambda tx: tx.execute("SELECT rank FROM notes").fetchall()
                )

        assert rows == [(8,)]

    async def test_one_may_end_in_a_comment(self, path: Path) -> None:
        migrations = ("CREATE TABLE a (x) -- the first", "CREATE TABLE b (x); -- the second")

        async with open_database(path, migrations) as database:
            await database.write(lambda tx: tx.execute("INSERT INTO b SELECT 1"))
        async with open_database(path, migrations) as database:
            count = await database.read(lambda tx: tx.execute("SELECT COUNT(*) FROM b").fetchone())

        assert count == (1,)

    async def test_one_that_fails_changes_nothing_and_can_be_mended(self, path: Path) -> None:
        wrong = (*NOTES, "CREATE TABLE more (x); INSERT INTO nowhere VALUES (1)")
        with pytest.raises(StorageError, match="no such table: nowhere"):
            async with open_database(path, wrong):
                pass

        mended = (*NOTES, "CREATE TABLE more (x)")
        async with open_database(path, mended) as database:
            await database.write(add("works"))

    async def test_a_newer_schema_is_refused_and_left_alone(self, path: Path) -> None:
        async with open_database(path, (*NOTES, "CREATE TABLE more (x)")) as database:
            await database.write(add("precious"))

        with pytest.raises(StorageError, match=r"newer version \(schema 2, this one knows 1\)"):
            async with open_database(path, NOTES):
                pass

        async with open_database(path, (*NOTES, "CREATE TABLE more (x)")) as database:
            assert await database.read(texts) == ["precious"]


class TestTrouble:
    async def test_a_full_disk_is_named_and_nothing_is_lost(self, database: Database) -> None:
        await database.write(add("precious"))
        await database.write(limit(10))

        with pytest.raises(DiskFull, match="Free some space"):
            await database.write(add("x" * 200_000))

        assert await database.read(texts) == ["precious"]

    async def test_it_works_again_once_there_is_room(self, database: Database) -> None:
        await database.write(limit(10))
        with pytest.raises(DiskFull):
            await database.write(add("x" * 200_000))

        await database.write(limit(10_000))
        await database.write(add("y" * 200_000))

        assert [len(text) for text in await database.read(texts)] == [200_000]

    async def test_a_neighbour_is_stored_or_told(self, database: Database) -> None:
        await database.write(limit(10))

        results = await together(
            database.write(add("before")),
            database.write(add("x" * 200_000)),
            database.write(add("after")),
        )

        assert isinstance(results[1], DiskFull)
        stored = await database.read(texts)
        for text, result in (("before", results[0]), ("after", results[2])):
            assert (text in stored) == (result == 1)
            assert result == 1 or isinstance(result, DiskFull)

    async def test_a_refused_neighbour_is_not_blamed_for_the_disk(self, database: Database) -> None:
        await database.write(add("same"))
        await database.write(limit(10))

        results = await together(
            database.write(add("same")),
            database.write(add("x" * 200_000)),
            database.write(add("b")),
        )

        assert isinstance(results[1], DiskFull)
        assert not (isinstance(results[2], StorageError) and "UNIQUE" in str(results[2]))

    async def test_a_commit_that_fails_undoes_all_and_says_why(self, database: Database) -> None:
        await database.write(add("same"))

        with no_file_may_grow():
            results = await together(database.write(add("lost")), database.write(add("same")))

        assert all(isinstance(result, StorageError) for result in results)
        assert "disk I/O error" in str(results[0])
        await database.write(add("goes on"))
        assert await database.read(texts) == ["same", "goes on"]

    async def test_what_is_no_database_is_damaged(self, path: Path) -> None:
        tale = b"once upon a time " * 1000
        path.parent.mkdir()
        await asyncio.to_thread(path.write_bytes, tale)

        with pytest.raises(DatabaseDamaged, match="restore a backup"):
            async with open_database(path, NOTES):
                pass

        assert await asyncio.to_thread(path.read_bytes) == tale

    async def test_text_that_is_none_is_damage(self, database: Database) -> None:
        with pytest.raises(DatabaseDamaged, match="restore a backup"):
            await database.read(lambda tx: tx.execute("SELECT CAST(x'ff' AS TEXT)").fetchone())

    async def test_damage_in_the_middle_is_found(self, path: Path) -> None:
        async with open_database(path, NOTES) as database:
            await database.write(add(*(f"{n}" * 500 for n in range(500))))
        spoil(path)

        async with open_database(path, NOTES) as database:
            try:
                found = await database.check()
            except DatabaseDamaged as error:
                found = str(error)

        assert found

    async def test_a_sound_file_is_sound(self, database: Database) -> None:
        await database.write(add("fine"))

        assert await database.check() is None

    async def test_a_folder_that_cannot_be_made_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")

        with pytest.raises(StorageError, match="cannot be opened"):
            async with open_database(tmp_path / "file" / "notes.db", NOTES):
                pass

    async def test_only_its_owner_may_read_it(self, path: Path, database: Database) -> None:
        await database.write(add("secret"))

        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


async def test_a_script_runs_to_its_end_whatever_it_returns(path: Path) -> None:
    script = f"{NOTES[0]}; SELECT 1; CREATE TABLE more (text)"

    async with open_database(path, (script,)) as database:
        await database.write(add("a"))
        assert await database.read(lambda tx: tx.execute("SELECT * FROM more").fetchall()) == []


async def test_what_was_deleted_is_in_neither_the_file_nor_its_log(path: Path) -> None:
    def held() -> bool:
        files = (path, path.with_name(f"{path.name}-wal"))
        return any(b"xyzzy" in file.read_bytes() for file in files)

    async with open_database(path, NOTES) as database:
        await database.write(lambda tx: tx.execute("PRAGMA secure_delete=ON").fetchall())
        await database.write(add("xyzzy"))
        await database.write(lambda tx: tx.execute("DELETE FROM notes").rowcount)
        assert held()
        await database.flush()
        assert not held()
