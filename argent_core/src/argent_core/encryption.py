"""Encryption at rest: which databases of a home are encrypted, and changing them over.

The format is that of SQLCipher 4 with a raw key, so that its own tools open a file too
(https://www.zetetic.net/sqlcipher/sqlcipher-api/#key). A file is changed over by a copy beside it,
which takes its place in one step once it is whole and safe: whenever that is interrupted, the file
is there, as it was or as it is wanted.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from io import BufferedRandom
from pathlib import Path
from typing import Any

import apsw
from attrs import define, field

from argent_core import wal
from argent_core.connection import connect, unlock
from argent_core.guard import attempt
from argent_core.remedies import remedy
from argent_core.safe_files import sync_folder
from argent_core.secrets import SecretStore
from argent_core.storage_errors import DAMAGED, RECOVERY, UNUSABLE, map_error
from argent_hookspecs import DatabaseDamaged, StorageError

log = logging.getLogger("argent.database")

_HEADER = b"SQLite format 3\0"
_PAGE = 4096
"""Bytes, in the format of SQLCipher 4."""
_ENDS = ("", "-wal", "-shm", "-journal")
"""Of the files of a database that may be open: whoever looks into them takes its locks away."""
_BLANK = bytes(1 << 20)
_SHAPE = "SELECT user_version, type, name FROM pragma_user_version, sqlite_schema ORDER BY 2, 3"
_ONE_AT_A_TIME = threading.Lock()
_IN_USE = "is in use. Another program holds it; end that one."
_BRING_BACK = (
    "Bring data/secrets.db and data/secrets.key back from the backup that the file belongs to, or "
    "restore the file with them. Nothing was changed."
)
_GONE = f"{{}}: is encrypted with a key that is gone, or its beginning is damaged. {_BRING_BACK}"
_NO_KEY = (
    "{}: the file is damaged (its beginning is not that of a database), or encrypted with a key "
    f"that is gone. If databases were encrypted here: {_BRING_BACK} If not: {RECOVERY}"
)
_NO_NEW_KEY = (
    "{0} cannot be encrypted while {1} is damaged, or encrypted with a key that is gone: with a "
    f"new key that one could never be read again. {_BRING_BACK} Or move {{1}} away."
)
_UNSOUND = (
    "{}: the file is damaged ({}), and cannot be {} as it is. To open it and mend it first: argent "
    "config set storage.encrypted {}. Or restore a backup. Nothing was changed."
)


@define(repr=False)
class Encryption:
    """How the databases of a home are kept.

    Args:
        wanted: Whether they are encrypted.
        store: Where the key is; it is looked for only if a file is encrypted, or is to be.
        learn: Told the key, to keep it out of what is written down.
    """

    wanted: bool = False
    store: SecretStore | None = None
    learn: Callable[[str], None] | None = None
    _astray: dict[Path, str] = field(factory=dict, init=False)
    _found: str | None = field(default=None, init=False)

    @property
    def astray(self) -> list[str]:
        """What is said of each database that could not be changed over at the start, nor since."""
        return list(self._astray.values())

    def settle(self, path: Path) -> str | None:
        """Change a file over that nobody has open, if it is not as it is wanted.

        Returns:
            The key that it is opened with, or None if it is not encrypted.

        Raises:
            StorageError: It cannot be; it is as it was.
            SecretError: The store of secrets, which the key is in, cannot be used.
        """
        with _ONE_AT_A_TIME:
            try:
                key = self._settle(path)
            except OSError as error:
                words = f"{path}: cannot be changed over ({error.strerror}). {remedy(error)}"
                raise StorageError(words) from error
            except UNUSABLE as error:
                raise map_error(error, path) from error
            self._astray.pop(path, None)
            return key

    def settle_all(self, folder: Path) -> None:
        """Change all databases in a folder over; whoever opens one that cannot be is told why."""
        for path in databases(folder):
            failed = attempt(self.settle, path).error
            if failed is not None:
                self._astray[path] = str(failed)
                log.warning("not changed over: %s", failed)

    def _settle(self, named: Path) -> str | None:
        path = named.resolve()
        wal.demand_file(path)
        head = _head(path)
        if not head:
            return self._key(named) if self.wanted else None
        old = None if head == _HEADER else self._key(named, encrypted=True)
        copy = path.with_name(f".{path.name}.changing-over")
        _clear(copy)  # from a change that was interrupted
        if (old is not None) == self.wanted:
            return old
        held = attempt(_hold, path, old)
        if isinstance(held.error, DAMAGED):
            raise self._unsound(path, held.error) from held.error
        with contextlib.closing(held.get()) as connection:
            new = self._key(named) if self.wanted else None
            log.info("%s is being %s", path.name, self._done)
            try:
                _change_over(connection, path, copy=copy, key=new)
            except DAMAGED as error:
                raise self._unsound(path, error) from error
            finally:
                _clear(copy)
        return new

    @property
    def _done(self) -> str:
        return "encrypted" if self.wanted else "decrypted"

    def _unsound(self, path: Path, error: Exception) -> DatabaseDamaged:
        setting = "false" if self.wanted else "true"
        return DatabaseDamaged(_UNSOUND.format(path, error, self._done, setting))

    def _key(self, path: Path, *, encrypted: bool = False) -> str | None:
        """Return the key; it is made only if nothing was encrypted with one before.

        It is looked for once: later, files are open here that must not be looked into. Those with
        the same key are where the file is named; what is beside the target of a link is not ours.
        """
        if self._found is None and self.store is not None:
            self._found = self.store.database_key(make=False)
            if self._found is None and self.wanted and not encrypted:
                for other in databases(path.parent):
                    if is_encrypted(other):
                        raise DatabaseDamaged(_NO_NEW_KEY.format(path, other))
                self._found = self.store.database_key(make=True)
            if self._found is not None and self.learn is not None:
                self.learn(self._found)
        if self._found is None and (self.store is not None or self.wanted):
            raise DatabaseDamaged((_GONE if self.wanted else _NO_KEY).format(path))
        return self._found


def databases(folder: Path) -> list[Path]:
    """Return the databases in a folder that are kept as is wanted: all but that of secrets."""
    return [path for path in sorted(folder.glob("*.db")) if path.name != "secrets.db"]


def is_encrypted(path: Path) -> bool:
    """Tell whether a file is an encrypted database, or one whose beginning is damaged.

    Nobody may have it open in this process, as its locks would go.
    """
    size = path.stat().st_size if path.is_file() else 0
    return size >= _PAGE and size % _PAGE == 0 and _head(path) != _HEADER


def set_aside(folder: Path) -> list[Path]:
    """Return databases and logs that nobody opens any more, and everybody can read."""
    in_use = {f"{path.name}{end}" for path in folder.glob("*.db") for end in _ENDS}
    found = {path for path in folder.iterdir() if path.name not in in_use}
    found.update(wal.copy_of(path) for path in databases(folder) if path.is_symlink())
    return [path for path in sorted(found) if path.is_file() and attempt(_is_readable, path).value]


def _is_readable(path: Path) -> bool:
    return _head(path) == _HEADER or wal.is_readable(path)


PLAIN = Encryption()


def open_file(path: Path, key: str | None, *, uri: bool = False) -> apsw.Connection:
    """Open a file with its key, or None; ``uri`` as in ``connect``."""
    connection = connect(path, uri=uri)
    if key is None:
        return connection
    opened = attempt(_unlock, connection, key)
    if opened.error is not None:
        connection.close()
    if isinstance(opened.error, apsw.NotADBError):
        words = f"{path}: is damaged, or encrypted with another key than this home's."
        raise DatabaseDamaged(f"{words} {_BRING_BACK}") from opened.error
    opened.get()
    return connection


def _unlock(connection: apsw.Connection, key: str) -> None:
    unlock(connection, key)
    connection.execute("PRAGMA temp_store=MEMORY")  # files of that sort would not be encrypted
    connection.execute("SELECT 1 FROM sqlite_schema").fetchone()


def _clear(copy: Path) -> None:
    for path in (copy, copy.with_name(f"{copy.name}-journal")):
        path.unlink(missing_ok=True)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(_HEADER))


def _hold(path: Path, key: str | None) -> apsw.Connection:
    """Open a file so that nobody else can, with all that stood in its log, which is gone."""
    found, written = path.stat(), wal.last_commit(path)
    connection = open_file(path, key, uri=True)
    held = attempt(_lock, connection, path, written)
    if held.error is not None:
        connection.close()
    held.get()
    if not os.path.samestat(found, path.stat()):
        connection.close()
        raise StorageError(f"{path}: {_IN_USE}")
    return connection


def _lock(connection: Any, path: Path, written: int) -> None:
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    wal.read_to_its_end(connection, path, written=written)
    if connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0] != "delete":
        raise StorageError(f"{path}: {_IN_USE}")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")


def _change_over(connection: apsw.Connection, path: Path, *, copy: Path, key: str | None) -> None:
    sync_folder(path.parent)  # its log may not come back after the copy has taken its place
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    _write(connection, copy, key)
    if found := _damage(connection, copy, key=key):
        raise apsw.CorruptError(found)
    if os.name != "posix":  # Windows replaces no file that is open
        connection.close()
        copy.replace(path)
        return
    with path.open("r+b") as file:
        copy.replace(path)
        sync_folder(path.parent)
        spoiled = attempt(_overwrite, file) if key else None
        if spoiled is not None and spoiled.error is not None:
            log.warning("%s: its old text was not overwritten: %s", path.name, spoiled.error)


def _write(connection: Any, copy: Path, key: str | None) -> None:
    """Write what a connection sees into an empty file, and make sure of it."""
    how = "key=" if key is None else f"cipher=sqlcipher&legacy=4&key=x%27{key}%27"
    name = f"{copy.as_uri()}?{how}"
    # Tables without a key of their own keep the numbers of their rows, unlike with VACUUM alone.
    done = attempt(connection.execute, "VACUUM INTO ?", (name,))
    if isinstance(done.error, apsw.Error):  # it may say the name, and with it the key
        raise type(done.error)(str(done.error).partition("?")[0])
    done.get()
    with copy.open("r+b") as file:
        os.fsync(file.fileno())


def _damage(connection: Any, copy: Path, *, key: str | None) -> str | None:
    with contextlib.closing(open_file(copy, key)) as other:
        query: Any = other.execute("PRAGMA quick_check(1)")
        found = str(query.fetchall()[0][0]).splitlines()[-1]
        whole = other.execute(_SHAPE).fetchall() == connection.execute(_SHAPE).fetchall()
    if not whole:  # an empty file would be sound too
        return "its copy lacks something"
    return None if found == "ok" else found


def _overwrite(file: BufferedRandom) -> None:
    """Overwrite a file that has no name any more; on many disks that is all that can be done."""
    status = os.fstat(file.fileno())
    if status.st_nlink:  # somebody keeps it under another name
        return
    for place in range(0, status.st_size, len(_BLANK)):
        file.write(_BLANK[: status.st_size - place])
    file.flush()
    os.fsync(file.fileno())
