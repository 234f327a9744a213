"""Whatever one plugin does wrong, fifty busy conversations lose nothing and it is named at once."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest

from argent_testing import Argent, eventually

from .under_load import beside, lives
from .under_load.beside import MISCHIEFS
from .under_load.crowd import PATIENCE, Crowd
from .under_load.culprits import BLOCKING, DEEDS, PLACES, Case, tier_of
from .under_load.lives import LIVES
from .under_load.world import NAMED_WITHIN, World, world

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]


@pytest.mark.parametrize("place", PLACES)
async def test_faults_in_a_call(argent: Argent, place: str) -> None:
    cases = [Case(place, deed) for deed in PLACES[place].deeds if deed not in BLOCKING]

    async with world(argent, [c.plugin for c in cases], crowd_for(cases)) as here:

        async def see(case: Case) -> None:
            stalled = here.stalled
            await provoke(here, case)
            named = await here.names(case.name, DEEDS[case.deed].words)
            assert here.delay(named, case.seen, stalled) < NAMED_WITHIN

        await asyncio.gather(*map(see, cases))
        if PLACES[place].provoke == "said":
            ends = {case.conversation: PLACES[place].end for case in cases}
            # Where models fail, their turns ask one after another until a healthy one answers.
            await eventually(
                lambda: ends.items() <= here.crowd.ends.items(), what="turns end", timeout=PATIENCE
            )


BLOCKED = [(place, deed) for place in PLACES for deed in PLACES[place].deeds if deed in BLOCKING]


async def test_calls_that_block_the_loop(argent: Argent) -> None:
    """Each is named while it blocks, unless no other code runs then, and is broken off."""
    cases = [Case(place, deed) for place, deed in BLOCKED]

    async with world(argent, [c.plugin for c in cases], crowd_for(cases)) as here:
        for case in cases:
            lacked = here.lacked
            await provoke(here, case)
            named = await here.names(case.name, "block")
            assert named - case.seen - (here.lacked - lacked) < NAMED_WITHIN, case
            in_list = await here.names(case.name, "blocked the event loop")
            assert in_list - case.done - (here.lacked - lacked) < NAMED_WITHIN, case


async def test_faults_beside_calls(argent: Argent) -> None:
    culprits = [module_of(n).Mischievous(name) for n, name in enumerate(MISCHIEFS)]

    async with world(argent, culprits) as here:
        for culprit in culprits:
            wanted, stalled = MISCHIEFS[culprit.mischief], here.stalled
            await here.crowd.say(f"provoke {culprit.name}", f"trouble-{culprit.name}")
            await eventually(
                partial(getattr, culprit, "seen"), what=f"{culprit.name} acts", timeout=PATIENCE
            )
            if wanted.words is None:
                await here.crowd.round()
            else:
                named = await here.names(culprit.name, wanted.words, listed=wanted.listed)
                assert here.delay(named, culprit.seen, stalled) < NAMED_WITHIN, culprit.name
        innocent = {c.name for c in culprits if not MISCHIEFS[c.mischief].words}
        # One whose thread keeps Python busy may be named for it in the log, but is not blamed.
        assert not innocent & {p["name"] for p in here.kernel.agent.plugins() if p["faults"]}


def module_of(number: int) -> Any:
    """Load the code of a culprit as a package of its own."""
    spec = spec_from_file_location(f"mischief_{number}", beside.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def crowd_for(cases: list[Case]) -> Crowd:
    """Make a crowd whose model calls the culprits' tools, and whose scorer wants their models."""
    wishes = {case.name: case.name for case in cases if case.place == "tool"}
    models = [case for case in cases if case.place in ("model", "description")]
    return Crowd(wishes=wishes, scores={c.name: tier_of(c.deed) - 0.005 for c in models})


async def provoke(here: World, case: Case) -> None:
    """Have a culprit do what it does."""
    how = PLACES[case.place].provoke
    case.armed = True
    if how == "said":
        await here.crowd.say(f"provoke {case.name}", case.conversation)
    elif how == "sent":
        await here.crowd.say("x", case.conversation, reply_to=case.name)
    elif how == "due":
        await here.argent.clock.advance(2)
    elif how == "asked":
        await here.kernel.agent.status(deep=True)
    else:
        case.woken.set()


async def test_faults_in_a_life(argent: Argent) -> None:
    """Plugins are switched on and off by the person, who is told what went wrong with them."""
    names = {life: life.replace(" ", "_") for life in LIVES}
    off = {name: {"enabled": False} for name in names.values()}
    plugins = [life.make(names[words]) for words, life in LIVES.items()]

    async with world(argent, plugins, plugins=off) as here:
        host = here.kernel.host
        host.load_seconds, host.stop_seconds = lives.LOAD_SECONDS, lives.CLOSE_SECONDS
        for words, life in LIVES.items():
            name = names[words]
            for step in life.steps:
                began, stalled = time.monotonic(), here.stalled
                await switch(here, name, step)
            named = here.named.first(name, life.words)
            assert named is not None, (words, here.plugin(name))
            assert here.delay(named, began + life.after, stalled) < NAMED_WITHIN, words
            assert here.plugin(name)["state"] == life.state, words
            if life.state != "running":
                assert re.search(life.words, here.plugin(name)["reason"]), words
        lives.let_go()


async def switch(here: World, name: str, step: str) -> None:
    """Switch a plugin, as the person does."""
    if step == "restart":
        await here.kernel.host.restart(name)
    else:
        await here.kernel.control.run(f"plugins.{step}", {"name": name})


@pytest.mark.parametrize("name", ["people", "mind", "hands", "senses"])
async def test_a_restart_loses_nothing(argent: Argent, name: str) -> None:
    """A sound plugin that everybody uses is restarted, as when its settings have changed."""
    async with world(argent, [], retried=True) as here:
        for _ in range(3):
            await here.kernel.host.restart(name)
            for _ in range(5):
                await asyncio.sleep(0.05)
                await argent.clock.advance(10)
