"""Models of providers that make vectors, as a plugin uses them."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import define, field

from argent_core.spending import today
from argent_hookspecs import (
    FREE,
    ModelInfo,
    ModelProvider,
    ModelRejected,
    ModelUnavailable,
    PluginContext,
    Price,
)
from argent_testing import Argent, MadePlugin

pytestmark = pytest.mark.anyio
DEAR = Price(input=1000.0, output=0.0)


@define(eq=False)
class Counter:
    """A provider whose vectors count letters, and what it was given."""

    price: Price | None = FREE
    window: int = 100
    seen: list[str] = field(factory=list)
    fails: Exception | None = None
    gives: Any = None

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=self.window, price=self.price)

    async def stream(self, request: object) -> AsyncIterator[Any]:
        raise NotImplementedError
        yield

    async def embed(self, model: str, texts: Sequence[str]) -> Any:
        if self.fails is not None:
            raise self.fails
        self.seen += texts
        return self.gives or [[3.0 * text.count("a"), 4.0 * text.count("b")] for text in texts]


def brought(counter: Counter, *, local: bool = True) -> MadePlugin:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        yield counter

    return MadePlugin("counts", ModelProvider(id="counts", open=opened, local=local))


@asynccontextmanager
async def asked(
    argent: Argent,
    counter: Counter,
    *,
    local: bool = True,
    faulty: bool = False,
    config: Any = None,
) -> AsyncIterator[tuple[Any, PluginContext]]:
    """A kernel, and the context of a plugin in it that asks."""
    asker = MadePlugin("asker")
    plugins = [brought(counter, local=local), asker]
    async with argent(plugins=plugins, config=config or {}, allow_faults=faulty) as kernel:
        yield kernel, asker.ctx


async def test_texts_become_vectors_of_length_one(argent: Argent) -> None:
    async with asked(argent, Counter()) as (_, ctx):
        embedder = await ctx.embedder("counts/letters")
        vectors = await embedder.embed(["ab", "b", "x"])

    assert [list(vector) for vector in vectors] == [
        pytest.approx([0.6, 0.8]), [0.0, 1.0], [0.0, 0.0]
    ]  # fmt: skip
    assert all(isinstance(vector, array) for vector in vectors)
    said = (embedder.id, embedder.dimensions, embedder.longest, embedder.scripts)
    assert said == ("counts/letters", 2, 100, ())


@pytest.mark.parametrize("local", [True, False])
async def test_it_says_whether_it_is_on_this_machine(argent: Argent, local: bool) -> None:
    async with asked(argent, Counter(), local=local) as (_, ctx):
        assert (await ctx.embedder("counts/letters")).local is local


async def test_what_is_too_long_is_cut(argent: Argent) -> None:
    counter = Counter()
    async with asked(argent, counter) as (_, ctx):
        await (await ctx.embedder("counts/letters")).embed(["a" * 10_000])

    assert 100 <= len(counter.seen[-1]) <= 400


@pytest.mark.parametrize("name", ["nobody/letters", "letters", ""])
async def test_who_is_not_there_is_told_with_who_is(argent: Argent, name: str) -> None:
    async with asked(argent, Counter()) as (_, ctx):
        with pytest.raises(ModelRejected, match="those that do: counts"):
            await ctx.embedder(name)


async def test_where_all_stays_on_this_machine_no_other_is_asked(argent: Argent) -> None:
    routing = {"models": {"routing": {"profile": "local-only"}}}
    async with asked(argent, Counter(), local=False, config=routing) as (_, ctx):
        with pytest.raises(ModelRejected, match="local-only"):
            await ctx.embedder("counts/letters")


async def test_what_it_costs_is_counted(argent: Argent) -> None:
    async with asked(argent, Counter(price=DEAR), local=False) as (kernel, ctx):
        embedder = await ctx.embedder("counts/letters")
        before = await spent(kernel)
        await embedder.embed(["a" * 36])
        after = await spent(kernel)

    assert after - before == pytest.approx(15 * 1000 / 1e6)


async def test_what_does_not_fit_the_budget_is_not_asked(argent: Argent) -> None:
    counter = Counter(price=DEAR, window=10_000)
    async with asked(argent, counter, local=False, config={"budget": {"perDay": 0.5}}) as (_, ctx):
        embedder = await ctx.embedder("counts/letters")
        with pytest.raises(ModelRejected, match="the budget for today has no room"):
            await embedder.embed(["a" * 600])

        assert counter.seen == ["a"]
        assert len(await embedder.embed(["a" * 300])) == 1


async def test_a_call_that_certainly_cost_nothing_is_not_counted(argent: Argent) -> None:
    counter = Counter(price=DEAR)
    async with asked(argent, counter, local=False) as (kernel, ctx):
        embedder = await ctx.embedder("counts/letters")
        before = await spent(kernel)
        counter.fails = ModelUnavailable("refused", retry_after=7)
        with pytest.raises(ModelUnavailable, match="refused") as raised:
            await embedder.embed(["a"])

        assert raised.value.retry_after == 7
        assert await spent(kernel) == before


@pytest.mark.parametrize("gives", [[[1.0]], [["no"], ["numbers"]], 7, [[1.0], [1.0, 2.0]]])
async def test_nonsense_is_said_to_be_such(argent: Argent, gives: Any) -> None:
    counter = Counter()
    async with asked(argent, counter, faulty=True) as (_, ctx):
        embedder = await ctx.embedder("counts/letters")
        counter.gives = gives
        with pytest.raises(ModelUnavailable, match="counts"):
            await embedder.embed(["a", "b"])


async def test_what_breaks_off_counts_as_it_was_set_aside(argent: Argent) -> None:
    counter = Counter(price=DEAR)
    async with asked(argent, counter, local=False, faulty=True) as (kernel, ctx):
        embedder = await ctx.embedder("counts/letters")
        before = await spent(kernel)
        counter.fails = ZeroDivisionError()
        with pytest.raises(ModelUnavailable):
            await embedder.embed(["a" * 36])

        assert await spent(kernel) - before == pytest.approx(36 * 1000 / 1e6)


async def spent(kernel: Any) -> float:
    found = await today(kernel.outbox.database, kernel.loop.shop.budget)
    return float(found["spent"])
