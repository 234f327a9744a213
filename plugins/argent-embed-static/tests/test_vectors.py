"""The mean of words, in all its widths."""

from __future__ import annotations

from itertools import combinations

import pytest

from argent_testing import FakeContext, likeness, opened_embedder

pytestmark = pytest.mark.anyio
TEXTS = (
    "The cat sat on the mat.",
    "A kitten rests on the rug.",
    "Interest rates rose again in May.",
)


async def test_it_says_what_wordllama_says(ctx: FakeContext) -> None:
    async with opened_embedder(ctx) as embedder:
        vectors = await embedder.embed(TEXTS)

    pairs = [likeness(one, other) for one, other in combinations(vectors, 2)]
    assert pairs == pytest.approx((0.374, -0.051, 0.045), abs=0.001)
    assert vectors[0][:3].tolist() == pytest.approx((-0.0478, 0.0284, -0.0470), abs=1e-4)


@pytest.mark.parametrize("dimensions", [64, 128, 256])
async def test_fewer_numbers_are_the_first_of_all(ctx: FakeContext, dimensions: int) -> None:
    async with (
        opened_embedder(ctx) as full,
        opened_embedder(ctx.with_settings(dimensions=dimensions)) as narrow,
    ):
        (whole,), (part,) = await full.embed(TEXTS[:1]), await narrow.embed(TEXTS[:1])

    assert (len(part), narrow.dimensions) == (dimensions, dimensions)
    assert narrow.id.endswith(f"-{dimensions}")
    ratio = part[0] / whole[0]
    assert part.tolist() == pytest.approx([ratio * value for value in whole[:dimensions]], abs=1e-5)


async def test_nothing_to_read_is_zeros(ctx: FakeContext) -> None:
    async with opened_embedder(ctx) as embedder:
        assert [any(vector) for vector in await embedder.embed(["", " \n ", "."])] == [
            False,
            False,
            True,
        ]
