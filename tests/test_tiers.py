"""The shipped tiers together, with neighbours, and with a tier of somebody else."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Any

import pytest

from argent_hookspecs import (
    FREE,
    SCORER,
    Finish,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRequest,
    ModelTier,
    RouteSignals,
    Score,
    Service,
    TextDelta,
)
from argent_testing import Argent, MadePlugin

pytestmark = pytest.mark.anyio

ABILITY = {"local": 0.1, "fast": 0.4, "balanced": 0.6, "powerful": 0.9}
"""A score within the band of each tier."""
SUBSETS = [names for size in range(1, 5) for names in itertools.combinations(ABILITY, size)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Parrot:
    """A provider whose models say their own names."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        yield TextDelta(request.model)
        yield Finish()

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=100_000, price=FREE)


class SaidScore:
    """A scorer that finds the score in the words of the event."""

    async def score(self, signals: RouteSignals) -> Score:
        return Score(value=float(signals.text))


def provider(id: str) -> ModelProvider:
    return ModelProvider(id=id, open=lambda: nullcontext(Parrot()), local=True)


def lab(*tiers: ModelTier) -> MadePlugin:
    scorer = Service(key=SCORER, open=lambda: nullcontext(SaidScore()))
    return MadePlugin("lab", provider("anthropic"), provider("ollama"), scorer, *tiers)


def plugins(*names: str) -> list[str]:
    return [f"argent_tier_{name}" for name in names]


def expected(names: tuple[str, ...], wanted: str) -> str:
    """Return the tier that serves: the nearest above, else the nearest below."""
    ladder = list(ABILITY)
    above = [name for name in ladder[ladder.index(wanted) :] if name in names]
    return above[0] if above else [name for name in ladder if name in names][-1]


@pytest.mark.parametrize("names", SUBSETS, ids="+".join)
async def test_any_subset_serves_every_score(argent: Argent, names: tuple[str, ...]) -> None:
    async with argent(plugins=[lab(), *plugins(*names)]) as kernel:
        models = {tier.name: tier.model for tier in kernel.agent.router.tiers()}
        for wanted, score in ABILITY.items():
            assert await argent.channel.ask(str(score)) == models[expected(names, wanted)]


async def test_a_fifth_tier_of_somebody_else_serves_its_band(argent: Argent) -> None:
    genius = ModelTier(id="x", name="genius", below=3.0, provider="ollama", model="whale")
    between = ModelTier(id="y", name="brisk", below=0.45, provider="ollama", model="swift")
    async with argent(plugins=[lab(between, genius), *plugins(*ABILITY)]):
        assert await argent.channel.ask("0.4") == "swift"
        assert (await argent.channel.ask("0.47")).startswith("claude-haiku")
        assert (await argent.channel.ask("@genius 0.1")) == "whale"


async def test_models_json_goes_before_all_of_them(argent: Argent) -> None:
    mine = {
        "version": 1,
        "tiers": [
            {"name": "fast", "provider": "ollama", "model": "mine"},
            {"name": "tiny", "provider": "ollama", "model": "crumb", "below": 0.05},
        ],
    }
    async with argent(plugins=[lab(), *plugins(*ABILITY)]) as kernel:
        home = kernel.home
    (home.root / "models.json").write_text(json.dumps(mine))
    async with argent.restart():
        assert await argent.channel.ask("0.4") == "mine"
        assert await argent.channel.ask("0.01") == "crumb"
        assert await argent.channel.ask("0.1") == "llama3.2:latest"


async def test_where_a_provider_is_missing_its_tiers_are_passed_over(argent: Argent) -> None:
    scorer = Service(key=SCORER, open=lambda: nullcontext(SaidScore()))
    only: list[Any] = [MadePlugin("lab", provider("ollama"), scorer)]
    async with argent(plugins=[*only, *plugins(*ABILITY)]):
        assert await argent.channel.ask("0.9") == "llama3.2:latest"
