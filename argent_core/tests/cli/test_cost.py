from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from argent_core.clock import SystemClock
from argent_core.config.settings import BudgetSettings
from argent_core.database import open_database
from argent_core.loop.budget import Budget, ModelCall
from argent_core.loop.prices import WorstCase
from argent_core.money import DOLLAR
from argent_core.paths import Home
from argent_core.schema import MIGRATIONS
from argent_hookspecs import Price, Usage
from argent_testing import FakeClock

from .conftest import Agents, Run

Spend = Callable[..., None]

USAGE = Usage(input_tokens=1000, output_tokens=50, cache_read_tokens=30_000, cache_write_tokens=200)


@pytest.fixture
def spend(alone: Home) -> Spend:
    """Have it on record that calls were made some days ago."""
    numbers = iter(range(100))

    async def write(cents: int | None, days_ago: float, known: bool, call: ModelCall) -> None:
        clock = FakeClock(start=_now() - timedelta(days=days_ago))
        budget = Budget(BudgetSettings(per_day=None, per_month=None), clock)
        worst = WorstCase(
            price=Price(input=0, output=10_000), input_tokens=0, most_output=100, known=known
        )
        async with open_database(alone.kernel_database, MIGRATIONS) as database:
            await database.write(lambda tx: budget.reserve(tx, call, worst=worst))
            if cents is None:
                await database.write(
                    lambda tx: budget.fail(tx, call, reason="it broke off", free=False)
                )
            else:
                spent = cents * DOLLAR // 100
                await database.write(lambda tx: budget.settle(tx, call, spent=spent, usage=USAGE))

    def spend(cents: int | None, *, days_ago: float = 0, known: bool = True, **where: str) -> None:
        names = {
            "turn": "t",
            "conversation": "home",
            "source": "terminal",
            "tier": "fast",
            "provider": "p",
            "model": "m",
        }
        call = ModelCall(key=f"t/{next(numbers)}", **{**names, **where})
        asyncio.run(write(cents, days_ago, known, call))

    return spend


def _now() -> datetime:
    return SystemClock().now()


def rows(argent: Run, by: str, *words: str) -> dict[str, float]:
    found = json.loads(argent("cost", "--by", by, "--json", *words).output)
    return {row[by]: row["spent"] for row in found["rows"]}


def test_before_anything_was_spent(argent: Run, alone: Home) -> None:
    shown = argent("cost")

    assert shown.exit_code == 0
    assert "No model was called since " in shown.output
    assert "Budget for today: $0.00 of $5.00 (0%)\n" in shown.output
    assert "Budget for this month: $0.00 of $50.00 (0%)\n" in shown.output
    assert "Prices are of 20" in shown.output


def test_what_is_spent_and_what_is_set_aside(argent: Run, spend: Spend) -> None:
    spend(25)
    spend(None)

    head, today, total, *rest = argent("cost").output.splitlines()

    assert head.split("  ")[0] == "DAY"
    assert "TOKENS READ  FROM CACHE  INTO CACHE  WRITTEN" in head
    assert today.split()[1:] == ["2", "1", "$0.25", "$1.00", "1,000", "30,000", "200", "50"]
    assert total.split()[0] == "total" and total.split()[1:] == today.split()[1:]
    assert "Budget for today: $1.25 of $5.00 (25%)" in rest


@pytest.mark.parametrize(
    ("by", "found"),
    [
        ("source", {"terminal": 0.25, "cron": 0.5}),
        ("tier", {"fast": 0.25, "powerful": 0.5}),
        ("model", {"p/m": 0.25, "q/n": 0.5}),
        ("conversation", {"home": 0.25, "work": 0.5}),
    ],
)
def test_by_whatever_one_wants(argent: Run, spend: Spend, by: str, found: dict[str, float]) -> None:
    spend(25)
    spend(50, source="cron", tier="powerful", provider="q", model="n", conversation="work")

    assert rows(argent, by) == found
    assert list(rows(argent, by)) == list(found)[::-1]


def test_of_so_many_days(argent: Run, spend: Spend) -> None:
    spend(10)
    spend(20, days_ago=1)
    spend(40, days_ago=10)

    assert list(rows(argent, "day").values()) == [0.1, 0.2, 0.4]
    assert list(rows(argent, "day", "--days", "2").values()) == [0.1, 0.2]
    assert list(rows(argent, "day", "--days", "1").values()) == [0.1]


def test_the_forecast_is_the_mean_of_the_last_days(argent: Run, spend: Spend) -> None:
    for days_ago in range(10):
        spend(70 if days_ago < 7 else 700, days_ago=days_ago)

    forecast = json.loads(argent("cost", "--json").output)["forecast"]

    assert forecast["a_day"] == pytest.approx(0.7)
    left = round((forecast["total"] - forecast["spent"]) / 0.7)
    assert 0 <= left <= 30


def test_prices_that_nobody_knows_are_named(argent: Run, spend: Spend) -> None:
    spend(25, known=False, model="strange")

    shown = argent("cost").output

    assert "Prices unknown, so counted as the dearest that is known: p/strange\n" in shown


def test_all_caps_are_shown_and_the_conversations_that_are_furthest(
    argent: Run, alone: Home, spend: Spend
) -> None:
    caps = {"perConversation": 1, "sources": {"cron": 0.5}, "tiers": {"fast": 2}}
    settings = json.loads(alone.config_file.read_text())
    alone.config_file.write_text(json.dumps({**settings, "budget": caps}))
    spend(25, source="cron")
    spend(80, conversation="work")

    shown = argent("cost").output

    assert "Budget for source cron: $0.25 of $0.50 (50%)" in shown
    assert "Budget for tier fast: $1.05 of $2.00 (52%)" in shown
    assert shown.index("conversation work: $0.80 of $1.00") < shown.index("conversation home")


def test_what_is_over_a_cap_is_said_in_dollars(argent: Run, spend: Spend) -> None:
    spend(500)
    assert "Budget for today: $5.00 of $5.00, all of it\n" in argent("cost").output

    spend(145)
    assert "Budget for today: $6.45 of $5.00, which is $1.45 over\n" in argent("cost").output
    assert (
        "Spent today: $6.45 of $5.00, which is $1.45 over; see: argent" in argent("status").output
    )


def test_status_says_what_today_cost(argent: Run, spend: Spend) -> None:
    spend(25)

    assert "Spent today: $0.25 of $5.00 (5%); see: argent cost\n" in argent("status").output


def test_of_an_agent_that_runs(agents: Agents, argent: Run) -> None:
    with agents("hello") as agent:
        agent.wait_for("reply home ")
        found = json.loads(argent("cost", "--by", "tier", "--json").output)

    assert [(row["tier"], row["calls"]) for row in found["rows"]] == [("local", 1)]


def test_the_help_has_examples(argent: Run, tmp_path: Path) -> None:
    shown = argent("cost", "--help").output

    assert "argent cost --by model --days 7" in shown
    assert "day|source|tier|model|conversation" in shown
