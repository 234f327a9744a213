"""A file with broken pages: what can be read of it goes into a new one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import argent_memo
from argent_hookspecs import (
    Event,
    HealthCheck,
    Memory,
    MemoryFilter,
    MemoryKind,
    NewMemory,
    StorageError,
    Tool,
    ToolRun,
    Trust,
)
from argent_memo import rebuilding, soundness
from argent_memo.followed import Followed
from argent_memo.items import Place
from argent_memo.local import Desk
from argent_memo.memo import memo_of
from argent_memo.requests import Progress
from argent_testing import load_plugin

from .conftest import history

pytestmark = pytest.mark.anyio
ITEMS = 120


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Desk]:
    async with load_plugin(argent_memo, folder=folder) as specimen:
        yield Desk(specimen.ctx, memo_of(specimen.ctx))


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    async with opened(tmp_path) as desk:
        for n in range(ITEMS):
            new = NewMemory(text=f"Ann told story {n} in town {n % 7}.", key=f"t{n}", speaker="Ann")
            await desk.memo.store.add(new, Place(origin="turn", name="home"))
        for n in range(ITEMS, ITEMS + 3):
            await desk.memo.store.add(
                NewMemory(text="Ann told a story.", key=f"t{n}"), Place(origin="hand")
            )
        await desk.memo.store.correct(3, text="Ann told nothing.")
    return tmp_path


def file(folder: Path) -> Path:
    return folder / "data" / "memory.db"


def break_page(folder: Path, words: bytes) -> None:
    """Overwrite the beginning of the page that has some words."""
    raw = bytearray(file(folder).read_bytes())
    page = raw.index(words) // 4096 * 4096
    raw[page : page + 8] = b"\xff" * 8
    file(folder).write_bytes(raw)


async def rebuilt(folder: Path) -> Any:
    async with opened(folder) as desk:
        assert not (await desk.check({}, Progress()))["sound"]
        return await desk.reindex({"vectors": False}, Progress())


async def texts(folder: Path) -> list[str]:
    async with opened(folder) as desk:
        assert (await desk.check({}, Progress()))["sound"]
        return [one.text for one in await desk.memo.store.timeline(MemoryFilter(), limit=1000)]


async def test_nothing_is_lost_with_a_page_of_the_index(folder: Path) -> None:
    async with opened(folder) as desk:
        before = await desk.memo.store.timeline(MemoryFilter(), limit=1000)
        corrected = await history(desk.memo, before[-1].id)
    break_page(folder, b"ann told story 117 in town 5")
    done = await rebuilt(folder)
    after = await texts(folder)

    assert (done["rebuilt"], done["lost"]) == (True, [])
    assert sorted(after) == sorted(one.text for one in before)
    async with opened(folder) as desk:
        assert await history(desk.memo, before[-1].id) == corrected
        assert [one.text for one in await desk.memo.search("story 117", 1)] == [
            "Ann told story 117 in town 5."
        ]


async def test_what_was_on_a_broken_page_is_named_and_all_else_stays(folder: Path) -> None:
    break_page(folder, b"Ann told story 60 ")
    done = await rebuilt(folder)
    after = await texts(folder)

    assert 61 in done["lost"] and len(done["lost"]) < ITEMS / 2
    assert "Ann told story 60 in town 4." not in after
    assert "Ann told story 1 in town 1." in after and "Ann told nothing." in after
    assert len(after) == ITEMS + 1 - len(done["lost"])
    assert file(folder).with_name("memory.db.broken").exists()


async def test_forgetting_says_that_the_broken_file_has_it_still_and_deletes_it_when_told(
    folder: Path,
) -> None:
    break_page(folder, b"Ann told story 60 ")
    await rebuilt(folder)
    broken = file(folder).with_name("memory.db.broken")
    async with load_plugin(argent_memo, folder=folder) as specimen:
        desk = Desk(specimen.ctx, memo_of(specimen.ctx))
        (check,) = [one for one in specimen.of(HealthCheck) if one.id == "broken-file"]
        (tool,) = [one for one in specimen.of(Tool) if one.id == "memory_forget"]
        event = Event(conversation="home", content="x", trust="owner")
        told = await tool.run(ids=[1], run=ToolRun(key="k", conversation="home", event=event))
        left = (await desk.forget({"ids": [2]}, Progress()))["left"]
        before = await check.check()
        assert b"Ann told story 0 in town 0." in broken.read_bytes()
        deleted = await desk.forget({"ids": [], "broken_file": True}, Progress())

        assert all("argent memory forget --broken-file" in words for words in (told, left))
        assert not before.ok and "data/memory.db.broken" in before.summary
        assert str(broken) in deleted["files"] and deleted["left"] == ""
        assert (await check.check()).ok
        assert not broken.exists()


async def test_until_the_new_file_takes_over_it_searches_and_changes_nothing(folder: Path) -> None:
    async with load_plugin(argent_memo, folder=folder) as specimen:
        memo = memo_of(specimen.ctx)
        database = memo.store.database
        assert isinstance(database, Followed)
        await rebuilding.rebuild(specimen.ctx, database, tell=Progress().note)
        with pytest.raises(StorageError, match="restart Argent"):
            await memo.forget([1])
        with pytest.raises(StorageError, match="restart Argent"):
            await memo.add(NewMemory(text="Ann is well."))
        (tool,) = [one for one in specimen.of(Tool) if one.id == "memory_search"]
        event = Event(conversation="home", content="x", trust="owner")
        told = await tool.run(
            query="story 117", run=ToolRun(key="k", conversation="home", event=event, turn="t")
        )

    assert "Ann told story 117" in told
    after = await texts(folder)
    assert "Ann told story 0 in town 0." in after and "Ann is well." not in after


async def test_where_it_fails_the_old_file_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*given: object) -> object:
        raise StorageError("the disk is full")

    async with opened(folder) as desk:
        database = desk.memo.store.database
        assert isinstance(database, Followed)
        monkeypatch.setattr(soundness, "look", broken)
        with pytest.raises(StorageError, match="full"):
            await rebuilding.rebuild(desk.ctx, database, tell=Progress().note)
        await desk.memo.add(NewMemory(text="Ann is well."))
        monkeypatch.undo()

    assert "Ann is well." in await texts(folder)


async def test_what_a_rebuilding_left_that_failed_is_named_and_deleted_when_told(
    folder: Path,
) -> None:
    def fail(done: int, total: int) -> None:
        raise StorageError("the disk is full")

    left = file(folder).with_name(f"{rebuilding.NAME}.db")
    async with load_plugin(argent_memo, folder=folder) as specimen:
        desk = Desk(specimen.ctx, memo_of(specimen.ctx))
        database = desk.memo.store.database
        assert isinstance(database, Followed)
        (check,) = [one for one in specimen.of(HealthCheck) if one.id == "broken-file"]
        with pytest.raises(StorageError, match="full"):
            await rebuilding.rebuild(desk.ctx, database, tell=fail)
        assert b"Ann told story 1 in town 1." in left.read_bytes()
        before = await check.check()
        told = (await desk.forget({"ids": [2]}, Progress()))["left"]
        deleted = await desk.forget({"ids": [], "broken_file": True}, Progress())

        assert not before.ok and f"data/{left.name}" in before.summary
        assert "argent memory forget --broken-file" in told
        assert str(left) in deleted["files"] and not left.exists()
        assert (await check.check()).ok

        await rebuilding.rebuild(desk.ctx, database, tell=Progress().note)
        assert left.exists() and (await check.check()).ok  # it waits to take over


async def test_what_comes_later_is_kept_in_the_new_file(folder: Path) -> None:
    break_page(folder, b"Ann told story 60 ")
    await rebuilt(folder)
    async with opened(folder) as desk:
        added = await desk.memo.store.add(NewMemory(text="Ann is well."), Place(origin="hand"))
        (found,) = await desk.memo.store.get([added])

    assert found.text == "Ann is well."
    assert "Ann is well." in await texts(folder)


async def test_where_most_is_gone_nothing_is_changed(folder: Path) -> None:
    async with opened(folder) as desk:
        sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'items'"
        root = await desk.memo.store.database.read(lambda tx: tx.execute(sql).fetchone()[0])
    raw = bytearray(file(folder).read_bytes())
    raw[(root - 1) * 4096 : (root - 1) * 4096 + 8] = b"\xff" * 8
    file(folder).write_bytes(raw)
    async with opened(folder) as desk:
        with pytest.raises(StorageError, match="Put a backup in its place"):
            await desk.reindex({"vectors": False}, Progress())
    async with opened(folder) as desk:
        assert await soundness.is_broken(desk.memo.store.database)


@pytest.mark.parametrize(
    "stage",
    [
        lambda data: (data / "memory.db").rename(data / "memory.db.broken"),
        lambda data: (
            (data / "memory.db").rename(data / "memory.db.broken"),
            (data / f"{rebuilding.NAME}.db").rename(data / "memory.db"),
        ),
    ],
)
async def test_taking_over_may_be_broken_off(folder: Path, stage: Callable[[Path], object]) -> None:
    break_page(folder, b"Ann told story 60 ")
    await rebuilt(folder)
    stage(file(folder).parent)

    assert "Ann told story 1 in town 1." in await texts(folder)
    assert not file(folder).with_name(f"{rebuilding.NAME}.db").exists()


async def facts(folder: Path) -> tuple[list[Memory], str]:
    """Return what is remembered, and what the workspace shows of it."""
    async with opened(folder) as desk:
        await desk.memo.mirror.step()
        await desk.memo.mirror.step()
        shown = (desk.ctx.workspace / "MEMORY.md").read_text("utf-8")
        return await desk.memo.store.timeline(MemoryFilter(), limit=1000), shown


async def with_facts(folder: Path) -> Path:
    """Keep facts, and return the file that shows them."""
    async with opened(folder) as desk:
        for n in range(ITEMS):
            new = NewMemory(text=f"Ann told story {n}.", kind=MemoryKind.FACT, trust=Trust.OWNER)
            await desk.memo.store.add(new, Place(origin="tool"))
        await desk.memo.mirror.step()
        return desk.ctx.workspace / "MEMORY.md"


async def test_what_a_broken_page_took_is_learned_again_from_the_mirror(tmp_path: Path) -> None:
    await with_facts(tmp_path)
    break_page(tmp_path, b"Ann told story 60.")
    done = await rebuilt(tmp_path)
    known, shown = await facts(tmp_path)

    assert 61 in done["lost"]
    assert sorted(one.text for one in known) == sorted(f"Ann told story {n}." for n in range(ITEMS))
    assert shown.count("Ann told story") == ITEMS
    # Whose word the line was nobody knows any more.
    (again,) = [one for one in known if one.text == "Ann told story 60."]
    assert (again.kind, again.trust, again.speaker) == (MemoryKind.FACT, Trust.PAIRED, "")
    assert again.id > ITEMS


async def test_what_was_forgotten_does_not_come_back_with_a_line_that_was_left(
    tmp_path: Path,
) -> None:
    shows = await with_facts(tmp_path)
    before = shows.read_bytes()
    async with opened(tmp_path) as desk:
        await desk.memo.forget([61])
    shows.write_bytes(before)
    break_page(tmp_path, b"Ann told story 59.")
    done = await rebuilt(tmp_path)
    known, shown = await facts(tmp_path)

    assert {60, 61} <= {*done["lost"]}
    texts = [one.text for one in known]
    assert "Ann told story 59." in texts and "Ann told story 60." not in texts
    assert "Ann told story 60." not in shown

    async with opened(tmp_path) as desk:
        await desk.memo.forget([one.id for one in known if one.text == "Ann told story 59."])
    shows.write_bytes(before)
    known, shown = await facts(tmp_path)
    assert "Ann told story 59." not in {one.text for one in known}
    assert "Ann told story 59." not in shown


async def test_what_is_new_never_gets_the_number_of_what_was_lost(tmp_path: Path) -> None:
    await with_facts(tmp_path)
    break_page(tmp_path, f"Ann told story {ITEMS - 1}.".encode())
    done = await rebuilt(tmp_path)
    async with opened(tmp_path) as desk:
        added = await desk.memo.store.add(NewMemory(text="Ann is well."), Place(origin="hand"))

    assert ITEMS in done["lost"]
    assert added > ITEMS
