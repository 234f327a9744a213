"""Damage to the file: it is found, and what can be made again from the items is."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import argent_memo
from argent_hookspecs import NewMemory, StorageError, Trust
from argent_memo import mending, soundness
from argent_memo.items import Place
from argent_memo.memo import Memo, memo_of
from argent_memo.soundness import Soundness
from argent_testing import load_plugin

pytestmark = pytest.mark.anyio
FLIPS = 16
_EMBED = (
    "INSERT INTO vectors (item, embedder, vector)"
    " SELECT id, 1, zeroblob(8) FROM items WHERE id > 40 AND state = 'live'"
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Memo]:
    async with load_plugin(argent_memo, folder=folder) as specimen:
        yield memo_of(specimen.ctx)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A home with a memory in which there is something of everything."""
    async with opened(tmp_path) as memo:
        for n in range(60):
            new = NewMemory(text=f"Ann told story {n} in town {n % 7}.", key=f"t{n}", speaker="Ann")
            await memo.store.add(new, Place(origin="turn", name="home"))
        for id in (3, 9):
            await memo.store.correct(id, text=f"Ann told nothing of {id}.", trust=Trust.OWNER)
        await change(memo, "INSERT INTO embedders (name, dimensions) VALUES ('small', 8)")
        await change(memo, _EMBED)
    return tmp_path


def file(folder: Path) -> Path:
    return folder / "data" / "memory.db"


async def change(memo: Memo, sql: str) -> None:
    await memo.store.database.write(lambda tx: tx.execute(sql) and None)


def untold(done: int, total: int) -> None:
    assert done <= total


async def checked(folder: Path) -> Soundness:
    async with opened(folder) as memo:
        return await soundness.look(memo.store.database, untold)


async def mended(folder: Path) -> tuple[mending.Mended, Soundness]:
    async with opened(folder) as memo:
        done = await mending.mend(memo.store.database, untold)
        return done, await soundness.look(memo.store.database, untold)


async def test_what_is_sound_is_said_to_be_so(folder: Path) -> None:
    found = await checked(folder)

    assert (found.flaws, found.items) == ([], 62)


async def test_words_that_were_changed_are_found_and_no_longer_told(folder: Path) -> None:
    raw = file(folder).read_bytes()
    at = raw.index(b"Ann told story 17")
    file(folder).write_bytes(raw[:at] + b"Eve" + raw[at + 3 :])

    (flaw,) = (await checked(folder)).flaws
    done, after = await mended(folder)
    async with opened(folder) as memo:
        told = [one.text for one in await memo.search("story 17", 60)]
        sound = [one.text for one in await memo.search("story 18", 60)]

    assert (flaw.what, flaw.id, flaw.mendable) == ("item", 18, False)
    assert done.set_aside == after.spoilt == [18]
    assert [text for text in told if "story 17" in text] == []
    assert "Ann told story 18 in town 4." in sound


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("DELETE FROM words WHERE rowid = 20", "index"),
        ("UPDATE words SET terms = 'else' WHERE rowid = 20", "index"),
        ("INSERT INTO words (rowid, terms) VALUES (3, 'ann')", "index"),
        ("INSERT INTO words (rowid, terms) VALUES (999, 'ann')", "index"),
        ("UPDATE words_data SET block = zeroblob(length(block)) WHERE id > 10", "index"),
        ("UPDATE terms SET n = n + 1 WHERE term = 'story'", "counts"),
        ("DELETE FROM terms WHERE term = 'story'", "counts"),
        ("INSERT INTO terms VALUES ('zebra', 4)", "counts"),
        ("UPDATE totals SET length = length - 1", "counts"),
        ("DELETE FROM totals", "counts"),
        ("UPDATE speakers SET name = 'Eve'", "counts"),
        ("UPDATE vectors SET vector = zeroblob(11) WHERE item = 50", "vector"),
        ("UPDATE items SET digest = zeroblob(8) WHERE id = 20", "state"),
        ("UPDATE items SET importance = 7.5 WHERE id = 20", "state"),
    ],
)
async def test_what_is_made_of_the_items_is_mended(folder: Path, sql: str, what: str) -> None:
    async with opened(folder) as memo:
        await change(memo, sql)
        found = await soundness.look(memo.store.database, untold)
    _, after = await mended(folder)
    async with opened(folder) as memo:
        told = [one.text for one in await memo.search("story 19", 60)]

    assert what in {flaw.what for flaw in found.flaws}
    assert all(flaw.mendable for flaw in found.flaws)
    assert after.flaws == []
    assert "Ann told story 19 in town 5." in told


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("INSERT INTO vectors VALUES (999, 999, 1, zeroblob(8))", "vector"),
        ("UPDATE items SET superseded_by = 999 WHERE id = 3", "state"),
        ("INSERT INTO links VALUES (20, 999, 'about')", "reference"),
    ],
)
async def test_what_belongs_to_nothing_is_taken_out(folder: Path, sql: str, what: str) -> None:
    connection = sqlite3.connect(file(folder))  # it does not watch over references
    connection.execute(sql)
    connection.commit()
    connection.close()

    found = await checked(folder)
    _, after = await mended(folder)

    assert {flaw.what for flaw in found.flaws} == {what}
    assert after.flaws == []


async def test_mending_that_was_broken_off_goes_on_at_the_next_start(folder: Path) -> None:
    class Enough(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise Enough

    async with opened(folder) as memo:
        with pytest.raises(Enough):
            await mending.mend(memo.store.database, stop)
        assert await mending.is_under_way(memo.store.database)
        await mending.go_on(memo.store.database, untold)
        found = await soundness.look(memo.store.database, untold)

        assert found.flaws == []
        assert not await mending.is_under_way(memo.store.database)


def all_of_it(tx: Any) -> list[str]:
    """Return what is remembered and its index."""
    sql = "SELECT key, text, state, trust, audience, private FROM items ORDER BY id"
    rows = [*tx.execute(sql), *tx.execute("SELECT rowid, terms FROM words ORDER BY rowid")]
    return [repr(row) for row in rows]


@pytest.mark.parametrize("seed", range(FLIPS))
async def test_a_flip_anywhere_is_found_or_changes_nothing(folder: Path, seed: int) -> None:
    async with opened(folder) as memo:
        before = await memo.store.database.read(all_of_it)
    raw, place = bytearray(file(folder).read_bytes()), random.Random(seed)
    raw[place.randrange(100, len(raw))] ^= 1 << place.randrange(8)
    file(folder).write_bytes(raw)

    try:
        async with opened(folder) as memo:
            found = await soundness.look(memo.store.database, untold)
            if not found.flaws:
                assert await memo.store.database.read(all_of_it) == before
    except AssertionError as error:  # the plugin does not start
        assert "Stop Argent" in str(error)


async def test_of_a_broken_file_it_is_said_what_to_do(folder: Path) -> None:
    raw = bytearray(file(folder).read_bytes())
    for page in range(6 * 4096, len(raw), 4096):
        raw[page : page + 8] = b"\xff" * 8
    file(folder).write_bytes(raw)

    try:
        async with opened(folder) as memo:
            found = await soundness.look(memo.store.database, untold)
            with pytest.raises(StorageError, match="Stop Argent"):
                await mending.mend(memo.store.database, untold)
        assert "file" in found.counts
    except AssertionError as error:
        assert "Stop Argent" in str(error)
