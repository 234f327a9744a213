from __future__ import annotations

import doctest
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import argent_core.money
from argent_core.config.settings import BudgetSettings
from argent_core.database import Database, open_database
from argent_core.loop.budget import Budget, ModelCall, OverBudget
from argent_core.loop.prices import Prices, WorstCase, cost
from argent_core.loop.tokens import most_tokens
from argent_core.money import DOLLAR
from argent_core.schema import MIGRATIONS
from argent_core.spending import Spending
from argent_hookspecs import (
    FREE,
    BudgetReached,
    Image,
    Message,
    ModelInfo,
    ModelProvider,
    ModelRequest,
    Price,
    Role,
    ToolSpec,
    Usage,
)
from argent_testing import FakeClock

A_CENT_EACH = Price(input=0.0, output=10_000.0)


def call(key: str, **other: Any) -> ModelCall:
    known = {
        "turn": "t",
        "conversation": "home",
        "source": "terminal",
        "tier": "fast",
        "provider": "p",
        "model": "m",
    }
    return ModelCall(key=key, **{**known, **other})


def worst(output: int, price: Price = A_CENT_EACH) -> WorstCase:
    return WorstCase(price=price, input_tokens=100, most_output=output)


class Ledger:
    """A budget on a database of its own."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.database = database
        self.clock = clock
        self.budget = Budget(BudgetSettings(), clock)

    def limit(self, **caps: Any) -> None:
        self.budget.settings = BudgetSettings(**{"per_day": None, "per_month": None, **caps})

    async def reserve(self, one: ModelCall, output: int, **other: Any) -> int:
        return await self.database.write(
            lambda tx: self.budget.reserve(tx, one, worst=worst(output), **other)
        )

    async def settle(self, one: ModelCall, cents: int) -> list[BudgetReached]:
        usage, spent = Usage(output_tokens=cents), cents * DOLLAR // 100
        return await self.database.write(
            lambda tx: self.budget.settle(tx, one, spent=spent, usage=usage)
        )

    async def fail(self, one: ModelCall, *, free: bool) -> list[BudgetReached]:
        return await self.database.write(
            lambda tx: self.budget.fail(tx, one, reason="it broke", free=free)
        )

    async def spend(self, key: str, cents: int) -> list[float]:
        """Spend some, allowed or not; return the marks that were told of."""
        await self.reserve(call(key), cents, whatever=True)
        return [notice.share for notice in await self.settle(call(key), cents)]

    async def refuse(self, key: str, output: int = 100, **other: Any) -> list[BudgetReached]:
        """Try what does not fit; return what was told of it."""
        with pytest.raises(OverBudget) as raised:
            await self.reserve(call(key), output, **other)
        return await self.database.write(lambda tx: self.budget.refuse(tx, raised.value.cap))

    async def used(self, scope: str = "all", period: str = "2026-01") -> int:
        sql = "SELECT amount FROM spending WHERE scope = ? AND period = ?"
        row = await self.database.read(lambda tx: tx.execute(sql, (scope, period)).fetchone())
        return 0 if row is None else int(row[0]) * 100 // DOLLAR


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_database(tmp_path / "kernel.db", MIGRATIONS) as database:
        yield Ledger(database, FakeClock())


@pytest.mark.anyio
class TestBudget:
    @pytest.mark.parametrize(
        ("caps", "name"),
        [
            ({"per_day": 1}, "today"),
            ({"per_month": 1}, "this month"),
            ({"per_conversation": 1}, "conversation home"),
            ({"sources": {"terminal": 1}}, "source terminal"),
            ({"tiers": {"fast": 1}}, "tier fast"),
        ],
    )
    async def test_each_cap_holds(self, ledger: Ledger, caps: Any, name: str) -> None:
        ledger.limit(**caps)

        assert await ledger.reserve(call("1"), 60) == 60
        with pytest.raises(OverBudget, match=rf"the budget for {name} has no room"):
            await ledger.reserve(call("2"), 60)

    async def test_what_another_used_does_not_count(self, ledger: Ledger) -> None:
        ledger.limit(per_conversation=1, sources={"terminal": 1}, tiers={"fast": 1})
        await ledger.reserve(call("1"), 100)

        other = call("2", conversation="b", source="cron", tier="local")

        assert await ledger.reserve(other, 100) == 100

    async def test_what_is_settled_gives_room_back(self, ledger: Ledger) -> None:
        ledger.limit(per_day=1)
        await ledger.reserve(call("1"), 100)
        await ledger.settle(call("1"), 40)

        assert await ledger.reserve(call("2"), 60) == 60

    async def test_a_second_settlement_changes_nothing(self, ledger: Ledger) -> None:
        await ledger.reserve(call("1"), 100)
        await ledger.settle(call("1"), 40)
        await ledger.settle(call("1"), 90)
        await ledger.fail(call("1"), free=False)

        assert await ledger.used() == 40

    @pytest.mark.parametrize(("free", "left"), [(True, 0), (False, 100)])
    async def test_a_failure_is_free_or_as_dear_as_can_be(
        self, ledger: Ledger, free: bool, left: int
    ) -> None:
        await ledger.reserve(call("1"), 100)
        await ledger.fail(call("1"), free=free)

        assert await ledger.used() == left

    async def test_a_call_counts_on_its_own_day(self, ledger: Ledger) -> None:
        await ledger.reserve(call("1"), 100)
        ledger.clock.jump(35 * 86_400)
        await ledger.settle(call("1"), 40)

        assert await ledger.used(period="2026-01") == 40
        assert await ledger.used(period="2026-02") == 0

    async def test_a_new_day_has_room_again(self, ledger: Ledger) -> None:
        ledger.limit(per_day=1)
        await ledger.reserve(call("1"), 100)
        ledger.clock.jump(86_400)

        assert await ledger.reserve(call("2"), 100) == 100

    async def test_an_answer_is_shortened_but_not_to_a_stump(self, ledger: Ledger) -> None:
        ledger.limit(per_day=5)

        assert await ledger.reserve(call("1"), 4000, whatever=False) == 500
        await ledger.settle(call("1"), 250)
        with pytest.raises(OverBudget):
            await ledger.reserve(call("2"), 4000)

    async def test_what_a_person_allowed_is_not_looked_at(self, ledger: Ledger) -> None:
        ledger.limit(per_day=0)

        assert await ledger.reserve(call("1"), 4000, whatever=True) == 4000

    async def test_a_mark_is_told_of_once(self, ledger: Ledger) -> None:
        ledger.limit(per_day=10)

        told = [await ledger.spend(f"{n}", 90) for n in range(13)]

        assert {n: shares for n, shares in enumerate(told) if shares} == {
            5: [0.5],
            8: [0.8],
            11: [1.0],
        }

    async def test_several_marks_at_once_are_one(self, ledger: Ledger) -> None:
        ledger.limit(per_day=1)
        await ledger.reserve(call("1"), 100)

        (told,) = await ledger.fail(call("1"), free=False)

        assert (told.cap, told.share, told.spent, told.limit) == ("today", 1.0, 1.0, 1.0)
        assert await ledger.spend("2", 150) == []
        assert await ledger.refuse("3") == []

    async def test_a_refusal_is_told_once_and_no_lower_mark_after_it(self, ledger: Ledger) -> None:
        ledger.limit(per_day=1)
        assert await ledger.spend("1", 60) == [0.5]

        (told,) = await ledger.refuse("2")

        assert (told.share, told.spent, told.limit) == (1.0, 0.6, 1.0)
        assert await ledger.refuse("3") == []
        assert await ledger.spend("4", 30) == []

    @pytest.mark.parametrize("spent_before", [False, True])
    async def test_a_budget_of_nothing_says_so_once(
        self, ledger: Ledger, spent_before: bool
    ) -> None:
        if spent_before:
            await ledger.spend("0", 10)
        ledger.limit(per_day=0)

        told = [await ledger.refuse(f"{n}") for n in (1, 2)]

        assert [[notice.share for notice in notices] for notices in told] == [[1.0], []]

    async def test_what_is_free_uses_up_no_budget_of_nothing(self, ledger: Ledger) -> None:
        ledger.limit(per_day=0)

        assert await ledger.spend("1", 0) == []

    async def test_of_another_limit_it_is_told_anew(self, ledger: Ledger) -> None:
        ledger.limit(per_day=1)
        assert await ledger.spend("1", 100) == [1.0]
        ledger.limit(per_day=3)
        raised = [await ledger.spend(f"raised {n}", 30) for n in range(7)]
        ledger.limit(per_day=2)
        lowered = [await ledger.spend(f"lowered {n}", 10) for n in range(2)]

        assert raised == [[], [0.5], [], [], [0.8], [], [1.0]]
        assert lowered == [[1.0], []]

    async def test_of_each_cap_it_is_told_apart(self, ledger: Ledger) -> None:
        ledger.limit(per_day=2, per_month=1)

        assert await ledger.spend("1", 100) == [0.5, 1.0]

    async def test_a_caller_says_which_answer_is_too_short(self, ledger: Ledger) -> None:
        ledger.limit(per_day=5)

        assert await ledger.reserve(call("1"), 400, least=1000) == 400
        assert await ledger.reserve(call("2"), 4000, least=100) == 100
        await ledger.settle(call("2"), 0)
        with pytest.raises(OverBudget, match=r"a short answer may cost \$1\.01") as raised:
            await ledger.reserve(call("3"), 4000, least=101)
        assert raised.value.tier == "fast"
        assert await ledger.used() == 400

    @pytest.mark.parametrize(("limit", "counts"), [(0.3, 0.3), (5e6, 1e6), (1e300, 1e6)])
    async def test_the_cap_of_conversations_that_is_shown_is_the_one_that_holds(
        self, ledger: Ledger, limit: float, counts: float
    ) -> None:
        for n, where in enumerate("abcde"):
            await ledger.reserve(call(f"{n}", conversation=where), n + 1)
        ledger.limit(per_conversation=limit)

        caps = (await Spending(ledger.database, ledger.budget, prices="").report())["caps"]

        assert [cap["cap"] for cap in caps] == [f"conversation {where}" for where in "edc"]
        assert {cap["limit"] for cap in caps} == {counts}

    async def test_no_number_breaks_the_sums(self, ledger: Ledger) -> None:
        ledger.limit(per_day=float("inf"))
        absurd = Price(input=float("inf"), output=1e300)
        case = WorstCase(price=absurd, input_tokens=2**53, most_output=2**53)
        spent = cost(absurd, Usage(input_tokens=2**52, output_tokens=2**52))

        for n in range(3):
            one = call(f"{n}")
            await ledger.database.write(
                lambda tx, one=one: ledger.budget.reserve(tx, one, worst=case, whatever=True)
            )
            await ledger.database.write(
                lambda tx, one=one: ledger.budget.settle(tx, one, spent=spent, usage=Usage())
            )

        assert await ledger.used() == 3 * spent * 100 // DOLLAR


def test_no_usage_within_the_worst_case_costs_more_than_it() -> None:
    price = Price(input=1.0, output=2.0, cache_read=5.0, cache_write=4.0)
    case = WorstCase(price=price, input_tokens=90, most_output=10)
    for usage in (
        Usage(input_tokens=90, output_tokens=10),
        Usage(cache_read_tokens=90, output_tokens=10),
        Usage(cache_write_tokens=90, output_tokens=10),
        Usage(input_tokens=30, cache_read_tokens=30, cache_write_tokens=30, output_tokens=10),
    ):
        assert cost(price, usage) <= case.amount(10)


def test_a_long_input_has_a_price_of_its_own() -> None:
    long = Price(input=10.0, output=20.0)
    price = Price(input=1.0, output=2.0, above=1000, long=long)

    assert cost(price, Usage(input_tokens=900, cache_read_tokens=100)) == 1000 * 10**6
    assert cost(price, Usage(input_tokens=901, cache_read_tokens=100)) == 1001 * 10**7
    worst = WorstCase(price=price, input_tokens=1001, most_output=10)
    assert worst.amount(10) == 1001 * 10**7 + 10 * 20 * 10**6


def test_cached_tokens_have_prices_of_their_own() -> None:
    price, usage = Price(input=3.0, output=15.0, cache_read=0.3), Usage(cache_read_tokens=10**6)

    assert cost(price, usage) == 3 * DOLLAR // 10
    assert cost(Price(input=3.0, output=15.0), usage) == 3 * DOLLAR


class TestPrices:
    provider = ModelProvider(id="vendor", open=lambda: None)  # type: ignore[arg-type, return-value]

    def of(self, id: str, price: Price | None = None, **provider: Any) -> tuple[Price, bool]:
        record = ModelProvider(**{"id": "vendor", "open": self.provider.open, **provider})
        found = Prices().of(record, ModelInfo(id=id, context_window=1, price=price))
        return found.price, found.known

    def test_what_the_provider_says_counts(self) -> None:
        assert self.of("gpt-4o", A_CENT_EACH) == (A_CENT_EACH, True)

    def test_the_table_knows_the_rest(self) -> None:
        price, known = self.of("gpt-4o")

        assert known and 0 < price.input < price.output

    def test_what_it_does_not_know_is_as_dear_as_can_be(self) -> None:
        price, known = self.of("nobody-knows-me")

        assert not known
        assert price.input == max(p.input for p in Prices().table.values())
        assert price.output == max(p.output for p in Prices().table.values())

    def test_a_model_on_this_machine_is_free(self) -> None:
        assert self.of("nobody-knows-me", local=True) == (FREE, True)


def test_no_tokenizer_makes_more_tokens_than_are_allowed_for() -> None:
    spec = ToolSpec(name="calc", description="", parameters={})
    words = Message(Role.USER, "héllo 世界")
    image = Message(Role.USER, (Image(b"\xff" * 10, "image/png"),))

    plain = most_tokens(ModelRequest(model="m", messages=(words,)))

    assert plain >= len("héllo 世界".encode())
    assert most_tokens(ModelRequest(model="m", messages=(words, image))) >= plain + 48_169
    assert most_tokens(ModelRequest(model="m", messages=(words,), tools=(spec,))) >= plain + 1000


def test_amounts_are_written_as_their_examples_say() -> None:
    assert doctest.testmod(argent_core.money).failed == 0
