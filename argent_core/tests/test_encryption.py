from __future__ import annotations

import asyncio
import logging
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from argent_core.connection import connect, unlock
from argent_core.database import Database
from argent_core.encryption import Encryption, set_aside
from argent_core.paths import Home
from argent_core.secrets import SecretStore
from argent_hookspecs import DatabaseDamaged, DiskFull, StorageError, Transaction
from argent_testing import Argent

from .demo import Demo

pytestmark = pytest.mark.anyio

SCHEMA = (
    "CREATE TABLE notes (text TEXT); CREATE VIRTUAL TABLE words USING fts5(text);"
    "CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT)",
)
WORD = b"xyzzy"


@pytest.fixture
def path(home: Home) -> Path:
    return home.data / "notes.db"


async def opened(home: Home, *, encrypted: bool, name: str = "notes") -> Database:
    encryption = Encryption(encrypted, SecretStore(home))
    return await Database.open(home.data / f"{name}.db", SCHEMA, encryption=encryption)


async def kept(home: Home, *, encrypted: bool, work: Callable[[Transaction], Any]) -> Any:
    """Open the file, do something, and close it."""
    database = await opened(home, encrypted=encrypted)
    try:
        return await database.write(work)
    finally:
        await database.close()


def fill(tx: Transaction) -> None:
    for n in range(600):
        tx.execute("INSERT INTO notes VALUES (?)", (f"xyzzy {n}",))
    tx.execute("DELETE FROM notes WHERE rowid % 3 = 0")
    tx.execute("INSERT INTO words VALUES ('xyzzy hello')")
    tx.execute("INSERT INTO numbered (text) VALUES ('xyzzy')")


def everything(tx: Transaction) -> list[Any]:
    found = "SELECT rowid FROM words WHERE words MATCH 'hello'"
    return [
        tx.execute("SELECT rowid, text FROM notes").fetchall(),
        tx.execute(found).fetchall(),
        tx.execute("SELECT * FROM sqlite_sequence").fetchall(),
        tx.execute("PRAGMA user_version").fetchone(),
        tx.execute("PRAGMA auto_vacuum").fetchone(),
        tx.execute("PRAGMA journal_mode").fetchone(),
        tx.execute("PRAGMA quick_check").fetchall(),
    ]


async def crashed(home: Home, *, encrypted: bool) -> dict[str, bytes]:
    """Fill the file, and leave it as after a crash; return what its files hold."""
    database = await opened(home, encrypted=encrypted)
    await database.write(fill)
    files = {beside.name: beside.read_bytes() for beside in home.data.glob("notes.db*")}
    await database.close()
    put(home, files)
    return files


def put(home: Home, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (home.data / name).write_bytes(content)


def plain_files(home: Home) -> set[str]:
    return {path.name for path in home.data.iterdir() if path.is_file() and holds(path)}


def raw(path: Path) -> bytes:
    return path.read_bytes()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def is_encrypted(path: Path) -> bool:
    return not raw(path).startswith(b"SQLite format 3")


def holds(path: Path) -> bool:
    return WORD in path.read_bytes()


async def test_nothing_can_be_read_in_its_files_even_while_it_is_open(home: Home) -> None:
    database = await opened(home, encrypted=True)
    await database.write(fill)

    assert {"notes.db", "notes.db-wal"} <= {path.name for path in home.data.iterdir()}
    assert plain_files(home) == set()
    assert await database.check() is None
    await database.close()
    assert plain_files(home) == set()


async def test_without_it_nothing_is_encrypted_and_no_key_is_made(home: Home) -> None:
    await kept(home, encrypted=False, work=fill)

    assert plain_files(home) == {"notes.db"}
    assert {path.name for path in home.data.iterdir() if path.is_file()} == {"notes.db"}


async def test_a_file_is_changed_over_both_ways(home: Home, path: Path) -> None:
    await kept(home, encrypted=False, work=fill)
    before = await kept(home, encrypted=False, work=everything)

    assert await kept(home, encrypted=True, work=everything) == before
    assert plain_files(home) == set()
    assert mode(path) == 0o600
    assert await kept(home, encrypted=False, work=everything) == before
    assert not is_encrypted(path)
    names = {path.name for path in home.data.iterdir() if path.is_file()}
    assert names == {"notes.db", "secrets.db", "secrets.key"}


async def test_what_stood_in_the_log_only_comes_along(home: Home, path: Path) -> None:
    files = await crashed(home, encrypted=False)
    assert len(files["notes.db-wal"]) > len(files["notes.db"])

    found = await kept(home, encrypted=True, work=everything)

    assert len(found[0]) == 400
    assert plain_files(home) == set()


async def test_an_encrypted_log_is_read_after_a_crash(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    await crashed(home, encrypted=True)

    assert len((await kept(home, encrypted=True, work=everything))[0]) == 400
    assert [line for line in caplog.records if line.levelno >= logging.WARNING] == []


async def test_it_is_in_the_format_of_sqlcipher(home: Home, path: Path) -> None:
    await kept(home, encrypted=True, work=fill)
    key = SecretStore(home).database_key(make=False)
    assert key is not None

    connection = connect(path)
    unlock(connection, key)

    assert connection.execute("SELECT COUNT(*) FROM notes").fetchone() == (400,)
    connection.close()


@pytest.mark.parametrize("encrypted", [True, False])
async def test_with_another_key_it_says_so_and_changes_nothing(
    home: Home, path: Path, encrypted: bool
) -> None:
    await kept(home, encrypted=True, work=fill)
    for name in ("secrets.db", "secrets.key"):
        (home.data / name).unlink()
    SecretStore(home).database_key(make=True)
    before = raw(path)

    with pytest.raises(DatabaseDamaged, match=r"another key than this home's.*secrets\.key back"):
        await opened(home, encrypted=encrypted)

    assert raw(path) == before
    assert not list(home.data.glob("*notes.db?*"))


async def test_without_its_key_it_says_so_and_makes_no_other(home: Home, path: Path) -> None:
    await kept(home, encrypted=True, work=fill)
    for name in ("secrets.db", "secrets.key"):
        (home.data / name).unlink()
    before = raw(path)

    with pytest.raises(DatabaseDamaged, match=r"with a key that is gone.*secrets\.key back"):
        await opened(home, encrypted=True)

    assert raw(path) == before
    assert SecretStore(home).database_key(make=False) is None


async def test_no_other_key_is_made_while_a_file_waits_for_the_one_that_is_gone(
    home: Home, path: Path
) -> None:
    await (await opened(home, encrypted=False, name="other")).close()
    await kept(home, encrypted=True, work=fill)
    for name in ("secrets.db", "secrets.key"):
        (home.data / name).rename(home.root / name)

    for name in ("other", "fresh"):
        with pytest.raises(DatabaseDamaged, match=r"cannot be encrypted while \S*notes\.db"):
            await opened(home, encrypted=True, name=name)
    assert SecretStore(home).database_key(make=False) is None

    for name in ("secrets.db", "secrets.key"):
        (home.root / name).rename(home.data / name)
    assert len((await kept(home, encrypted=True, work=everything))[0]) == 400
    await (await opened(home, encrypted=True, name="other")).close()


@pytest.mark.parametrize("encrypted", [True, False])
async def test_a_damaged_file_is_left_alone_and_opens_as_it_is(
    home: Home, path: Path, encrypted: bool
) -> None:
    await kept(home, encrypted=not encrypted, work=fill)
    content = bytearray(raw(path))
    content[3 * 4096 : 4 * 4096] = os.urandom(4096)
    put(home, {path.name: bytes(content)})

    setting = str(not encrypted).lower()
    with pytest.raises(DatabaseDamaged, match=f"storage.encrypted {setting}.*Nothing was changed"):
        await opened(home, encrypted=encrypted)

    assert raw(path)[4096:] == content[4096:], "but for the page that says how it is kept"
    database = await opened(home, encrypted=not encrypted)
    assert await database.check() is not None
    await database.close()


async def test_the_log_of_a_file_that_was_cut_is_kept(home: Home, path: Path) -> None:
    files = await crashed(home, encrypted=False)
    put(home, {path.name: raw(path)[:100]})

    Encryption(True, SecretStore(home)).settle_all(home.data)

    assert raw(home.data / "notes.db-wal") == files["notes.db-wal"]
    assert len(raw(path)) == 100


@contextmanager
def growing_to(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes, as on a disk that is full."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.skipif(os.name != "posix", reason="nothing limits files there")
@pytest.mark.parametrize("encrypted", [True, False])
async def test_without_room_for_the_copy_it_is_as_it_was(home: Home, encrypted: bool) -> None:
    SecretStore(home).database_key(make=True)
    for _ in range(4):
        await kept(home, encrypted=not encrypted, work=fill)
    before = await kept(home, encrypted=not encrypted, work=everything)

    with growing_to(40_000), pytest.raises(DiskFull, match="Raise the limit"):
        await opened(home, encrypted=encrypted)

    assert {path.name for path in home.data.glob("*notes.db*")} == {"notes.db"}
    assert await kept(home, encrypted=not encrypted, work=everything) == before
    assert await kept(home, encrypted=encrypted, work=everything) == before


async def test_what_is_sorted_stands_in_no_other_file(home: Home) -> None:
    database = await opened(home, encrypted=True)
    settings = [
        await work(lambda tx: tx.execute("PRAGMA temp_store").fetchone()[0])
        for work in (database.write, database.read)
    ]
    await database.close()

    assert settings == [2, 2], "in memory, see https://www.sqlite.org/pragma.html#pragma_temp_store"


async def test_a_file_that_another_program_holds_is_left_alone(home: Home, path: Path) -> None:
    await kept(home, encrypted=False, work=fill)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM notes")

    change = asyncio.create_task(opened(home, encrypted=True))
    with pytest.raises(StorageError, match="Another program holds it"):
        await change

    assert not is_encrypted(path)
    other.execute("ROLLBACK")
    other.close()
    assert len((await kept(home, encrypted=True, work=everything))[0]) == 400


async def test_once_it_could_be_changed_over_nothing_is_said_of_it(home: Home, path: Path) -> None:
    await kept(home, encrypted=False, work=fill)
    encryption = Encryption(True, SecretStore(home))
    in_the_way = home.data / ".notes.db.changing-over"
    in_the_way.mkdir()
    encryption.settle_all(home.data)
    assert len(encryption.astray) == 1

    in_the_way.rmdir()
    await (await Database.open(path, SCHEMA, encryption=encryption)).close()

    assert encryption.astray == []
    assert is_encrypted(path)


def move_elsewhere(path: Path) -> Path:
    """Move a database, and leave a link to it."""
    elsewhere = path.parent.with_name("elsewhere") / path.name
    elsewhere.parent.mkdir()
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    return elsewhere


async def test_files_of_the_same_key_are_looked_for_beside_the_link(home: Home, path: Path) -> None:
    await (await opened(home, encrypted=False, name="other")).close()
    elsewhere = move_elsewhere(home.data / "other.db")
    elsewhere.with_name("foreign.db").write_bytes(os.urandom(8192))
    await kept(home, encrypted=True, work=fill)
    for name in ("secrets.db", "secrets.key"):
        (home.data / name).unlink()

    with pytest.raises(DatabaseDamaged, match=r"cannot be encrypted while \S*notes\.db"):
        await opened(home, encrypted=True, name="other")
    assert SecretStore(home).database_key(make=False) is None

    (home.data / path.name).unlink()
    await (await opened(home, encrypted=True, name="other")).close()
    assert is_encrypted(elsewhere)


@pytest.mark.parametrize("encrypted", [True, False])
async def test_a_damaged_log_is_kept_and_named_where_the_file_is(
    home: Home, path: Path, encrypted: bool
) -> None:
    log = home.data / "notes.db-wal"
    files = await crashed(home, encrypted=False)
    elsewhere = move_elsewhere(path)
    content = bytearray(files[log.name])
    content[len(content) // 2] ^= 0xFF
    log.unlink()
    elsewhere.with_name(log.name).write_bytes(content)

    await (await opened(home, encrypted=encrypted)).close()

    copy = elsewhere.with_name("notes.db-wal.unread")
    assert copy.read_bytes() == content
    assert set_aside(home.data) == [copy]


async def test_what_stands_in_the_way_is_named(home: Home, path: Path) -> None:
    await kept(home, encrypted=False, work=fill)
    (home.data / ".notes.db.changing-over").mkdir()

    with pytest.raises(StorageError, match=r"notes\.db: cannot be changed over"):
        await opened(home, encrypted=True)

    assert not is_encrypted(path)


async def test_another_name_of_the_file_keeps_what_it_had(home: Home, path: Path) -> None:
    await kept(home, encrypted=False, work=fill)
    backup = home.root / "backup.db"
    os.link(path, backup)

    await kept(home, encrypted=True, work=everything)

    assert holds(backup)
    assert not holds(path)


DIES = """
import asyncio, os, signal, sys
from pathlib import Path
import apsw
from argent_core.database import Database
from argent_core.encryption import Encryption, set_aside
from argent_core.paths import Home
from argent_core.secrets import SecretStore

home, encrypted, left = Home(Path(sys.argv[1])), sys.argv[2] == "True", int(sys.argv[3])

def passed(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def audited(event, args):
    if event in ("open", "os.rename", "os.remove") and str(home.data) in str(args[0]):
        passed()

def watch(connection):
    connection.set_progress_handler(passed, 2500)

apsw.connection_hooks.append(watch)
sys.addaudithook(audited)

async def main():
    encryption = Encryption(encrypted, SecretStore(home))
    await (await Database.open(home.data / "notes.db", ("",), encryption=encryption)).close()

asyncio.run(main())
print(left)
"""


def lives(home: Home, *, encrypted: bool, ends_at: int) -> bool:
    """Open the file in another process, which dies at a place; False if it never comes there."""
    command = [sys.executable, "-c", DIES, str(home.root), str(encrypted), str(ends_at)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="nothing ends a process as suddenly there")
@pytest.mark.parametrize("encrypted", [True, False])
async def test_whenever_it_is_interrupted_nothing_is_lost(home: Home, encrypted: bool) -> None:
    SecretStore(home).database_key(make=True)
    files = await crashed(home, encrypted=not encrypted)
    before = await kept(home, encrypted=not encrypted, work=everything)
    put(home, files)
    ends_at = 1
    while not lives(home, encrypted=encrypted, ends_at=ends_at):
        for wanted in (encrypted, not encrypted):  # it goes on, or goes back
            assert await kept(home, encrypted=wanted, work=everything) == before
            left = {path.name for path in home.data.iterdir() if path.is_file()}
            assert left == {"notes.db", "secrets.db", "secrets.key"}
        put(home, files)
        ends_at += 1
    assert ends_at > 10
    assert await kept(home, encrypted=encrypted, work=everything) == before


async def test_a_setting_encrypts_all_databases_of_a_home(argent: Argent) -> None:
    plugin = Demo()

    def remember(tx: Transaction) -> None:
        tx.execute("INSERT INTO notes VALUES ('xyzzy')")

    async with argent(plugins=[plugin]):
        pass
    for encrypted in (False, True, False):
        async with argent.restart(config={"storage": {"encrypted": encrypted}}):
            assert plugin.ctx is not None
            async with plugin.ctx.database("notes", SCHEMA) as database:
                await database.write(remember)
        for name in ("kernel.db", "notes.db"):
            assert is_encrypted(argent.home.data / name) is encrypted
        assert holds(argent.home.data / "notes.db") is not encrypted


async def test_what_is_kept_for_plugins_that_do_not_run_is_encrypted_too(argent: Argent) -> None:
    plugin = Demo()
    async with argent(plugins=[plugin]):
        assert plugin.ctx is not None
        async with plugin.ctx.database("notes", SCHEMA) as database:
            await database.write(fill)
    (argent.home.data / "other.db").write_bytes(b"no database")

    async with argent.restart(plugins=[], config={"storage": {"encrypted": True}}):
        assert not holds(argent.home.data / "notes.db")

    assert raw(argent.home.data / "other.db") == b"no database"


async def test_what_a_crash_left_is_cleared_away(home: Home) -> None:
    await kept(home, encrypted=False, work=fill)
    for name in (".notes.db.changing-over", ".notes.db.changing-over-journal"):
        (home.data / name).write_bytes(WORD)

    assert len((await kept(home, encrypted=False, work=everything))[0]) == 400

    assert {path.name for path in home.data.iterdir() if path.is_file()} == {"notes.db"}


@pytest.mark.parametrize("encrypted", [True, False])
async def test_a_copy_that_a_person_made_is_left_alone(
    home: Home, path: Path, encrypted: bool
) -> None:
    await kept(home, encrypted=False, work=fill)
    own = [path.with_name(f"{path.name}{end}") for end in ("-copy", ".copy", ".bak")]
    for copy in own:
        copy.write_bytes(raw(path))

    await kept(home, encrypted=encrypted, work=everything)

    assert all(holds(copy) for copy in own)


async def test_what_was_deleted_is_in_no_file_once_it_is_flushed(home: Home) -> None:
    database = await opened(home, encrypted=False)
    await database.write(lambda tx: tx.execute("PRAGMA secure_delete=ON").fetchall())
    await database.write(fill)
    await database.write(lambda tx: tx.execute("DELETE FROM notes"))
    await database.write(lambda tx: tx.execute("DELETE FROM numbered"))
    await database.write(lambda tx: tx.execute("DROP TABLE words"))
    assert plain_files(home)

    await database.flush()

    assert plain_files(home) == set()
    await database.close()


async def test_it_is_flushed_while_others_read_and_write(home: Home) -> None:
    database = await opened(home, encrypted=False)

    async def work(n: int) -> None:
        for _ in range(20):
            await database.write(lambda tx: tx.execute("INSERT INTO notes VALUES ('x')"))
            await database.read(lambda tx: tx.execute("SELECT COUNT(*) FROM notes").fetchone())
        await database.check()

    await asyncio.gather(*map(work, range(4)), *(database.flush() for _ in range(5)))

    count = await database.read(lambda tx: tx.execute("SELECT COUNT(*) FROM notes").fetchone())
    assert count == (80,)
    await database.flush()
    assert (home.data / "notes.db-wal").stat().st_size == 0
    await database.close()
