from __future__ import annotations

import json
import math
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import pytest

from argent_core.loop.tiers import choose_tier, named_tier
from argent_hookspecs import (
    FREE,
    SCORER,
    ModelInfo,
    ModelProvider,
    ModelRejected,
    ModelTier,
    RouteSignals,
    Score,
    Service,
)
from argent_testing import Argent, ScriptedModel

from ..demo import Demo

BELOW = {"local": 0.3, "fast": 0.5, "balanced": 0.8, "powerful": 2.0}


def tier(name: str, **other: Any) -> ModelTier:
    known = {"id": name, "below": BELOW.get(name), "provider": "scripted", "model": f"m-{name}"}
    return ModelTier(name=name, **{**known, **other})


ALL = [tier(name) for name in BELOW]


def chosen(value: float, *names: str, cap: str | None = None) -> str:
    tiers = [tier(name) for name in names] if names else ALL
    return choose_tier(tiers, Score(value=value, cap=cap)).name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (0.0, "local"),
        (0.2999, "local"),
        (0.3, "fast"),
        (0.4999, "fast"),
        (0.5, "balanced"),
        (0.7999, "balanced"),
        (0.8, "powerful"),
        (1.0, "powerful"),
    ],
)
def test_each_score_has_its_tier(value: float, name: str) -> None:
    assert chosen(value) == name


def test_a_missing_tier_falls_to_the_nearest_above() -> None:
    assert chosen(0.1, "fast", "powerful") == "fast"
    assert chosen(0.1, "balanced", "powerful") == "balanced"
    assert chosen(0.6, "local", "powerful") == "powerful"


def test_with_none_above_it_falls_to_the_nearest_below() -> None:
    assert chosen(0.9, "local", "fast") == "fast"
    assert chosen(0.6, "local") == "local"


def test_hurry_caps_at_fast_where_fast_is_installed() -> None:
    assert chosen(0.9, cap="fast") == "fast"
    assert chosen(0.1, cap="fast") == "local"
    assert chosen(0.9, "local", "balanced", "powerful", cap="fast") == "powerful"


def test_a_third_party_tier_has_its_band() -> None:
    tiers = [*ALL, tier("genius", below=3.0), tier("tiny", below=0.1)]

    assert choose_tier(tiers, Score(value=0.05)).name == "tiny"
    assert choose_tier(tiers, Score(value=0.1)).name == "local"
    assert choose_tier(tiers, Score(value=1.0)).name == "powerful"


def test_of_tiers_with_one_name_the_first_serves() -> None:
    assert choose_tier([tier("local", model="mine"), *ALL], Score(value=0.1)).model == "mine"


def test_without_routing_the_default_tier_serves() -> None:
    assert named_tier(ALL, "balanced").name == "balanced"
    assert named_tier([tier("local"), tier("powerful")], "balanced").name == "powerful"
    assert named_tier([tier("local"), tier("fast")], "balanced").name == "fast"
    assert named_tier([tier("local")], "no-such-tier").name == "local"


def test_without_any_tier_it_says_what_to_install() -> None:
    for choose in (lambda: choose_tier([], Score(value=0.5)), lambda: named_tier([], "fast")):
        with pytest.raises(ModelRejected, match="no model is there to answer; pip install"):
            choose()


class FixedScorer:
    """A scorer that says what a test wants."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.signals: list[RouteSignals] = []

    async def score(self, signals: RouteSignals) -> Score:
        self.signals.append(signals)
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, float):
            return Score(value=self.answer)
        score: Score = self.answer
        return score


def scoring(scorer: FixedScorer) -> Demo:
    def open_it() -> AbstractAsyncContextManager[FixedScorer]:
        return nullcontext(scorer)

    return Demo(Service(key=SCORER, open=open_it), *ALL, name="scoring")


@pytest.mark.anyio
class TestInTheKernel:
    async def test_a_simple_message_goes_to_the_least_able_tier(self, argent: Argent) -> None:
        async with argent(plugins=[Demo(*ALL[1:])], model=["hi"]) as kernel:
            await argent.channel.ask("hi")
            trace = await kernel.agent.trace("home")

        assert trace is not None
        assert (trace["route"]["tier"], trace["route"]["model"]) == ("local", "scripted")
        assert trace["route"]["score"] == 0.05
        assert trace["route"]["factors"]["cap"] is None

    async def test_a_demanding_message_goes_higher(self, argent: Argent) -> None:
        async with argent(plugins=[Demo(*ALL[1:])], model=["…", "…"]):
            await argent.channel.ask("Write a story, do you remember which? " + "word " * 2500)
            await argent.channel.ask("Quick, write a story, you remember? " + "word " * 2500, "b")

        assert [request.model for request in argent.model.requests] == ["m-balanced", "m-fast"]

    async def test_a_plugins_scorer_replaces_the_table(self, argent: Argent) -> None:
        scorer = FixedScorer(Score(value=0.9, factors={"gut": 0.9}))

        async with argent(plugins=[scoring(scorer)], model=["hi"]) as kernel:
            await argent.channel.ask("hi")
            trace = await kernel.agent.trace("home")

        assert argent.model.requests[0].model == "m-powerful"
        assert scorer.signals[0].text == "hi"
        assert scorer.signals[0].table and scorer.signals[0].table.value == 0.05
        assert trace is not None and trace["route"]["factors"]["gut"] == 0.9

    @pytest.mark.parametrize("answer", [RuntimeError("no idea"), "0.9", None, 1.5, -0.1, math.nan])
    async def test_the_table_scores_when_it_fails(self, argent: Argent, answer: Any) -> None:
        plugins = [scoring(FixedScorer(answer))]

        async with argent(plugins=plugins, model=["hi"], allow_faults=True) as kernel:
            assert await argent.channel.ask("hi") == "hi"
            (state,) = [p for p in kernel.agent.plugins() if p["name"] == "scoring"]

        assert state["state"] == "degraded"
        assert "scorer" in state["reason"]
        assert argent.model.requests[0].model in ("scripted", "m-local")

    async def test_routing_can_be_switched_off(self, argent: Argent) -> None:
        config = {"models": {"default": "fast", "routing": {"enabled": False}}}

        async with argent(plugins=[Demo(*ALL)], model=["hi"], config=config):
            await argent.channel.ask("hi")

        assert argent.model.requests[0].model == "m-fast"

    async def test_the_persons_own_tiers_win(self, argent: Argent) -> None:
        async with argent(model=[]):
            pass
        mine = {"name": "local", "provider": "scripted", "model": "mine", "maxOutputTokens": 77}
        argent.home.models_file.write_text(json.dumps({"version": 1, "tiers": [mine]}))

        async with argent.restart(model=["hi"]):
            await argent.channel.ask("hi")

        (request,) = argent.model.requests
        assert (request.model, request.max_output_tokens) == ("mine", 77)

    async def test_a_tier_whose_provider_does_not_run_is_passed_over(self, argent: Argent) -> None:
        gone = tier("local", id="gone", provider="gone", order=-5)

        async with argent(plugins=[Demo(gone)], model=["hi"]) as kernel:
            assert await argent.channel.ask("hi") == "hi"
            models = await kernel.agent.models()

        assert models[0]["problem"] == "the provider 'gone' does not run"

    async def test_without_a_model_the_person_is_told_what_to_do(self, argent: Argent) -> None:
        async with argent():
            reply = await argent.channel.ask("hi")

        assert reply.startswith(
            "Sorry, I could not answer this: no model is there to answer; pip install"
        )

    async def test_an_answer_takes_at_most_half_of_the_window(self, argent: Argent) -> None:
        async with argent(model=ScriptedModel(["hi"], context_window=2000)):
            await argent.channel.ask("hi")

        assert argent.model.requests[0].max_output_tokens == 1000

    async def test_a_provider_that_cannot_describe_its_model_is_a_failed_turn(
        self, argent: Argent
    ) -> None:
        class Mute:
            async def describe(self, model: str) -> ModelInfo:
                raise RuntimeError("lost the papers")

            async def stream(self, request: Any) -> Any:
                yield None

        provider = ModelProvider(id="scripted", open=lambda: nullcontext(Mute()))
        plugins = [Demo(provider, tier("local"))]
        config = {"loop": {"maxAttempts": 1}}

        async with argent(plugins=plugins, config=config, allow_faults=True):
            reply = await argent.channel.ask("hi")

        assert "description of m-local raised RuntimeError: lost the papers" in reply

    async def test_a_model_without_a_window_is_a_failed_turn(self, argent: Argent) -> None:
        model = ScriptedModel([], context_window=0)

        async with argent(model=model, config={"loop": {"maxAttempts": 1}}) as kernel:
            reply = await argent.channel.ask("hi")
            (known,) = await kernel.agent.models()

        assert "scripted: says that scripted has a window of 0 tokens" in reply
        assert "a window of 0 tokens" in known["problem"]

    async def test_free_is_the_price_of_the_scripted_model(self, argent: Argent) -> None:
        async with argent(model=["hi"]) as kernel:
            await argent.channel.ask("hi")
            trace = await kernel.agent.trace("home")

        assert FREE.input == 0 and trace is not None
        assert trace["usage"]["cost"] == 0.0
