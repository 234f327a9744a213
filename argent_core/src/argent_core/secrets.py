"""Secrets: Argent's own encrypted store, and the resolving of references to secrets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets as random
import stat
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import apsw
from attrs import frozen

from argent_core.connection import connect, unlock
from argent_core.guard import attempt
from argent_core.paths import Home
from argent_core.redaction import Redactor
from argent_core.remedies import remedy
from argent_core.storage_errors import DAMAGED, map_error
from argent_hookspecs import Secret, SecretError

KEY_BYTES = 32
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,127}")
LONGEST_FILE = 1_000_000
"""Bytes of a file that holds one secret."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS secrets (
    name TEXT PRIMARY KEY, value TEXT NOT NULL, changed_at TEXT NOT NULL
) STRICT
"""

KEYS = "CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"
"""Made by Argent for itself; they are no secrets that a person named."""

_LEFT = f".secrets.key.{'[0-9a-f]' * 16}"
_ELSE = "without one, encrypted databases stay closed; if there are none,"


@frozen
class StoredSecret:
    """What may be shown of a secret in the store."""

    name: str
    changed_at: datetime


class SecretStore:
    """The home's own store: ``data/secrets.db``, encrypted with the key in ``data/secrets.key``.

    The file is an SQLCipher 4 database with a raw key, see
    https://www.zetetic.net/sqlcipher/sqlcipher-api/#key.
    """

    def __init__(self, home: Home) -> None:
        self._file = home.data / "secrets.db"
        self._key_file = home.data / "secrets.key"

    def get(self, name: str) -> str:
        """Return a value. Raises ``SecretError`` if there is none of that name."""
        if self._file.exists():
            with self._open() as connection:
                query = "SELECT value FROM secrets WHERE name = ?"
                row = connection.execute(query, (name,)).fetchone()
            if row:
                return str(row[0])
        raise SecretError(
            f'The secret "{name}" is not in the store. Store it with `argent secrets set {name}`.'
        )

    def set(self, name: str, value: str) -> None:
        """Store a value under a name, in place of one that is there."""
        if not NAME.fullmatch(name):
            raise SecretError(
                f'"{name}" cannot be the name of a secret: letters, digits and . _ / - can.'
            )
        if not value:
            raise SecretError("An empty value is no secret; nothing was stored.")
        query = "INSERT OR REPLACE INTO secrets VALUES (?, ?, ?)"
        with self._open() as connection:
            connection.execute(query, (name, value, datetime.now(UTC).isoformat()))

    def entries(self) -> list[StoredSecret]:
        """Return what is stored, by name, without the values."""
        if not self._file.exists():
            return []
        with self._open() as connection:
            rows = connection.execute("SELECT name, changed_at FROM secrets ORDER BY name")
            return [StoredSecret(name, datetime.fromisoformat(at)) for name, at in rows]

    def remove(self, name: str) -> bool:
        """Forget a secret; False if there was none of that name."""
        if not self._file.exists():
            return False
        with self._open() as connection:
            connection.execute("DELETE FROM secrets WHERE name = ?", (name,))
            return bool(connection.changes())

    def database_key(self, *, make: bool) -> str | None:
        """Return the key of the home's encrypted databases; None if there is none.

        Args:
            make: Whether it is made if there is none.
        """
        if not make and not self._file.exists():
            return None
        with self._open() as connection:
            connection.execute(KEYS)
            if make:
                made = ("databases", random.token_hex(KEY_BYTES))
                connection.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", made)
            row = connection.execute("SELECT value FROM keys WHERE name = 'databases'").fetchone()
        return str(row[0]) if row else None

    @contextlib.contextmanager
    def _open(self) -> Iterator[apsw.Connection]:
        key = self._key()
        try:
            _make_private(self._file)
            empty = not self._file.stat().st_size
            opened = attempt(self._connect, key)
            if empty and isinstance(opened.error, apsw.NotADBError):
                opened = attempt(self._connect, key)  # another process made it in between
            with contextlib.closing(opened.get()) as connection:
                self._clear_left()
                yield connection
        except DAMAGED as error:
            raise SecretError(
                f"The secret store {self._file} cannot be used ({error}). If its key or the file "
                f"itself was replaced, bring both back from a backup; {_ELSE} remove both and "
                "store the secrets again with `argent secrets set NAME`."
            ) from error
        except apsw.Error as error:  # no room, no permission, somebody else's lock
            raise SecretError(f"The secret store {map_error(error, self._file)}") from error
        except OSError as error:
            raise SecretError(
                f"The secret store {self._file} cannot be used ({error.strerror}). {remedy(error)}"
            ) from error

    def _connect(self, key: str) -> apsw.Connection:
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(contextlib.closing(connect(self._file)))
            unlock(connection, key)
            connection.execute("PRAGMA secure_delete = ON")
            # Otherwise the last change may be undone by a power cut soon after.
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute(SCHEMA)
            stack.pop_all()
        return connection

    def _key(self) -> str:
        if not self._key_file.exists():
            if self._file.exists() and self._file.stat().st_size:
                raise SecretError(
                    f"{self._key_file}, the key of the secret store, is gone. Bring it back from "
                    f"a backup; {_ELSE} remove {self._file} and store the secrets again."
                )
            self._make_key()
        _check_private(self._key_file)
        key = self._key_file.read_text(encoding="ascii", errors="replace").strip()
        if not re.fullmatch(rf"[0-9a-f]{{{2 * KEY_BYTES}}}", key):
            raise SecretError(f"{self._key_file} does not hold a key. Bring it back from a backup.")
        return key

    def _make_key(self) -> None:
        """Make the key file whole at once: another process may be making it too, or clear up."""
        try:
            self._key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            own = self._key_file.with_name(f".secrets.key.{random.token_hex(8)}")
            try:
                handle = os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(random.token_hex(KEY_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
                linked = attempt(os.link, own, self._key_file)
                if not self._key_file.exists():
                    linked.get()
            finally:
                own.unlink(missing_ok=True)
        except OSError as error:
            raise SecretError(
                f"The key {self._key_file} cannot be made ({error.strerror}). {remedy(error)}"
            ) from error

    def _clear_left(self) -> None:
        """Remove what was left where a key was being made; it may be the same one.

        Another process may be making its own now, which it needs no more.
        """
        for path in self._key_file.parent.glob(_LEFT):
            attempt(path.unlink)


class SecretResolver:
    """The contract's ``Secrets``: finds values, and keeps them out of what is written down.

    Args:
        home: Whose store is used.
        redactor: Learns every value that is revealed.
        environ: Environment variables, those of this process unless given.
    """

    def __init__(
        self, home: Home, redactor: Redactor, *, environ: Mapping[str, str] | None = None
    ) -> None:
        self._store = SecretStore(home)
        self._redactor = redactor
        self._environ = os.environ if environ is None else environ

    async def reveal(self, secret: Secret) -> str:
        """Return the value. Raises ``SecretError``, which says what to do."""
        value = await asyncio.to_thread(self._resolve, secret)
        self._redactor.add(value)
        return value

    def _resolve(self, secret: Secret) -> str:
        scheme, _, place = secret.ref.partition(":")
        if scheme == "env":
            value = self._environ.get(place)
            if value:
                return value
            raise SecretError(f"The environment variable {place} is not set or empty. Set it.")
        if scheme == "file":
            return _read_file(Path(place).expanduser())
        if scheme == "keyring":
            return _ask_keyring(place)
        if scheme == "store":
            return self._store.get(place)
        raise SecretError(
            "A secret is named by env:NAME, file:PATH, keyring:SERVICE/NAME or store:NAME. "
            "Store a value with `argent secrets set NAME` and write store:NAME."
        )


def _make_private(path: Path) -> None:
    """Make an empty file for this user only, unless it is there."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _check_private(path: Path) -> None:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise SecretError(f"{path} is not a file.")
    if sys.platform == "win32":
        return
    if status.st_uid not in (os.geteuid(), 0):
        raise SecretError(f"{path} belongs to somebody else; a secret's file must be your own.")
    if status.st_mode & 0o077:
        raise SecretError(f"Others may read {path}. Close it with `chmod 600 {path}`.")


def _read_file(path: Path) -> str:
    try:
        _check_private(path)
        with path.open("rb") as file:
            raw = file.read(LONGEST_FILE + 1)
    except FileNotFoundError as error:
        raise SecretError(f"The secret's file {path} is not there. Make it, mode 0600.") from error
    except OSError as error:
        words = f"The secret's file {path} cannot be read ({error.strerror}). {remedy(error)}"
        raise SecretError(words) from error
    try:
        value = raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretError(f"The secret's file {path} is not text in UTF-8.") from None
    if not value or len(raw) > LONGEST_FILE:
        raise SecretError(f"The secret's file {path} is empty or far too long.")
    return value


def _ask_keyring(place: str) -> str:
    service, _, name = place.rpartition("/")
    if not service or not name:
        raise SecretError(f"keyring:{place} is not of the form keyring:SERVICE/NAME.")
    try:
        import keyring  # optional, and slow to import
        from keyring.errors import KeyringError
    except ImportError as error:
        raise SecretError(
            "The system's keyring is reached through a library that is not installed. Install it "
            "with `pip install 'argent-core[keyring]'`, or use store:NAME."
        ) from error
    try:
        value = keyring.get_password(service, name)
    except KeyringError as error:
        raise SecretError(f"The keyring did not answer ({type(error).__name__}).") from error
    if not value:
        raise SecretError(
            f'The keyring has no password "{name}" of "{service}". Put it there with '
            f"`keyring set {service} {name}`."
        )
    return value
