"""Attachments are kept by what is in them, and go when nothing refers to them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import shutil
import stat
import tempfile
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from argent_core import file_uses
from argent_core.config import FilesSettings
from argent_core.database import Database
from argent_core.files import FileStore, clean_name
from argent_core.kernel import Kernel
from argent_core.retention import Trimmed
from argent_core.schema import MIGRATIONS
from argent_hookspecs import Event, File, FileMissing, FileRefused, Text
from argent_testing import Argent, FakeClock

pytestmark = pytest.mark.anyio

DAY = 86400.0
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8
TOO_LARGE = r"larger than 0\.001 MB \(files\.largest\); .*argent config set files\.largest BYTES"
SMALL = {"files": {"largest": 1000, "total": 2500}}


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def on_disk(kernel: Kernel) -> set[str]:
    return {path.name for path in kernel.files.folder.rglob("*") if path.is_file()}


async def emit(argent: Argent, kernel: Kernel, *files: File) -> None:
    event = Event(
        kind="letter",
        conversation="mail",
        content=(Text("look"), *files),
        expires_at=argent.clock.now(),
    )
    argent.clock.jump(1)
    id = await argent.channel.emit(event)
    while (await kernel.agent.events.show(str(id)))["state"] != "cancelled":
        await kernel.journal.database.read(lambda tx: None)


def office(name: str, text: bytes = b"<x/>") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, text)
    return buffer.getvalue()


class TestAdd:
    async def test_what_is_added_can_be_read_by_its_digest(self, argent: Argent) -> None:
        async with argent() as kernel:
            file = await kernel.files.add(b"hello", name="greeting.txt")

            assert file == File(
                hashlib.sha256(b"hello").hexdigest(), "greeting.txt", "text/plain", 5
            )
            assert await kernel.files.read(file) == b"hello"
            assert kernel.files.path(file).read_bytes() == b"hello"

    async def test_a_stream_is_kept_piece_by_piece(self, argent: Argent) -> None:
        pieces = [bytes([n]) * 100_000 for n in range(20)]
        async with argent() as kernel:
            file = await kernel.files.add(stream(*pieces))

            assert await kernel.files.read(file) == b"".join(pieces)

    async def test_the_same_content_is_kept_once(self, argent: Argent) -> None:
        async with argent(config=SMALL) as kernel:
            for _ in range(9):
                file = await kernel.files.add(b"x" * 900)

            assert on_disk(kernel) == {file.id}
            assert kernel.files.held() == 900

    async def test_only_its_owner_can_read_it(self, argent: Argent) -> None:
        async with argent() as kernel:
            path = kernel.files.path(await kernel.files.add(b"secret"))

            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            folders = (path.parent, path.parent.parent)
            assert [stat.S_IMODE(f.stat().st_mode) for f in folders] == [0o700, 0o700]

    async def test_one_that_is_too_large_is_refused_while_it_comes(self, argent: Argent) -> None:
        taken = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal taken
            while True:
                taken += 1
                yield b"x" * 400

        async with argent(config=SMALL) as kernel:
            with pytest.raises(FileRefused, match=TOO_LARGE):
                await kernel.files.add(endless())

            assert taken == 3
            assert on_disk(kernel) == set()

    async def test_all_together_have_a_limit_too(self, argent: Argent) -> None:
        async with argent(config=SMALL) as kernel:
            for n in range(3):
                await kernel.files.add(bytes([n]) * 800)
            with pytest.raises(FileRefused, match=r"files\.total BYTES"):
                await kernel.files.add(b"y" * 800)
            await kernel.files.add(b"z" * 100)

        async with argent.restart() as kernel:
            with pytest.raises(FileRefused, match=r"files\.total"):
                await kernel.files.add(b"y" * 1)

    async def test_one_that_is_larger_than_all_may_be_names_that(self, argent: Argent) -> None:
        async with argent(config={"files": {"total": 500}}) as kernel:
            with pytest.raises(FileRefused, match=r"larger than 0\.0005 MB \(files\.total\)"):
                await kernel.files.add(b"y" * 800)

    async def test_a_stream_that_breaks_off_leaves_nothing(self, argent: Argent) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"x" * 300_000
            raise ConnectionError("gone")

        async with argent() as kernel:
            with pytest.raises(ConnectionError):
                await kernel.files.add(broken())

            assert on_disk(kernel) == set()
            assert kernel.files.held() == 0

    async def test_one_that_is_damaged_is_missing(self, argent: Argent) -> None:
        async with argent() as kernel:
            file = await kernel.files.add(b"hello", name="a.txt")
            kernel.files.path(file).write_bytes(b"jello")

            with pytest.raises(FileMissing, match=r"a\.txt is no longer there"):
                await kernel.files.read(file)
            assert await kernel.files.read(await kernel.files.add(b"hello")) == b"hello"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"OggS\0", "audio/ogg"),
        (b"\0\0\0\x18ftypisom", "video/mp4"),
        (b"\0\0\0\x18ftypM4A ", "audio/mp4"),
        (b"plain words, \xc3\xbc too", "text/plain"),
        ("wide".encode("utf-16"), "text/plain"),
        (b" <!DOCTYPE html><p>", "text/html"),
        (b"<?xml version='1.0'?><svg>", "image/svg+xml"),
        (b"\0\1\2\3", "application/octet-stream"),
        (b"", "text/plain"),
        (office("a.txt"), "application/zip"),
        (b"PK\x03\x04 no archive", "application/zip"),
        (
            office("word/document.xml"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (office("mimetype", b"application/epub+zip"), "application/epub+zip"),
        (office("mimetype", b"text/html"), "application/zip"),
    ],
)
async def test_what_it_is_shows_its_content_not_its_name(
    argent: Argent, content: bytes, kind: str
) -> None:
    async with argent() as kernel:
        assert (await kernel.files.add(content, name="x.exe")).media_type == kind


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\cat.png", "cat.png"),
        ("..", ""),
        ("a\nb\0c.txt", "a b c.txt"),
        ("x" * 500 + ".pdf", "x" * 196 + ".pdf"),
        ("\ud800.txt", "txt"),
        (".hidden", "hidden"),
    ],
)
async def test_a_name_has_no_folders_and_stays_on_its_line(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FileStore]:
    """A store without a kernel around it."""
    async with contextlib.AsyncExitStack() as stack:
        database = await Database.open(tmp_path / "kernel.db", MIGRATIONS)
        stack.push_async_callback(database.close)
        settings = FilesSettings(**SMALL["files"])
        yield FileStore(tmp_path / "files", database, FakeClock(), settings)


async def days_pass(store: FileStore, days: float) -> None:
    assert isinstance(store.clock, FakeClock)
    await store.clock.advance(days * DAY)


class TestSweep:
    async def test_what_nothing_refers_to_goes_after_a_day(self, store: FileStore) -> None:
        orphan = await store.add(b"orphan")
        await days_pass(store, 0.9)
        assert await store.sweep() == 0
        await days_pass(store, 0.2)
        assert await store.sweep() == 1
        with pytest.raises(FileMissing):
            store.path(orphan)

    async def test_what_was_handed_in_again_stays_a_day_more(self, store: FileStore) -> None:
        file = await store.add(b"again")
        await days_pass(store, 0.9)
        await store.add(b"again")
        await days_pass(store, 0.2)

        assert await store.sweep() == 0
        assert await store.read(file) == b"again"

    async def test_a_clock_that_is_set_makes_nothing_old(self, store: FileStore) -> None:
        await store.add(b"fresh")
        assert isinstance(store.clock, FakeClock)
        store.clock.jump(1000 * DAY)

        assert await store.sweep() == 0

    async def test_room_is_there_again(self, store: FileStore) -> None:
        for n in range(2):
            await store.add(bytes([n]) * 1000)
        await days_pass(store, 2)
        assert await store.sweep() == 2

        for n in range(2, 4):
            await store.add(bytes([n]) * 1000)

    async def test_what_an_event_refers_to_goes_with_the_event(self, argent: Argent) -> None:
        async with argent() as kernel:
            file = await kernel.files.add(b"kept")
            await emit(argent, kernel, file)
        async with argent.restart() as kernel:
            kernel.retention.rest = 0.0
            gone = Trimmed()
            while not gone.events:
                assert kernel.files.path(file).exists()
                argent.clock.jump(5 * DAY)
                gone = await kernel.retention.trim()

            assert gone == Trimmed(events=1, results=0, files=1)
            assert on_disk(kernel) == set()

    async def test_what_a_crash_left_unfinished_goes_at_the_next_start(
        self, argent: Argent
    ) -> None:
        async with argent() as kernel:
            await kernel.files.add(b"whole")
            half = kernel.files.folder / "0123456789abcdef.part"
            half.write_bytes(b"ha")
        async with argent.restart() as kernel:
            await kernel.files.add(b"more")

            assert not half.exists()


class Life(RuleBasedStateMachine):
    """Files are added, used and forgotten, and the kernel dies in between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = FakeClock()
        self.runner = asyncio.Runner()
        self.uses: dict[str, set[str]] = {}
        self.known: dict[str, tuple[File, float]] = {}
        self.store = self.runner.run(self.open())

    async def open(self) -> FileStore:
        database = await Database.open(self.folder / "kernel.db", MIGRATIONS)
        return FileStore(self.folder / "files", database, self.clock, FilesSettings())

    @rule(content=st.sampled_from([b"a", b"bb", b"ccc"]))
    def add(self, content: bytes) -> None:
        file = self.runner.run(self.store.add(content))
        self.known[file.id] = (file, self.clock.monotonic())

    @rule(turn=st.sampled_from("xyz"), content=st.sampled_from([b"a", b"bb", b"ccc"]))
    def add_and_use(self, turn: str, content: bytes) -> None:
        async def use() -> None:
            file = await self.store.add(content)
            self.known[file.id] = (file, self.clock.monotonic())
            await self.store.database.write(lambda tx: file_uses.record(tx, turn, parts=[file]))
            self.uses.setdefault(turn, set()).add(file.id)

        self.runner.run(use())

    @rule(turn=st.sampled_from("xyz"))
    def forget(self, turn: str) -> None:
        self.runner.run(self.store.database.write(lambda tx: file_uses.forget(tx, turn)))
        self.uses.pop(turn, None)

    @rule(hours=st.sampled_from([1, 13, 30]))
    def time_passes(self, hours: int) -> None:
        self.runner.run(self.clock.advance(hours * 3600))

    @rule(days=st.sampled_from([-400, 0.5, 400]))
    def the_clock_is_set(self, days: float) -> None:
        self.clock.jump(days * DAY)

    @rule()
    def sweep(self) -> None:
        self.runner.run(self.store.sweep())

    @rule(half=st.booleans())
    def crash(self, half: bool) -> None:
        if half and self.store.folder.exists():
            (self.store.folder / "dead.part").write_bytes(b"half")
        self.runner.run(self.store.database.close())
        self.store = self.runner.run(self.open())

    @invariant()
    def what_is_used_is_there(self) -> None:
        for id in set().union(*self.uses.values()):
            file, _ = self.known[id]
            assert hashlib.sha256(self.store.path(file).read_bytes()).hexdigest() == id

    def teardown(self) -> None:
        self.runner.run(self.store.database.close())
        used = set().union(*self.uses.values())
        self.store = self.runner.run(self.open())
        self.clock.jump(1000 * DAY)
        self.runner.run(self.store.sweep())
        left = {path.name for path in self.store.folder.glob("??/*")}
        assert left == used
        self.runner.run(self.store.database.close())
        self.runner.close()
        shutil.rmtree(self.folder)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


async def test_a_plugin_has_the_store(argent: Argent) -> None:
    async with argent() as kernel:
        ctx = kernel.host.plugins["memory"].context
        assert ctx is not None
        file = await ctx.files.add(b"\xff\xd8\xff", name="me.jpg")

        assert file.media_type == "image/jpeg"
        assert ctx.files.largest == 20_000_000
        assert argent.home.data / "files" in ctx.files.path(file).parents
