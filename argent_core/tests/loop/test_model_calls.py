from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_hookspecs import (
    Approval,
    BudgetReached,
    Draft,
    Effect,
    Finish,
    FinishReason,
    ModelEscalated,
    ModelRejected,
    ModelUnavailable,
    Price,
    Thinking,
    ToolCall,
    Usage,
    tool,
)
from argent_testing import Argent, MadePlugin, eventually, hang

from .vendors import Vendor, Watcher, starting_with

pytestmark = pytest.mark.anyio

CUT = [
    "It goes on",
    Finish(reason=FinishReason.LENGTH, usage=Usage(input_tokens=10, output_tokens=10)),
]
DEARER = Price(input=0.0, output=1_000_000.0)


async def cost(kernel: Kernel, **arguments: Any) -> Any:
    return await kernel.control.run("cost", arguments)


async def the_question(kernel: Kernel) -> Approval:
    async with asyncio.timeout(10):
        while not (found := await kernel.agent.approvals()):
            pass
    (approval,) = found
    return approval


class TestTheBudget:
    async def test_a_call_that_does_not_fit_goes_to_a_cheaper_tier(self, argent: Argent) -> None:
        fast, powerful = Vendor("fast"), Vendor("powerful")
        local = Vendor("local", "Me.", price=None, local=True)
        plugins = [vendor.plugin() for vendor in (fast, powerful, local)]
        async with argent(plugins=plugins, config=starting_with("fast", perDay=0.5)) as kernel:
            assert await argent.channel.ask("Who answers?") == "Me."
            found = await cost(kernel, by="tier")
            trace = await kernel.agent.trace("home")

        assert not fast.requests and not powerful.requests
        assert trace is not None
        assert trace["route"]["why"].startswith(
            "in place of fast (models.default, without a router): the budget for today has no room"
        )
        assert [(row["tier"], row["spent"]) for row in found["rows"]] == [("local", 0.0)]

    async def test_a_step_down_never_goes_up(self, argent: Argent) -> None:
        fast, powerful = Vendor("fast"), Vendor("powerful", price=Vendor("fast").price)
        config = starting_with("fast", tiers={"fast": 0.1})
        async with argent(plugins=[fast.plugin(), powerful.plugin()], config=config):
            answer = await argent.channel.ask("Who answers?")

        assert "the budget for tier fast has no room for it" in answer
        assert not powerful.requests

    async def test_an_answer_may_be_shortened_to_fit(self, argent: Argent) -> None:
        fast = Vendor("fast", "Short.", most_output=1000)
        async with argent(plugins=[fast.plugin()], config=starting_with("fast", perDay=3)):
            assert await argent.channel.ask("Say it.") == "Short."

        assert fast.requests[0].max_output_tokens == 300

    async def test_one_that_the_budget_cut_before_its_first_word_goes_no_higher(
        self, argent: Argent
    ) -> None:
        cut = [Thinking("Hm", "fast-vendor"), Finish(reason="length", usage=Usage(output_tokens=1))]
        fast, powerful = Vendor("fast", cut, most_output=1000), Vendor("powerful")
        plugins = [fast.plugin(), powerful.plugin()]
        async with argent(plugins=plugins, config=starting_with("fast", perDay=3)):
            assert "the budget left room for no more" in await argent.channel.ask("Say it.")

        assert not powerful.requests

    async def test_one_that_the_budget_has_cut_says_so_and_goes_no_higher(
        self, argent: Argent
    ) -> None:
        fast, powerful = (
            Vendor("fast", CUT, most_output=1000),
            Vendor("powerful", price=Vendor("fast").price),
        )
        plugins = [fast.plugin(), powerful.plugin()]
        async with argent(plugins=plugins, config=starting_with("fast", perDay=3)):
            answer = await argent.channel.ask("Say it.")

        assert (
            answer == "It goes on\n\n(The answer was cut here: the budget left room for no more.)"
        )
        assert not powerful.requests

    async def test_a_person_may_allow_more(self, argent: Argent) -> None:
        fast, config = Vendor("fast", "Dear."), starting_with("fast", perDay=0.5, atCap="ask")
        async with argent(plugins=[fast.plugin()], config=config) as kernel:
            await argent.channel.say("Answer me.")
            question = await the_question(kernel)
            await kernel.agent.answer(question.id, allow=True, by="me")
            assert (await argent.channel.next_reply()).text == "Dear."

        assert question.tool == "spend_more"
        assert question.arguments == {
            "budget": "today",
            "used": "$0.00 of $0.50",
            "model": "fast-1",
            "next_call": "$1.00 at most",
            "allows": "the rest of this answer by this model, whatever it costs",
        }

    @pytest.mark.parametrize("first", ["down", "unsure"])
    async def test_what_a_person_allows_is_for_the_model_they_were_shown(
        self, argent: Argent, first: str
    ) -> None:
        step: Any = {
            "down": ModelUnavailable("it is down"),
            "unsure": ["Perhaps.", Finish(confidence=0.1, usage=Usage(output_tokens=1))],
        }[first]
        fast, powerful = Vendor("fast", step), Vendor("powerful", price=DEARER)
        config = starting_with("fast", perDay=0.5, atCap="ask")
        async with argent(plugins=[fast.plugin(), powerful.plugin()], config=config) as kernel:
            await argent.channel.say("Answer me.")
            question = await the_question(kernel)
            await kernel.agent.answer(question.id, allow=True, by="me")
            answer = (await argent.channel.next_reply()).text

        assert ("Perhaps." if first == "unsure" else "no room for it") in answer
        assert len(fast.requests) == 1 and not powerful.requests

    async def test_a_denial_is_told_and_nobody_is_asked_again(self, argent: Argent) -> None:
        fast, config = Vendor("fast"), starting_with("fast", perDay=0.5, atCap="ask")
        async with argent(plugins=[fast.plugin()], config=config) as kernel:
            await argent.channel.say("Answer me.")
            await kernel.agent.answer((await the_question(kernel)).id, allow=False, by="me")
            answer = (await argent.channel.next_reply()).text

        assert "the budget for today has no room for it, and nobody allowed more" in answer
        assert "Raise it with: argent config set budget.perDay DOLLARS" in answer

    async def test_after_a_denial_a_free_model_answers(self, argent: Argent) -> None:
        fast, config = Vendor("fast"), starting_with("fast", perDay=0.5, atCap="ask")
        local = Vendor("local", "Me.", price=None, local=True)
        async with argent(plugins=[fast.plugin(), local.plugin()], config=config) as kernel:
            await argent.channel.say("Answer me.")
            await kernel.agent.answer((await the_question(kernel)).id, allow=False, by="me")
            assert (await argent.channel.next_reply()).text == "Me."

    async def test_it_may_simply_stop(self, argent: Argent) -> None:
        fast, local = Vendor("fast"), Vendor("local", local=True, price=None)
        config = starting_with("fast", perDay=0.5, atCap="stop")
        async with argent(plugins=[fast.plugin(), local.plugin()], config=config):
            answer = await argent.channel.ask("Answer me.")

        assert answer == (
            "Sorry, I could not answer this: the budget for today has no room for it: $0.00 of "
            "$0.50 are spent or set aside, and even a short answer may cost $1.00. See: argent "
            "cost. Raise it with: argent config set budget.perDay DOLLARS"
        )

    async def test_a_raised_budget_holds_at_once(self, argent: Argent) -> None:
        fast = Vendor("fast", "Now.")
        config = starting_with("fast", perDay=0.5)
        async with argent(plugins=[fast.plugin()], config=config) as kernel:
            assert "no room" in await argent.channel.ask("Answer me.")
            text = argent.home.config_file.read_text().replace("0.5", "5")
            argent.home.config_file.write_text(text)
            await kernel.control.run("reload", {})
            assert await argent.channel.ask("Answer me.") == "Now."

    async def test_a_model_on_this_machine_is_never_refused(self, argent: Argent) -> None:
        local = Vendor("local", "Free.", price=None, local=True)
        config = starting_with("local", perDay=0.0, perMonth=0.0, tiers={"local": 0.0})
        async with argent(plugins=[local.plugin()], config=config):
            assert await argent.channel.ask("Answer me.") == "Free."

    async def test_an_unknown_price_counts_as_the_dearest_and_says_so(self, argent: Argent) -> None:
        fast = Vendor("fast", "Who knows.", price=None)
        async with argent(plugins=[fast.plugin()], config=starting_with("fast")) as kernel:
            await argent.channel.ask("What are you?")
            found = await cost(kernel, by="model")
            dearest = kernel.loop.shop.prices.dearest

            trace = await kernel.agent.trace("home")

        assert trace is not None and not trace["calls"][0]["price_known"]
        assert found["unknown_prices"] == ["fast-vendor/fast-1"]
        assert found["total"]["spent"] == (dearest.input + dearest.output) * 10 / 1e6

    async def test_what_nobody_counted_is_put_down_as_it_may_have_been(
        self, argent: Argent
    ) -> None:
        fast = Vendor("fast", ["Uncounted.", Finish()])
        async with argent(plugins=[fast.plugin()], config=starting_with("fast")) as kernel:
            await argent.channel.ask("Count!")
            total = (await cost(kernel))["total"]

        assert (total["spent"], total["reserved"]) == (1.0, 0.0)

    async def test_a_person_is_told_at_each_mark_once(self, argent: Argent) -> None:
        # Each answer costs ten cents, and a dollar is set aside for it.
        fast, watcher = Vendor("fast", *["Ten cents."] * 9), Watcher(BudgetReached)
        plugins = [fast.plugin(), watcher.plugin()]
        async with argent(plugins=plugins, config=starting_with("fast", perDay=1.8)):
            for _ in range(11):
                await argent.channel.ask("Say it.")

        assert [(seen.cap, seen.share) for seen in watcher.seen] == [
            ("today", 0.5),
            ("today", 1.0),
        ]
        assert watcher.seen[0].spent == pytest.approx(0.9)

    async def test_what_is_only_set_aside_alarms_nobody(self, argent: Argent) -> None:
        fast, watcher = Vendor("fast", ["Wait", hang], "Quick."), Watcher(BudgetReached)
        plugins = [fast.plugin(), watcher.plugin()]
        async with argent(plugins=plugins, config=starting_with("fast", perDay=2.0)) as kernel:
            await argent.channel.say("Slow.", "slow")
            await eventually(lambda: fast.requests, what="the first call")
            assert await argent.channel.ask("Quick?", "quick") == "Quick."
            assert watcher.seen == []
            await kernel.agent.stop()

    async def test_escalation_stays_inside_it_and_asks_nobody(self, argent: Argent) -> None:
        fast, powerful = Vendor("fast", CUT), Vendor("powerful")
        config = starting_with("fast", tiers={"powerful": 0.1}, atCap="ask")
        async with argent(plugins=[fast.plugin(), powerful.plugin()], config=config):
            answer = await argent.channel.ask("Go on.")

        assert answer.startswith("It goes on")
        assert not powerful.requests


async def image(argent: Argent, folder: Path) -> Home:
    """Copy the home as a power cut or a kill would leave it."""
    await asyncio.to_thread(shutil.copytree, argent.home.root, folder)
    return Home(folder)


async def test_a_call_that_a_crash_broke_off_counts_with_its_worst_case(
    argent: Argent, tmp_path: Path
) -> None:
    fast = Vendor("fast", ["Half", hang], "Whole.")
    config = starting_with("fast", attempts=3)
    async with argent(plugins=[fast.plugin()], config=config) as kernel:
        await argent.channel.say("Answer me.")
        await eventually(lambda: fast.requests, what="the first call")
        crashed = await image(argent, tmp_path / "crashed")
        await kernel.agent.stop()

    async with argent(plugins=[fast.plugin()], config=config, home=crashed) as kernel:
        assert (await argent.channel.next_reply()).text == "Whole."
        total = (await cost(kernel))["total"]

    assert (total["calls"], total["spent"], total["reserved"]) == (2, 0.1, 1.0)


OUTAGES: dict[str, tuple[Any, float]] = {
    "429": (ModelUnavailable("slow down", retry_after=60), 0.0),
    "500": (ModelUnavailable("500: it hurts"), 0.0),
    "refused connections": (ModelUnavailable("connection refused"), 0.0),
    "an answer lost on its way": (ModelUnavailable("it was silent", may_cost=True), 1.0),
    "silence": ([hang], 1.0),
    "a bug": (RuntimeError("boom"), 1.0),
    "a wrong key": (ModelRejected("the key is wrong"), 0.0),
    "a cut": (["Half an", ModelUnavailable("cut")], 1.0),
    "silence half-way": (["Half an", hang], 1.0),
}
"""What happens, and what is left set aside for it, in dollars."""


class TestFailover:
    @pytest.mark.parametrize("outage", OUTAGES)
    async def test_the_next_model_answers(self, argent: Argent, outage: str) -> None:
        step, left = OUTAGES[outage]
        fast, powerful = Vendor("fast", step), Vendor("powerful", "Half an answer, and the rest.")
        drafts = Watcher(Draft)
        plugins = [fast.plugin(), powerful.plugin(), drafts.plugin()]
        config = starting_with("fast")
        async with argent(plugins=plugins, config=config, allow_faults=True) as kernel:
            assert await argent.channel.ask("Well?") == "Half an answer, and the rest."
            found = await cost(kernel, by="tier")
            trace = await kernel.agent.trace("home")

        assert len(argent.channel.replies) == 1
        assert {row["tier"]: row["reserved"] for row in found["rows"]} == {
            "fast": left,
            "powerful": 0.0,
        }
        assert trace is not None
        assert (trace["route"]["model"], len(trace["steps"])) == ("powerful-1", 1)
        assert drafts.seen[-1].text == "Half an answer, and the rest."
        failed, answered = trace["calls"]
        assert failed["tier"] == "fast" and failed["error"]
        assert (answered["tier"], answered["error"], answered["spent"]) == ("powerful", "", 0.1)

    async def test_a_stream_cut_anywhere_is_told_anew(self, argent: Argent) -> None:
        text = "Forty-two."
        cut = [[*text[:n], ModelUnavailable("cut")] for n in range(len(text) + 1)]
        fast, powerful = Vendor("fast", *cut), Vendor("powerful", *[list(text)] * len(cut))
        drafts = Watcher(Draft)
        plugins = [fast.plugin(), powerful.plugin(), drafts.plugin()]
        async with argent(plugins=plugins, config=starting_with("fast")):
            for _ in cut:
                assert await argent.channel.ask("Well?") == text
                await argent.clock.advance(700)

        assert len(argent.channel.replies) == len(powerful.requests) == len(cut)
        assert all(text.startswith(draft.text) for draft in drafts.seen)

    async def test_one_clear_error_if_nobody_answers(self, argent: Argent) -> None:
        fast, powerful = (
            Vendor("fast", ModelUnavailable("A is down")),
            Vendor("powerful", ["Half", ModelUnavailable("B broke off")]),
        )
        async with argent(plugins=[fast.plugin(), powerful.plugin()], config=starting_with("fast")):
            answer = await argent.channel.ask("Anybody?")

        assert answer == "Sorry, I could not answer this: A is down; B broke off"

    async def test_what_several_say_alike_is_said_once(self, argent: Argent) -> None:
        fast, powerful = (Vendor(id, ModelUnavailable("it rains")) for id in ("fast", "powerful"))
        async with argent(plugins=[fast.plugin(), powerful.plugin()], config=starting_with("fast")):
            answer = await argent.channel.ask("Anybody?")

        assert answer == "Sorry, I could not answer this: it rains"

    async def test_one_who_wants_to_be_left_alone_is(self, argent: Argent) -> None:
        slow_down = ModelUnavailable("slow down", retry_after=60)
        fast = Vendor("fast", slow_down, "I am back.")
        powerful = Vendor("powerful", "one", "two")
        plugins = [fast.plugin(), powerful.plugin()]
        async with argent(plugins=plugins, config=starting_with("fast")):
            assert await argent.channel.ask("1") == "one"
            await argent.clock.advance(59)
            assert await argent.channel.ask("2") == "two"
            await argent.clock.advance(2)
            assert await argent.channel.ask("3") == "I am back."

    async def test_alone_it_waits_and_answers_then(self, argent: Argent) -> None:
        fast = Vendor("fast", ModelUnavailable("slow down", retry_after=60), "I am back.")
        config = starting_with("fast", attempts=3)
        async with argent(plugins=[fast.plugin()], config=config) as kernel:
            await argent.channel.say("Well?")
            await eventually(lambda: fast.requests and not kernel.loop.running, what="it waits")
            await argent.clock.advance(61)
            assert (await argent.channel.next_reply()).text == "I am back."

    async def test_no_person_waits_for_longer_than_an_answer_may_take(self, argent: Argent) -> None:
        slow_down = ModelUnavailable("come back in an hour", retry_after=3600)
        fast = Vendor("fast", slow_down)
        async with argent(plugins=[fast.plugin()], config=starting_with("fast", attempts=3)):
            answer = await argent.channel.ask("Well?")

        assert answer == "Sorry, I could not answer this: come back in an hour"

    async def test_one_that_fails_again_and_again_is_left_out(self, argent: Argent) -> None:
        down = [ModelUnavailable("down")] * 4
        fast, powerful = Vendor("fast", *down, "Up."), Vendor("powerful", *"abcde")
        plugins = [fast.plugin(), powerful.plugin()]
        async with argent(plugins=plugins, config=starting_with("fast")):
            for letter in "abcd":
                assert await argent.channel.ask(letter) == letter
            assert len(fast.requests) == 3
            await argent.clock.advance(31)
            assert await argent.channel.ask("e") == "e"
            await argent.clock.advance(61)
            assert await argent.channel.ask("f") == "Up."


def loud(crash: Callable[[], object] = lambda: None) -> MadePlugin:
    """Return a plugin with a tool that shouts.

    Args:
        crash: Called, beside the event loop, when it does.
    """

    @tool(effect=Effect.IDEMPOTENT)
    async def shout(text: str) -> str:
        await asyncio.to_thread(crash)
        return text.upper()

    return MadePlugin("loud", shout)


FLAWED: dict[str, tuple[Any, str]] = {
    "empty": ([" ", Finish(usage=Usage(input_tokens=1))], "it is empty"),
    "cut off": (CUT, "it is cut off"),
    "a tool in the wrong way": (
        [ToolCall("1", "shout", {"words": 5})],
        "it asks for a tool in the wrong way: ",
    ),
    "unsure": (["Perhaps.", Finish(confidence=0.2)], "the model is unsure of it (0.20)"),
}


class TestEscalation:
    @pytest.mark.parametrize("flaw", FLAWED)
    async def test_a_flawed_answer_is_tried_one_tier_up(self, argent: Argent, flaw: str) -> None:
        step, reason = FLAWED[flaw]
        local, fast = Vendor("local", step), Vendor("fast", "Better.")
        powerful, watcher = Vendor("powerful"), Watcher(ModelEscalated)
        plugins = [
            *(vendor.plugin() for vendor in (local, fast, powerful)),
            watcher.plugin(),
            loud(),
        ]
        async with argent(plugins=plugins, config=starting_with("local")) as kernel:
            assert await argent.channel.ask("Well?") == "Better."
            trace = await kernel.agent.trace("home")

        (told,) = watcher.seen
        assert (told.old, told.new) == ("local", "fast")
        assert told.reason.startswith(reason)
        assert trace is not None and trace["route"]["model"] == "fast-1"
        why = f"one tier up, as the answer of the one below was no good: {reason}"
        assert trace["route"]["why"].startswith(why)

    async def test_it_is_tried_once_only(self, argent: Argent) -> None:
        local, fast, powerful = Vendor("local", CUT), Vendor("fast", CUT), Vendor("powerful")
        plugins = [vendor.plugin() for vendor in (local, fast, powerful)]
        async with argent(plugins=plugins, config=starting_with("local")):
            assert (await argent.channel.ask("Well?")).startswith("It goes on")

        assert not powerful.requests

    async def test_where_that_brings_nothing_the_first_answer_stands(self, argent: Argent) -> None:
        local, fast = Vendor("local", CUT), Vendor("fast", ModelUnavailable("down"))
        watcher = Watcher(ModelEscalated)
        plugins = [local.plugin(), fast.plugin(), watcher.plugin()]
        async with argent(plugins=plugins, config=starting_with("local")) as kernel:
            answer = await argent.channel.ask("Well?")
            trace = await kernel.agent.trace("home")

        assert answer.startswith("It goes on")
        assert watcher.seen == []
        assert trace is not None and trace["route"]["model"] == "local-1"
        assert [step["state"] for step in trace["steps"]] == ["done", "failed"]

    async def test_whom_the_person_has_named_answers(self, argent: Argent) -> None:
        local, fast = Vendor("local", CUT, local=True), Vendor("fast")
        async with argent(plugins=[local.plugin(), fast.plugin()], config=starting_with("fast")):
            assert (await argent.channel.ask("@local Well?")).startswith("It goes on")

    async def test_it_can_be_switched_off(self, argent: Argent) -> None:
        local, fast = Vendor("local", CUT), Vendor("fast")
        config = starting_with("local")
        config["models"]["routing"]["escalate"] = False
        async with argent(plugins=[local.plugin(), fast.plugin()], config=config):
            assert (await argent.channel.ask("Well?")).startswith("It goes on")

    async def test_a_refusal_is_not_asked_for_twice(self, argent: Argent) -> None:
        refusal = ["", Finish(reason=FinishReason.REFUSAL)]
        local, fast = Vendor("local", refusal), Vendor("fast")
        async with argent(plugins=[local.plugin(), fast.plugin()], config=starting_with("local")):
            assert await argent.channel.ask("Well?") == "(The model gave no answer.)"


def whole_turn(*, asked: tuple[int, int, int] = (0, 0, 0)) -> tuple[Vendor, Vendor, Vendor]:
    """Return models for a turn with a failure, a flawed answer, a better one, a tool, an answer.

    Args:
        asked: How many of their answers are on record already.
    """
    scripts: tuple[list[Any], ...] = (
        [ModelUnavailable("down")],
        [[ToolCall("1", "shout", {"words": 5})]],
        [[ToolCall("1", "shout", {"text": "hi"})], "Done."],
    )
    local, fast, powerful = (script[n:] for script, n in zip(scripts, asked, strict=True))
    return Vendor("local", *local), Vendor("fast", *fast), Vendor("powerful", *powerful)


POINTS = {
    "the call that fails": (0, 0, 0),
    "the call with the flawed answer": (0, 0, 0),
    "the better try": (1, 1, 0),
    "the tool": (1, 1, 1),
    "the last call": (1, 1, 1),
}
"""Where the crash comes, and how many answers of each model are on record then."""


async def test_from_every_point_a_turn_goes_on_as_it_would_have(
    argent: Argent, tmp_path: Path
) -> None:
    vendors, images = whole_turn(), list[Home]()

    def crash() -> None:
        images.append(Home(tmp_path / f"image-{len(images)}"))
        shutil.copytree(argent.home.root, images[-1].root)

    for vendor in vendors:
        vendor.on_request = crash
    plugins = [*(vendor.plugin() for vendor in vendors), loud(crash)]
    async with argent(plugins=plugins, config=starting_with("local", attempts=3)):
        assert await argent.channel.ask("Well?") == "Done."

    for home, asked in zip(images, POINTS.values(), strict=True):
        await assert_goes_on(argent, home, whole_turn(asked=asked))


async def assert_goes_on(argent: Argent, home: Home, vendors: tuple[Vendor, ...]) -> None:
    plugins = [*(vendor.plugin() for vendor in vendors), loud()]
    config = starting_with("local", attempts=3)
    async with argent(plugins=plugins, config=config, home=home) as kernel:
        assert (await argent.channel.next_reply()).text == "Done."
        trace = await kernel.agent.trace("home")

    assert trace is not None
    assert [vendor.script for vendor in vendors] == [[], [], []]
    assert [(step["kind"], step["name"]) for step in trace["steps"]] == [
        ("model", "fast-1"),
        ("model", "powerful-1"),
        ("tool", "shout"),
        ("model", "powerful-1"),
    ]


async def test_a_better_try_that_failed_is_not_made_again(argent: Argent, tmp_path: Path) -> None:
    unsure = [ToolCall("1", "shout", {"text": "hi"}), Finish(confidence=0.1)]
    local, fast = Vendor("local", unsure, "Done."), Vendor("fast", ModelUnavailable("down"))
    crashed = Home(tmp_path / "crashed")
    crash = partial(shutil.copytree, argent.folder / "home-1", crashed.root)
    plugins = [local.plugin(), fast.plugin(), loud(crash)]
    async with argent(plugins=plugins, config=starting_with("local", attempts=3)):
        assert await argent.channel.ask("Well?") == "Done."

    local, fast = Vendor("local", "Done."), Vendor("fast")
    plugins = [local.plugin(), fast.plugin(), loud()]
    async with argent(plugins=plugins, config=starting_with("local", attempts=3), home=crashed):
        assert (await argent.channel.next_reply()).text == "Done."

    assert not fast.requests


async def test_a_better_try_on_record_counts_whatever_the_settings_say_now(
    argent: Argent, tmp_path: Path
) -> None:
    crashed, vendors = Home(tmp_path / "crashed"), whole_turn()
    crash = partial(shutil.copytree, argent.folder / "home-1", crashed.root)
    plugins = [*(vendor.plugin() for vendor in vendors), loud(crash)]
    async with argent(plugins=plugins, config=starting_with("local", attempts=3)):
        assert await argent.channel.ask("Well?") == "Done."

    config, vendors = starting_with("local", attempts=3), whole_turn(asked=(1, 1, 1))
    config["models"]["routing"]["escalate"] = False
    plugins = [*(vendor.plugin() for vendor in vendors), loud()]
    async with argent(plugins=plugins, config=config, home=crashed):
        assert (await argent.channel.next_reply()).text == "Done."
