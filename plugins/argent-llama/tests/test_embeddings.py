"""Texts as vectors, with the small model's real weights."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import pytest
from llama_kit import SMALL, ask

from argent_hookspecs import ContextTooLong, Embedder, ModelClient, ModelRejected
from argent_testing import FakeContext
from argent_testing.answers import collect, words

pytestmark = pytest.mark.anyio

CAT = "The cat sat on the mat."
KITTEN = "A kitten rests on the rug."
BANK = "Interest rates rose again in May."


def likeness(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the cosine of the angle between two vectors."""
    return sum(a * b for a, b in zip(one, other, strict=True)) / (
        math.hypot(*one) * math.hypot(*other)
    )


def embedder(client: ModelClient) -> Embedder:
    assert isinstance(client, Embedder)
    return client


async def test_texts_that_mean_the_same_are_near(client: ModelClient) -> None:
    cat, kitten, bank = await embedder(client).embed(SMALL, [CAT, KITTEN, BANK])

    assert len(cat) == len(kitten) == len(bank) > 100
    assert likeness(cat, kitten) > max(likeness(cat, bank), likeness(kitten, bank)) + 0.05


async def test_each_text_has_its_vector_in_order(client: ModelClient) -> None:
    texts = [f"{number} apples" for number in range(20)]

    together = await embedder(client).embed(SMALL, texts)
    (alone,) = await embedder(client).embed(SMALL, [texts[13]])

    assert len(together) == 20
    best = max(range(20), key=lambda number: likeness(together[number], alone))
    assert best == 13


async def test_no_text_is_no_vector(small: FakeContext) -> None:
    async with small.open() as client:
        assert list(await embedder(client).embed(SMALL, [])) == []


async def test_it_answers_meanwhile(client: ModelClient) -> None:
    vectors, parts = await asyncio.gather(
        embedder(client).embed(SMALL, [CAT] * 20), collect(client, ask("Say hello."))
    )

    assert len(vectors) == 20
    assert words(parts)


async def test_a_text_that_is_too_long_says_so(client: ModelClient) -> None:
    with pytest.raises(ContextTooLong, match="longer than the model takes"):
        await embedder(client).embed(SMALL, ["word " * 3000])

    assert len(await embedder(client).embed(SMALL, [CAT])) == 1


async def test_it_can_be_cancelled(client: ModelClient) -> None:
    await embedder(client).embed(SMALL, [CAT])
    task = asyncio.create_task(asyncio.wait_for(embedder(client).embed(SMALL, [CAT] * 400), 0.2))

    with pytest.raises(TimeoutError):
        await task

    assert len(await embedder(client).embed(SMALL, [BANK])) == 1


async def test_closing_ends_it(small: FakeContext) -> None:
    async with small.open() as client:
        task = asyncio.create_task(_embed(client))
        await embedder(client).embed(SMALL, [CAT])
    outcome = (await asyncio.gather(task, return_exceptions=True))[0]

    assert isinstance(outcome, Exception)
    assert "unloaded" in str(outcome)


async def _embed(client: ModelClient) -> None:
    await embedder(client).embed(SMALL, [CAT] * 400)


async def test_an_unknown_model_is_refused(client: ModelClient) -> None:
    with pytest.raises(ModelRejected):
        await embedder(client).embed("nothing-of-the-kind", [CAT])
