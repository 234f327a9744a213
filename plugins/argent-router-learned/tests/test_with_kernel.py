"""The router in a kernel: what it learns from turns, and what it changes."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from argent_hookspecs import SCORER, ModelTier, RouteSignals, Score
from argent_router_learned.outcomes import Outcome
from argent_router_learned.router import ROUTER
from argent_testing import Argent, MadePlugin, ScriptedModel, Specimen, eventually, load_plugin

pytestmark = pytest.mark.anyio
PLUGIN = "argent_router_learned"
TABLE = Score(value=0.25, factors={"tokens": 0.25}, cap="fast")
Lived = Callable[..., list[Outcome]]


async def argent_router(argent: Argent, *words: str) -> Any:
    program = "from argent_core.cli import main; main()"
    home = ("--home", str(argent.home.root))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *home, "router", *words, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    if process.returncode:
        return err.decode()
    return json.loads(out) if "--json" in words else out.decode()


async def teach(specimen: Specimen, outcomes: list[Outcome]) -> None:
    router = specimen.ctx.services.get(ROUTER)
    for outcome in outcomes:
        await router.outcomes.add(outcome)
    await router.learn()


async def score(specimen: Specimen, text: str, table: Score | None = TABLE) -> Score:
    signals = RouteSignals(text=text, tokens=300, table=table)
    return await specimen.ctx.services.get(SCORER).score(signals)


async def test_a_new_router_says_what_the_table_says(tmp_path: Path) -> None:
    async with load_plugin(PLUGIN, folder=tmp_path) as specimen:
        assert await score(specimen, "prove the lemma") == TABLE
        long, short = [await score(specimen, text, table=None) for text in ("why? " * 90, "hi")]

    assert long.value > short.value


async def test_with_evidence_it_is_switched_in_and_stays_so(tmp_path: Path, lived: Lived) -> None:
    async with load_plugin(PLUGIN, folder=tmp_path) as specimen:
        await teach(specimen, lived(150, tells=1.0))
        before = await score(specimen, "prove the lemma about today, number 3")

    async with load_plugin(PLUGIN, folder=tmp_path) as specimen:
        hard = await score(specimen, "prove the lemma about today, number 3")
        easy = await score(specimen, "what is the weather today, number 3")

    assert before == hard
    assert hard.value > 0.6 > 0.5 > easy.value
    assert hard.factors["table"] == 0.25
    assert hard.factors["expected gain"] > 0.5 > easy.factors["expected gain"]
    assert any(name.startswith("gain by ") for name in hard.factors)
    assert hard.cap == "fast"


async def test_without_evidence_the_table_goes_on(tmp_path: Path, lived: Lived) -> None:
    async with load_plugin(PLUGIN, folder=tmp_path) as specimen:
        await teach(specimen, lived(150, tells=0.0))
        assert await score(specimen, "prove the lemma about today, number 3") == TABLE


@pytest.mark.parametrize(("use", "same"), [("always", False), ("never", True)])
async def test_a_person_can_decide_it(
    tmp_path: Path, lived: Lived, *, use: str, same: bool
) -> None:
    async with load_plugin(PLUGIN, folder=tmp_path, settings={"use": use}) as specimen:
        await teach(specimen, lived(40, tells=1.0))
        found = await score(specimen, "prove the lemma about today, number 3")

    assert (found == TABLE) is same


async def test_a_target_in_the_settings_is_met(tmp_path: Path, lived: Lived) -> None:
    settings = {"targetCost": 0.1, "use": "always"}
    async with load_plugin(PLUGIN, folder=tmp_path, settings=settings) as specimen:
        await teach(specimen, lived(150, tells=1.0))
        scores = [await score(specimen, o.text) for o in lived(100, tells=1.0, seed=3)]

    assert 2 <= sum(found.value >= 0.5 for found in scores) <= 20


async def test_the_job_learns_when_there_is_enough_that_is_new(
    tmp_path: Path, lived: Lived
) -> None:
    async with load_plugin(PLUGIN, folder=tmp_path) as specimen:
        router = specimen.ctx.services.get(ROUTER)
        learned = []
        for outcome in lived(60, tells=1.0):
            await router.outcomes.add(outcome)
            await router.learn_when_due()
            learned.append(router.learned.outcomes if router.learned else 0)

    assert sorted(set(learned)) == [0, 20, 40, 60]


async def test_old_outcomes_make_room(tmp_path: Path, lived: Lived) -> None:
    async with load_plugin(PLUGIN, folder=tmp_path, settings={"keep": 100}) as specimen:
        router = specimen.ctx.services.get(ROUTER)
        for outcome in lived(130, tells=1.0):
            await router.outcomes.add(outcome)
        kept = await router.outcomes.known(1000)

    assert [outcome.turn for outcome in kept] == [f"turn-{i}" for i in range(30, 130)]


async def counts(argent: Argent) -> dict[str, int]:
    found: dict[str, int] = (await argent_router(argent, "status", "--json"))["counts"]
    return found


async def test_turns_become_outcomes_and_feedback_changes_them(argent: Argent) -> None:
    async with argent([PLUGIN], model=["Fine.", "Sunny."]) as kernel:
        router = kernel.host.plugins["router-learned"].context.services.get(ROUTER)
        for text in ("How are you?", "And the weather?"):
            await argent.channel.ask(text)
        await eventually_counts(router, answered=2)
        noted = await argent_router(argent, "feedback", "more", "--json")
        after = await counts(argent)
        wrong = await argent_router(argent, "feedback", "more", "nonsense")
        early = await argent_router(argent, "train")
        report = await argent_router(argent, "report")
        found = await router.outcomes.known(10)

    assert (noted["text"], noted["tier"]) == ("And the weather?", "local")
    assert after == {"answered": 1, "feedback": 1}
    assert "there is no answer that this router knows" in wrong
    assert "2 outcomes are known; 20 are needed" in early
    assert "In use: the table" in report and "There is no curve yet." in report
    assert [(o.text, o.gain) for o in found] == [("How are you?", 0.0), ("And the weather?", 1.0)]
    assert [o.table_score for o in found] == [0.05, pytest.approx(0.08)]


async def eventually_counts(router: Any, **wanted: int) -> None:
    async with asyncio.timeout(10):
        while await router.outcomes.counts() != wanted:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


async def test_an_answer_that_was_no_good_needed_an_able_model(argent: Argent) -> None:
    able = ModelTier(id="able", name="powerful", below=2, provider="scripted", model="able")
    async with argent([PLUGIN, MadePlugin("able", able)], model=["", "Forty-two."]) as kernel:
        router = kernel.host.plugins["router-learned"].context.services.get(ROUTER)
        assert await argent.channel.ask("What is the answer?") == "Forty-two."
        await eventually_counts(router, escalated=1)
        (found,) = await router.outcomes.known(10)

    assert (found.tier, found.gain) == ("local", 1.0)


async def test_who_asks_the_same_again_was_not_served_well(argent: Argent) -> None:
    async with argent([PLUGIN], model=["Paris.", "Hello.", "London."]) as kernel:
        router = kernel.host.plugins["router-learned"].context.services.get(ROUTER)
        for number, text in enumerate(("Capital of  England?", "capital of england?"), 1):
            await argent.channel.ask(text)
            await eventually(lambda: router.table_score("Capital of  England?"), what="a score")
            if number == 1:
                await eventually_counts(router, answered=1)
        await eventually_counts(router, **{"answered": 1, "asked again": 1})
        await argent.channel.ask("Hello?")


async def test_events_that_nobody_waits_for_teach_nothing(argent: Argent) -> None:
    async with argent([PLUGIN], model=ScriptedModel(["Noted.", "Yes."])) as kernel:
        router = kernel.host.plugins["router-learned"].context.services.get(ROUTER)
        await argent.channel.say("You won a prize!", "spam", sender="x", trust="outside")
        await argent.model.asked(1)
        await argent.channel.ask("Anything new?")
        await eventually_counts(router, answered=1)
        (found,) = await router.outcomes.known(10)

    assert found.text == "Anything new?"


async def test_the_report_is_a_table_and_a_picture(
    argent: Argent, lived: Lived, tmp_path: Path
) -> None:
    picture = tmp_path / "curve.svg"
    async with argent([PLUGIN]) as kernel:
        router = kernel.host.plugins["router-learned"].context.services.get(ROUTER)
        for outcome in lived(80, tells=1.0):
            await router.outcomes.add(outcome)
        trained = await argent_router(argent, "train")
        report = await argent_router(argent, "report", "--picture", str(picture))
        figures = await argent_router(argent, "report", "--json")

    assert "In use: the learned score" in trained and "Better than the table: proven" in trained
    assert len([line for line in report.splitlines() if " % " in line]) == 11
    assert "apgr" in report and picture.read_text().startswith("<svg")
    curves = figures["curves"]
    assert curves["learned"]["apgr"] > curves["table"]["apgr"]
