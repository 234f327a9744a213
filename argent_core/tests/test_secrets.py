from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from argent_core.paths import Home
from argent_core.redaction import Redactor
from argent_core.secrets import SecretResolver, SecretStore
from argent_hookspecs import Secret, SecretError

pytestmark = pytest.mark.anyio

VALUE = "correct horse battery"

DIES = """
import os, signal, sys
from pathlib import Path
from argent_core.paths import Home
from argent_core.secrets import SecretStore

left = int(sys.argv[2])

def passed(event, args):
    global left
    if event in ("open", "os.link", "os.remove") and "secrets.key" in str(args[0]):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(passed)
SecretStore(Home(Path(sys.argv[1]))).database_key(make=True)
"""


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


@pytest.fixture
def secrets(home: Home, redactor: Redactor) -> SecretResolver:
    return SecretResolver(home, redactor, environ={"TOKEN": VALUE, "EMPTY": ""})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{VALUE}\n")
    path.chmod(0o600)
    return path


def filled(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def opened(file: Path, *, mode: int) -> None:
    file.chmod(mode)


class MemoryKeyring(KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.passwords: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password


@pytest.fixture
def own_keyring() -> Iterator[MemoryKeyring]:
    before, own = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(own)
    yield own
    keyring.set_keyring(before)


async def test_a_value_of_the_environment(secrets: SecretResolver) -> None:
    assert await secrets.reveal(Secret("env:TOKEN")) == VALUE


async def test_a_value_in_a_file(secrets: SecretResolver, file: Path) -> None:
    assert await secrets.reveal(Secret(f"file:{file}")) == VALUE


async def test_a_value_in_the_store(home: Home, secrets: SecretResolver) -> None:
    SecretStore(home).set("token", VALUE)

    assert await secrets.reveal(Secret("store:token")) == VALUE


async def test_a_value_in_the_keyring(secrets: SecretResolver, own_keyring: MemoryKeyring) -> None:
    keyring.set_password("mail/imap", "ada", VALUE)

    assert await secrets.reveal(Secret("keyring:mail/imap/ada")) == VALUE


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ("env:NOWHERE", "NOWHERE is not set or empty"),
        ("env:EMPTY", "EMPTY is not set or empty"),
        ("file:/nowhere/at/all", "is not there"),
        ("file:/", "is not a file"),
        ("store:nothing", "argent secrets set nothing"),
        ("keyring:nothing", "keyring:SERVICE/NAME"),
        ("keyring:mail/bob", "keyring set mail bob"),
        ("vault:token", "store:NAME"),
        ("plain", "argent secrets set NAME"),
    ],
)
async def test_what_cannot_be_resolved_says_what_to_do(
    secrets: SecretResolver, own_keyring: MemoryKeyring, ref: str, says: str
) -> None:
    with pytest.raises(SecretError) as error:
        await secrets.reveal(Secret(ref))

    assert says in str(error.value)


async def test_a_file_that_others_may_read_is_refused(secrets: SecretResolver, file: Path) -> None:
    opened(file, mode=0o640)

    with pytest.raises(SecretError, match="chmod 600") as error:
        await secrets.reveal(Secret(f"file:{file}"))

    assert VALUE not in str(error.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
async def test_a_file_of_somebody_else_is_refused(secrets: SecretResolver, file: Path) -> None:
    os.chown(file, 12345, -1)

    with pytest.raises(SecretError, match="belongs to somebody else"):
        await secrets.reveal(Secret(f"file:{file}"))


@pytest.mark.parametrize(("content", "says"), [(b"\n", "empty"), (b"\xff\xfe", "UTF-8")])
async def test_a_file_without_a_value_is_refused(
    secrets: SecretResolver, file: Path, content: bytes, says: str
) -> None:
    filled(file, content)

    with pytest.raises(SecretError, match=says):
        await secrets.reveal(Secret(f"file:{file}"))


async def test_what_was_revealed_is_kept_out_of_texts(
    secrets: SecretResolver, redactor: Redactor
) -> None:
    before = redactor.redact(VALUE)

    await secrets.reveal(Secret("env:TOKEN"))

    assert (before, redactor.redact(f"<{VALUE}>")) == (VALUE, "<[secret]>")


def test_the_store_forgets_and_replaces(home: Home) -> None:
    store = SecretStore(home)
    store.set("a", "first")
    store.set("a", "second")
    store.set("b", "other")

    removed = [store.remove("b"), store.remove("b"), store.remove("never")]

    assert removed == [True, False, False]
    assert [entry.name for entry in store.entries()] == ["a"]
    assert store.get("a") == "second"


def test_an_empty_store_makes_no_files(home: Home) -> None:
    store = SecretStore(home)

    assert store.entries() == []
    assert not store.remove("a")
    assert not list(home.data.glob("secrets*"))


def test_nothing_of_the_store_can_be_read_without_its_key(home: Home) -> None:
    SecretStore(home).set("my-token", VALUE)

    stored = [path for path in home.data.iterdir() if path.is_file()]
    assert {path.name for path in stored} == {"secrets.db", "secrets.key"}
    for path in stored:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert VALUE.encode() not in path.read_bytes()
        assert b"my-token" not in path.read_bytes()


def test_a_store_that_sqlcipher_made_is_read_and_goes_on(home: Home) -> None:
    made = Path(__file__).with_name("sqlcipher4.db").read_bytes()
    (home.data / "secrets.db").write_bytes(made)
    (home.data / "secrets.key").write_text("0123456789abcdef" * 4)
    (home.data / "secrets.key").chmod(0o600)
    store = SecretStore(home)

    assert store.get("token") == VALUE
    store.set("other", "new")

    assert [entry.name for entry in store.entries()] == ["other", "token"]
    assert (home.data / "secrets.db").read_bytes()[:16] == made[:16]


def test_a_store_without_its_key_says_so(home: Home) -> None:
    SecretStore(home).set("a", VALUE)
    (home.data / "secrets.key").unlink()

    with pytest.raises(SecretError, match="the key of the secret store, is gone"):
        SecretStore(home).get("a")


def test_a_store_with_another_key_says_so(home: Home, tmp_path: Path) -> None:
    SecretStore(home).set("a", VALUE)
    (home.data / "secrets.key").write_text("ab" * 32)

    with pytest.raises(SecretError, match=r"cannot be used.*backup"):
        SecretStore(home).get("a")


@pytest.mark.parametrize("key", [b"", b"no key", b"\xff\x00" * 32], ids=["empty", "text", "bytes"])
def test_a_key_that_is_none_says_so(home: Home, key: bytes) -> None:
    SecretStore(home).set("a", VALUE)
    (home.data / "secrets.key").write_bytes(key)

    with pytest.raises(SecretError, match=r"does not hold a key\. Bring it back"):
        SecretStore(home).get("a")


@pytest.mark.parametrize("name", ["", "with space", "../", "-x", "a" * 200])
def test_a_name_that_cannot_be_referred_to_is_refused(home: Home, name: str) -> None:
    with pytest.raises(SecretError, match="cannot be the name of a secret"):
        SecretStore(home).set(name, VALUE)


def test_an_empty_value_is_refused(home: Home) -> None:
    with pytest.raises(SecretError, match="nothing was stored"):
        SecretStore(home).set("a", "")


@pytest.mark.skipif(os.name != "posix", reason="nothing ends a process as suddenly there")
@pytest.mark.parametrize("ends_at", [1, 2, 3, 4])
def test_nothing_is_left_of_a_key_that_was_being_made(home: Home, ends_at: int) -> None:
    command = [sys.executable, "-c", DIES, str(home.root), str(ends_at)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    own = home.data / ".secrets.key.backup"
    own.write_text("a person's own")

    made = SecretStore(home).database_key(make=True)

    left = {path.name for path in home.data.iterdir() if path.is_file()}
    assert left == {"secrets.db", "secrets.key", own.name}
    assert SecretStore(home).database_key(make=False) == made


def test_several_may_make_the_store_at_once(home: Home) -> None:
    names = [f"secret-{number}" for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: SecretStore(home).set(name, name * 2), names))

    assert [SecretStore(home).get(name) for name in names] == [name * 2 for name in names]
