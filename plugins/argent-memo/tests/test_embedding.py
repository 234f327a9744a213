"""How items get their vectors, and what comes of it."""

from __future__ import annotations

import math
import sqlite3
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import argent_memo
from argent_hookspecs import (
    ContextProvider,
    ContextRequest,
    Event,
    ModelRejected,
    ModelUnavailable,
    NewMemory,
    Tool,
    ToolRun,
)
from argent_memo.items import Place
from argent_memo.memo import Memo, memo_of
from argent_testing import FakeClock, load_plugin

from .embedder_kit import ToyEmbedder, anything, offering, remembering

pytestmark = pytest.mark.anyio
HOUND = "The hound sleeps in the barn."
BARN = "Where is the dog?"


async def texts(memo: Memo, query: str) -> list[str]:
    return [one.text for one in await memo.search(query)]


async def kept(memo: Memo, said: list[str]) -> list[int]:
    """Keep what is said, each with its vector."""
    ids = await memo.store.add_all([(NewMemory(text=t), Place(origin="hand")) for t in said])
    await memo.embedding.settled()
    return ids


def vectors(folder: Path) -> list[tuple[str, str]]:
    """Return what has a vector in the file, and whose."""
    with sqlite3.connect(folder / "data" / "memory.db") as file:
        return file.execute(
            "SELECT text, name FROM vectors JOIN items ON items.id = item"
            " JOIN embedders ON embedders.id = embedder ORDER BY item"
        ).fetchall()


async def test_what_means_the_same_is_found(tmp_path: Path) -> None:
    async with remembering(tmp_path, ToyEmbedder()) as memo:
        await memo.add(NewMemory(text=HOUND))
        await memo.add(NewMemory(text="Nobody drives the automobile."))
        await memo.embedding.settled()
        found = await memo.search(BARN)
        health = await memo.embedding.health()

    assert found[0].text == HOUND
    assert "meaning" in found[0].why
    assert health.ok
    assert "2 of 2 items have a vector of toy" in health.summary


async def test_without_an_embedder_it_goes_by_words_and_says_so(tmp_path: Path) -> None:
    async with remembering(tmp_path) as memo:
        await memo.add(NewMemory(text=HOUND))
        await memo.embedding.settled()
        health = await memo.embedding.health()

        assert await texts(memo, "Who sleeps in a barn?") == [HOUND]

    assert health.ok
    assert "words alone" in health.summary


async def test_what_was_said_last_comes_first(tmp_path: Path) -> None:
    async with remembering(tmp_path) as memo:
        for n in range(100):
            await memo.add(NewMemory(text=f"Number {n}."))
    embedder = ToyEmbedder()
    async with remembering(tmp_path, embedder) as memo:
        await memo.embedding.settled()

    assert embedder.texts == [f"Number {n}." for n in reversed(range(100))]


async def test_after_a_restart_it_goes_on_where_it_was(tmp_path: Path) -> None:
    first, second = ToyEmbedder(), ToyEmbedder()
    async with remembering(tmp_path, first) as memo:
        await memo.add(NewMemory(text=HOUND))
        await memo.embedding.settled()
    async with remembering(tmp_path, second) as memo:
        await memo.add(NewMemory(text="The ocean is cold."))
        await memo.embedding.settled()

        assert (await texts(memo, BARN))[0] == HOUND
    assert second.texts == ["The ocean is cold."]


async def test_what_cannot_be_embedded_now_is_embedded_later(tmp_path: Path) -> None:
    embedder = ToyEmbedder(fails=ModelUnavailable("no network", retry_after=5))
    clock = FakeClock()
    async with remembering(tmp_path, embedder, clock=clock) as memo:
        await memo.add(NewMemory(text=HOUND))
        await memo.embedding.settled()
        health = await memo.embedding.health()
        assert (health.ok, health.summary) == (False, "no network")
        assert await texts(memo, "barn") == [HOUND]

        embedder.fails = None
        await memo.embedding.settled()  # it is too early for another try
        assert embedder.texts == []
        memo.embedding.wake()
        await clock.advance(5)
        await memo.embedding.settled()
        health = await memo.embedding.health()

    assert health.ok
    assert embedder.texts == [HOUND]


@pytest.mark.parametrize(
    ("makes", "said"),
    [
        (lambda text: 1 / 0, "toy failed: ZeroDivisionError"),
        (lambda text: ["no", "numbers"], "toy failed: TypeError"),
        (lambda text: [math.nan] * 70, "toy returned vectors that are no numbers"),
        (lambda text: [math.inf, *[0.0] * 69], "toy returned vectors that are no numbers"),
    ],
)
async def test_whatever_an_embedder_does_instead_it_goes_on_later(
    tmp_path: Path, makes: Callable[[str], Any], said: str
) -> None:
    embedder = ToyEmbedder(makes=makes)
    clock = FakeClock()
    async with remembering(tmp_path, embedder, clock=clock) as memo:
        await memo.add(NewMemory(text=HOUND))
        await memo.embedding.settled()
        health = await memo.embedding.health()
        assert (health.ok, health.summary.startswith(said)) == (False, True)
        assert await texts(memo, "barn") == [HOUND]

        embedder.makes = None
        await clock.advance(60)
        await memo.embedding.settled()
        assert await texts(memo, "dog") == [HOUND]


async def test_vectors_of_a_wrong_length_are_not_taken(tmp_path: Path) -> None:
    embedder = ToyEmbedder(makes=lambda text: [1.0])
    async with remembering(tmp_path, embedder) as memo:
        await memo.add(NewMemory(text=HOUND))
        await memo.embedding.settled()
        health = await memo.embedding.health()

        assert await texts(memo, "barn") == [HOUND]
    assert not health.ok
    assert "other lengths" in health.summary
    assert vectors(tmp_path) == []


async def test_vectors_that_cannot_be_read_once_are_read_later(tmp_path: Path) -> None:
    said = [f"Number {n}." for n in range(200)]
    async with remembering(tmp_path, ToyEmbedder(makes=anything)) as memo:
        await kept(memo, said)
    file = tmp_path / "data" / "memory.db"
    with sqlite3.connect(file) as opened:
        (vector,) = opened.execute("SELECT vector FROM vectors WHERE n = 100").fetchone()
    sound = file.read_bytes()
    page = sound.index(vector) // 4096 * 4096
    file.write_bytes(sound[:page] + b"\xff" * 8 + sound[page + 8 :])
    async with remembering(tmp_path, ToyEmbedder(makes=anything)) as memo:
        await memo.embedding.settled()
        assert "Number 3." in await texts(memo, "Number 3.")
        health = await memo.embedding.health()
        assert not health.ok and "cannot be read" in health.summary

        with file.open("r+b") as mended:
            mended.seek(page)
            mended.write(sound[page : page + 8])
        await kept(memo, ["What comes later."])
        assert await memo.embedding.near("Number 3.") is not None
        assert (await memo.embedding.health()).ok


async def test_what_is_private_never_leaves_the_machine(tmp_path: Path) -> None:
    embedder = ToyEmbedder(local=False)
    async with remembering(tmp_path, embedder) as memo:
        await memo.add(NewMemory(text=HOUND, private=True))
        await memo.add(NewMemory(text="The car is red."))
        await memo.embedding.settled()

        assert await texts(memo, "barn") == [HOUND]
    assert embedder.texts == ["The car is red."]


@pytest.mark.parametrize("local", [True, False])
async def test_a_private_question_is_compared_only_on_this_machine(
    tmp_path: Path, local: bool
) -> None:
    asked: list[str] = []

    class Asked(ToyEmbedder):
        async def embed(self, texts: Sequence[str], *, query: bool = False) -> list[array[float]]:
            asked.extend(texts if query else ())
            return await super().embed(texts, query=query)

    beside = [offering(Asked(local=local))]
    async with load_plugin(argent_memo, folder=tmp_path, beside=beside) as specimen:
        memo = memo_of(specimen.ctx)
        memo.embedding.patience = 30.0
        await memo.add(NewMemory(text=HOUND, trust="owner"))
        await memo.embedding.settled()
        event = Event(conversation="home", content=BARN, trust="owner")
        (tool,) = [one for one in specimen.of(Tool) if one.id == "memory_search"]
        run = ToolRun(key="k", conversation="home", event=event, turn="t", private=True)
        await tool.run(query=BARN, run=run)
        (provider,) = specimen.of(ContextProvider)
        now = specimen.clock.now()
        await provider.provide(ContextRequest(event=event, budget=99, now=now, private=True))
        privately = len(asked)
        await provider.provide(ContextRequest(event=event, budget=99, now=now))

    assert (privately, len(asked)) == ((2, 3) if local else (0, 1))


async def test_another_embedder_makes_all_anew(tmp_path: Path) -> None:
    async with remembering(tmp_path, ToyEmbedder()) as memo:
        await memo.add(NewMemory(text=HOUND))
        await memo.embedding.settled()
    refused = ToyEmbedder("other", fails=ModelRejected("no key"))
    async with remembering(tmp_path, refused) as memo:
        await memo.embedding.settled()
        assert await texts(memo, "barn") == [HOUND]
    assert vectors(tmp_path) == [(HOUND, "toy")]

    async with remembering(tmp_path, ToyEmbedder("other", dimensions=20)) as memo:
        await memo.embedding.settled()
        assert await texts(memo, BARN) == [HOUND]
    assert vectors(tmp_path) == [(HOUND, "other")]


async def nearest(memo: Memo, text: str, k: int) -> Sequence[int]:
    """Return the items that are nearest to a text; none where it cannot be compared."""
    near = await memo.embedding.near(text)
    if near is None:
        return []
    return await memo.store.database.read(lambda tx: near.nearest(tx, k))


async def test_while_many_have_no_vector_it_goes_by_words(tmp_path: Path) -> None:
    async with remembering(tmp_path, ToyEmbedder()) as memo:
        await memo.add(NewMemory(text=HOUND))
        await memo.embedding.settled()
    broken = ToyEmbedder(fails=ModelUnavailable("no network"))
    async with remembering(tmp_path, broken) as memo:
        await memo.add(NewMemory(text="The dogwood is in bloom."))
        await memo.embedding.settled()
        broken.fails = None

        assert await memo.embedding.near(BARN) is None


async def test_a_question_waits_for_its_vector_only_so_long(tmp_path: Path) -> None:
    async with remembering(tmp_path, ToyEmbedder(stuck=True)) as memo:
        await memo.add(NewMemory(text=HOUND))
        await memo.embedding.settled()
        memo.embedding.patience = 0.01

        assert await texts(memo, "Who sleeps in a barn?") == [HOUND]


async def test_what_is_forgotten_or_corrected_has_no_vector(tmp_path: Path) -> None:
    async with remembering(tmp_path, ToyEmbedder()) as memo:
        id = await memo.add(NewMemory(text=HOUND))
        old = await memo.add(NewMemory(text="The car is red."))
        await memo.embedding.settled()
        assert (await texts(memo, BARN))[0] == HOUND
        await memo.forget([id])
        await memo.store.correct(old, text="The car is blue.")

        assert id not in await nearest(memo, BARN, 5)
        await memo.embedding.settled()
    assert vectors(tmp_path) == [("The car is blue.", "toy")]


async def test_a_vector_that_is_lost_is_made_again(tmp_path: Path) -> None:
    async with remembering(tmp_path, ToyEmbedder()) as memo:
        for text in (HOUND, "The car is red.", "The ocean is cold."):
            await memo.add(NewMemory(text=text))
        await memo.embedding.settled()
        await memo.store.database.write(
            lambda tx: tx.execute("DELETE FROM vectors WHERE item = 2").rowcount
        )
        await memo.embedding.settled()

    assert [text for text, _ in vectors(tmp_path)] == [
        HOUND,
        "The car is red.",
        "The ocean is cold.",
    ]


async def test_the_nearest_are_those_that_are(tmp_path: Path) -> None:
    said = [f"Number {n}." for n in range(3000)]
    async with remembering(tmp_path, ToyEmbedder(makes=anything)) as memo:
        ids = await kept(memo, said[:10])
        assert await nearest(memo, "Number 3.", 1) == [ids[3]]
        ids += await kept(memo, said[10:])
        found = await nearest(memo, "Number 3.", 20)
        near = await memo.embedding.near("Number 3.")
        assert near is not None
        cosines = await memo.store.database.read(lambda tx: near.cosines(tx, [*ids, 10**6]))

    asked = anything("Number 3.")
    true = {
        id: sum(a * b for a, b in zip(asked, anything(text), strict=True))
        for id, text in zip(ids, said, strict=True)
    }
    assert found[0] == ids[3]
    assert len({*found} & {*sorted(true, key=lambda id: -true[id])[:20]}) >= 16
    assert cosines == pytest.approx(true, abs=0.02)


async def test_of_a_thousand_or_fewer_none_is_missed(tmp_path: Path) -> None:
    said = [f"Number {n}." for n in range(500)]
    async with remembering(tmp_path, ToyEmbedder(makes=anything)) as memo:
        ids = await kept(memo, said)
        assert set(await nearest(memo, "Something else.", 500)) == set(ids)
        await memo.forget(ids[100:])
        assert set(await nearest(memo, "Something else.", 500)) == set(ids[:100])
        ids[100:] = await kept(memo, [f"Anew {n}." for n in range(50)])
        assert set(await nearest(memo, "Something else.", 500)) == set(ids)


async def test_an_embedder_may_come_and_go(tmp_path: Path) -> None:
    plugin = offering(ToyEmbedder())
    async with load_plugin(argent_memo, folder=tmp_path, beside=[plugin]) as specimen:
        memo, host = memo_of(specimen.ctx), specimen.kernel.host
        memo.embedding.patience = 30.0
        await memo.add(NewMemory(text=HOUND))
        await memo.embedding.settled()
        assert await memo.embedding.near(BARN) is not None

        await host.disable(plugin.name)
        assert await memo.embedding.near(BARN) is None
        await memo.embedding.settled()
        health = await memo.embedding.health()
        assert "words alone" in health.summary

        await host.enable(plugin.name)
        await memo.add(NewMemory(text="The car is red."))
        await memo.embedding.settled()
        assert await memo.embedding.near(BARN) is not None
    assert len(vectors(tmp_path)) == 2
