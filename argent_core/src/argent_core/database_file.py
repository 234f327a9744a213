"""The file of a database: made, opened, brought to the newest schema, looked through."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
from attrs import define

from argent_core import wal
from argent_core.connection import run_script
from argent_core.encryption import Encryption, open_file
from argent_core.guard import attempt
from argent_core.remedies import remedy
from argent_core.storage_errors import UNUSABLE, damaged
from argent_hookspecs import StorageError

_CACHE_KIB = 4000
_MOST_MIGRATIONS = 10_000


def make_private(path: Path) -> None:
    """Make a file, for this user only, unless it is there."""
    try:
        wal.demand_file(path)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        words = f"{path}: cannot be opened: {error.strerror}. {remedy(error)}"
        raise StorageError(words) from error


@define(eq=False, repr=False)
class DatabaseFile:
    """A file that is opened several times over, in the same way.

    Args:
        encryption: How it is to be kept.
        key: What it is encrypted with; found before it is opened first, as whoever looks into an
            open file by other means than SQLite takes its locks away
            (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled).
    """

    path: Path
    extensions: Sequence[str]
    encryption: Encryption
    key: str | None = None

    def connect_writer(self, migrations: Sequence[str]) -> apsw.Connection:
        """Open it first, as it is wanted and with the newest schema."""
        self.key = self.encryption.settle(self.path)
        written = wal.last_commit(self.path)
        connection = open_file(self.path, self.key)
        prepared = attempt(_prepare, connection, self, migrations, written)
        if prepared.error is not None:
            connection.close()
        prepared.get()
        return connection

    def connect_reader(self) -> apsw.Connection:
        """Open it to read only, once it is open to be written."""
        connection = open_file(self.path, self.key)
        _load(connection, self.extensions)
        connection.execute("PRAGMA query_only=ON")
        return connection

    def look_for_damage(self) -> str | None:
        """Look through it; return what was found, or None if it is sound."""
        connection: Any = open_file(self.path, self.key)
        looked = attempt(lambda: connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        connection.close()
        if isinstance(looked.error, UNUSABLE):
            return str(looked.error)
        found = str(looked.get()).splitlines()[-1]  # the first may be a heading
        return None if found == "ok" else found


def _load(connection: Any, extensions: Sequence[str]) -> None:
    connection.enable_load_extension(True)
    for extension in extensions:
        connection.load_extension(extension)
    connection.enable_load_extension(False)


def _prepare(connection: Any, file: DatabaseFile, migrations: Sequence[str], written: int) -> None:
    path = file.path
    _load(connection, file.extensions)
    wal.read_to_its_end(connection, path, written=written)
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
