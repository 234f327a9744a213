from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from argent_hookspecs import (
    FREE,
    Finish,
    FinishReason,
    ModelPart,
    ModelRejected,
    ModelRequest,
    ModelUnavailable,
    Price,
    TurnFinished,
    Usage,
)
from argent_testing import Argent, eventually, hang

from .vendors import Step, Vendor, Watcher, starting_with

pytestmark = pytest.mark.anyio

UNSURE = ["Probably Paris.", Finish(confidence=0.2, usage=Usage(input_tokens=1, output_tokens=3))]


def cloud(*script: Step, patience: float = 0.2) -> Vendor:
    """Return a vendor of three tiers."""
    vendor = Vendor("fast", *script, patience=patience)
    vendor.others = ("balanced", "powerful")
    return vendor


def local(*script: Step) -> Vendor:
    return Vendor("local", *script, price=None, local=True)


def timely(seconds: str, **more: Any) -> dict[str, Any]:
    """Return settings with a deadline for each answer."""
    config = starting_with("fast", **more)
    config["loop"]["turnTimeout"] = seconds
    return config


async def test_one_who_wants_to_be_left_alone_is_so_by_all_its_models(argent: Argent) -> None:
    vendor, small = cloud(ModelUnavailable("429", retry_after=60)), local("Me.")
    async with argent(plugins=[vendor.plugin(), small.plugin()], config=starting_with("fast")):
        answer = await argent.channel.ask("hi")

    assert answer == "Me."
    assert [request.model for request in vendor.requests] == ["fast-1"]


async def test_one_that_hangs_leaves_time_for_another(argent: Argent) -> None:
    vendor, small = cloud([hang], patience=60), local("Me.")
    plugins = [vendor.plugin(), small.plugin()]
    async with argent(plugins=plugins, config=timely("1s"), allow_faults=True):
        assert await argent.channel.ask("hi") == "Me."

    assert len(vendor.requests) == 1


async def test_a_request_that_is_refused_is_no_sign_of_illness(argent: Argent) -> None:
    vendor = cloud(*[ModelRejected("this request is malformed")] * 3, "Fine.")
    small = local("Well.", "Well.", "Well.")
    async with argent(plugins=[vendor.plugin(), small.plugin()], config=starting_with("fast")):
        for _ in range(3):
            assert await argent.channel.ask("bad") == "Well."
        assert await argent.channel.ask("good", "elsewhere") == "Fine."


async def test_who_names_no_time_to_wait_is_not_asked_without_a_pause(argent: Argent) -> None:
    vendor = Vendor("fast", ModelUnavailable("overloaded", retry_after=0), "Fine.")
    ended = Watcher(TurnFinished)
    plugins = [vendor.plugin(), ended.plugin()]
    async with argent(plugins=plugins, config=starting_with("fast", attempts=2)):
        await argent.channel.say("hi")
        await eventually(lambda: ended.seen, what="the first try")
        await argent.clock.advance(60)
        assert (await argent.channel.next_reply()).text == "Fine."

    assert "next try in 0 s" not in ended.seen[0].reason


async def test_nobody_waits_in_silence_for_an_hour(argent: Argent) -> None:
    vendor = Vendor("fast", ModelUnavailable("come back in an hour", retry_after=3600))
    async with argent(plugins=[vendor.plugin()], config=starting_with("fast", attempts=5)):
        first, second = [await argent.channel.ask(text) for text in ("one", "two")]

    assert "come back in an hour" in first
    assert "fast-vendor wants to be left alone for 3600 s" in second
    assert len(vendor.requests) == 1


async def test_all_tries_together_have_the_time_of_one(argent: Argent) -> None:
    class Slow(Vendor):
        async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
            self.requests.append(request)
            await argent.clock.advance(35)
            raise ModelUnavailable("down after 35 s")
            yield

    vendor = Slow("fast")
    ended = Watcher(TurnFinished)
    plugins = [vendor.plugin(), ended.plugin()]
    began = argent.clock.monotonic()
    async with argent(plugins=plugins, config=timely("60s", attempts=5)):
        await argent.channel.say("hi")
        await eventually(lambda: ended.seen, what="the first try")
        await argent.clock.advance(5)
        assert "down after 35 s" in (await argent.channel.next_reply()).text

    assert argent.clock.monotonic() - began < 120


async def test_a_floor_is_one_also_for_what_is_urgent(argent: Argent) -> None:
    fast, balanced = Vendor("fast"), Vendor("balanced", "Done.")
    config: dict[str, Any] = {"models": {"routing": {"floors": {"code": "balanced"}}}}
    config["budget"] = {"perDay": None, "perMonth": None}
    async with argent(plugins=[fast.plugin(), balanced.plugin()], config=config):
        assert await argent.channel.ask("quick: fix this python function") == "Done."


async def test_an_answer_from_under_a_floor_says_so(argent: Argent) -> None:
    small, balanced = local("I guess."), Vendor("balanced", ModelUnavailable("it is down"))
    config = {"models": {"routing": {"floors": {"code": "balanced"}}}, "loop": {"maxAttempts": 1}}
    async with argent(plugins=[small.plugin(), balanced.plugin()], config=config):
        answer = await argent.channel.ask("fix this python function")

    assert answer == ("I guess.\n\n(This is from local, as balanced could not answer: it is down)")


class TestABetterTry:
    @pytest.mark.parametrize(
        "better", [[Finish()], ["Well,", Finish(reason=FinishReason.LENGTH)], [hang]]
    )
    async def test_one_that_is_no_better_does_not_count(self, argent: Argent, better: Step) -> None:
        fast, balanced = Vendor("fast", UNSURE), Vendor("balanced", better)
        plugins = [fast.plugin(), balanced.plugin()]
        async with argent(plugins=plugins, config=starting_with("fast"), allow_faults=True):
            assert await argent.channel.ask("capital?") == "Probably Paris."

        assert len(balanced.requests) == 1

    async def test_it_leaves_time_for_the_answer_that_is_there(self, argent: Argent) -> None:
        fast, balanced = Vendor("fast", UNSURE), Vendor("balanced", [hang], patience=60)
        plugins = [fast.plugin(), balanced.plugin()]
        async with argent(plugins=plugins, config=timely("3s"), allow_faults=True):
            assert await argent.channel.ask("capital?") == "Probably Paris."

    async def test_none_is_made_that_must_be_shorter(self, argent: Argent) -> None:
        cut = ["Long", Finish(reason="length", usage=Usage(input_tokens=1, output_tokens=4000))]
        fast = Vendor("fast", cut, price=FREE, most_output=4000)
        balanced = Vendor("balanced", most_output=8000)
        plugins = [fast.plugin(), balanced.plugin()]
        async with argent(plugins=plugins, config=starting_with("fast", perDay=3)):
            assert (await argent.channel.ask("tell")).startswith("Long")

        assert not balanced.requests


async def test_a_whole_answer_of_a_lower_tier_is_better_than_a_stump(argent: Argent) -> None:
    powerful = Vendor("powerful", most_output=16_384)
    fast = Vendor("fast", "A whole story.", price=Price(input=0, output=1.0), most_output=4096)
    plugins = [powerful.plugin(), fast.plugin()]
    async with argent(plugins=plugins, config=starting_with("powerful", perDay=2.6)):
        assert await argent.channel.ask("story") == "A whole story."


async def test_a_lower_tier_answers_where_only_the_higher_has_reached_its_cap(
    argent: Argent,
) -> None:
    powerful, balanced = Vendor("powerful"), Vendor("balanced", "Me.")
    config = starting_with("powerful", tiers={"powerful": 0.1})
    async with argent(plugins=[powerful.plugin(), balanced.plugin()], config=config):
        assert await argent.channel.ask("hi") == "Me."


async def test_who_was_not_even_asked_has_not_failed(argent: Argent) -> None:
    busy = [ModelUnavailable("busy", retry_after=30), "One.", "Two."]
    vendor, ended = Vendor("fast", *busy), Watcher(TurnFinished)
    plugins = [vendor.plugin(), ended.plugin()]
    async with argent(plugins=plugins, config=starting_with("fast", attempts=2)):
        await argent.channel.say("one")
        await eventually(lambda: len(ended.seen) == 1, what="the first is put off")
        await argent.channel.say("two", "elsewhere")
        await eventually(lambda: len(ended.seen) == 2, what="the second is put off")
        await argent.clock.advance(29)
        await argent.channel.say("three", "a third place")
        await eventually(lambda: len(ended.seen) == 3, what="so is the third")
        vendor.script.append("Three.")
        await argent.clock.advance(2)
        answers = {(await argent.channel.next_reply()).text for _ in range(3)}

    assert answers == {"One.", "Two.", "Three."}
    assert "fast-vendor wants to be left alone for 30 s" in ended.seen[1].reason
    assert len(vendor.requests) == 4
