"""What is kept, corrected and deleted, as any plugin sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import argent_memo
from argent_hookspecs import MemoryFilter, MemoryKind, NewMemory
from argent_memo.items import Place
from argent_memo.memo import Memo, memo_of
from argent_testing import load_plugin

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Memo]:
    async with load_plugin(argent_memo, folder=folder) as specimen:
        yield memo_of(specimen.ctx)


@pytest.fixture
async def memo(tmp_path: Path) -> AsyncIterator[Memo]:
    async with opened(tmp_path) as memo:
        yield memo


async def texts(memo: Memo, query: str, **filters: object) -> list[str]:
    found = await memo.search(query, filters=MemoryFilter(**filters) if filters else None)
    return [one.text for one in found]


async def test_what_is_kept_is_found_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as memo:
        await memo.add(NewMemory(text="The key lies under the mat.", speaker="Ann"))
    async with opened(tmp_path) as memo:
        (found,) = await memo.search("Where is the key?")

    assert (found.text, found.speaker) == ("The key lies under the mat.", "Ann")


async def test_the_same_event_is_kept_once(memo: Memo) -> None:
    first = await memo.add(NewMemory(text="I moved to Bern.", key="e1/0"))
    again = await memo.add(NewMemory(text="Something else by now.", key="e1/0"))

    assert first == again
    assert await texts(memo, "Something Bern") == ["I moved to Bern."]


async def test_what_is_said_again_is_counted(memo: Memo) -> None:
    first = await memo.add(NewMemory(text="I like tea.", key="e1/0", source="e1"))
    again = await memo.add(NewMemory(text="I like TEA!", key="e2/0", source="e2"))
    await memo.add(NewMemory(text="I like TEA!", key="e2/0", source="e2"))

    (found,) = await memo.search("tea")
    assert (first, again, found.count) == (found.id, found.id, 2)
    assert await memo.store.of_source("e2") == [found.id]


async def test_what_is_corrected_is_kept_as_history(memo: Memo) -> None:
    old = await memo.add(NewMemory(text="Ann lives in Bern.", kind=MemoryKind.FACT))
    new = await memo.store.correct(old, text="Ann lives in Basel.")

    assert await texts(memo, "Where does Ann live?") == ["Ann lives in Basel."]
    assert [one.text for one in await memo.store.history(new)] == ["Ann lives in Bern."]
    with pytest.raises(KeyError):
        await memo.store.correct(old, text="Ann lives in Biel.")


async def test_what_is_forgotten_stands_nowhere(tmp_path: Path) -> None:
    async with opened(tmp_path) as memo:
        place = Place(origin="turn", name="home")
        one = await memo.store.add(NewMemory(text="The password is xyzzy."), place)
        await memo.store.add(NewMemory(text="Thank you."), place)
        await memo.store.add(NewMemory(text="You are welcome."), place)
        corrected = await memo.store.correct(one, text="The password is plugh.")
        await memo.forget([corrected])
        assert await texts(memo, "password xyzzy plugh") == []

    raw = (tmp_path / "data" / "memory.db").read_bytes().lower()
    assert [word for word in (b"xyzzy", b"plugh", b"password") if word in raw] == []


async def test_what_was_made_of_it_goes_with_it(memo: Memo) -> None:
    ids = [await memo.add(NewMemory(text=f"Visit number {n}.")) for n in range(3)]
    other = await memo.add(NewMemory(text="Visits happen.", kind=MemoryKind.SEMANTIC))
    both = await memo.add(NewMemory(text="Two visits.", kind=MemoryKind.SEMANTIC))
    links = [(both, ids[0]), (both, ids[1]), (other, ids[2])]
    sql = "INSERT INTO links VALUES (?, ?, 'made of')"
    await memo.store.database.write(lambda tx: tx.executemany(sql, links))
    gone = await memo.store.forget([ids[0]])

    assert (gone.items, gone.made_of_them) == ((ids[0],), (both,))
    left = {"Visit number 1.", "Visit number 2.", "Visits happen."}
    assert set(await texts(memo, "visit visits")) == left


async def test_only_what_may_come_up_there_does(memo: Memo) -> None:
    await memo.add(NewMemory(text="My gift for Bob is a book."))
    await memo.add(NewMemory(text="The gift shop opens at ten.", audience="telegram:-7"))

    assert await texts(memo, "gift", audiences=("telegram:-7",)) == ["The gift shop opens at ten."]
