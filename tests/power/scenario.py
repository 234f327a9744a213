"""What is recorded: a home, two runs of the kernel on it, and settings changed in between."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from functools import partial
from pathlib import Path
from typing import Any

from argent_core import config
from argent_core.config import changing
from argent_core.paths import Home
from argent_core.secrets import SecretStore
from argent_hookspecs import Effect
from tests.power.diary import Diary
from tests.power.recording import ENCRYPTION, MARKS
from tests.power.world import ASKING, CONVERSATIONS, LONG, World

_EACH = 6
"""Messages of a conversation in one run of the kernel."""
_PATIENCE = 40.0
_WISHES = [*[""] * 3, *[*map(str, Effect)] * 2, LONG, ASKING]


async def main(root: Path, seed: int, before: Diary, *, encryption: bool = False) -> None:
    """Run it all, and mark what happens.

    Args:
        before: What an earlier recording left behind that this one goes on from.
        encryption: Whether each run begins with encrypting all databases, or decrypting them.
    """
    ran = {call["key"] for call in before.ran}
    first = 1 + max((facts["number"] for facts in before.acknowledged.values()), default=-1)
    chance = random.Random(seed)
    file = os.open(root / MARKS, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    mark = partial(_mark, file)
    home = root / "home"
    world = World(mark, ran=ran, seed=seed)
    if encryption and before.acknowledged:
        _change_over(Home(home))
    await _run(home, world, chance=chance, first=first)
    _change(Home(home), mark, chance)
    if encryption:
        _change_over(Home(home))
    world = World(mark, ran=world.ran, seed=seed + 1)
    await _run(home, world, chance=chance, first=first + _EACH)
    mark("ended")


async def _run(home: Path, world: World, *, chance: random.Random, first: int) -> None:
    async with asyncio.timeout(_PATIENCE), world.kernel(home) as kernel:
        seeds = {name: chance.random() for name in CONVERSATIONS}
        async with world.person(kernel):
            async with asyncio.TaskGroup() as talks:
                for name, seed in seeds.items():
                    talks.create_task(_talk(world, name, random.Random(seed), first))
            await world.settled(kernel)


async def _talk(world: World, name: str, chance: random.Random, first: int) -> None:
    for number in range(first, first + _EACH):
        world.answered[name].clear()
        await world.say(name, number, chance.choice(_WISHES))
        if chance.random() < 0.7:
            await world.answered[name].wait()


def _change(home: Home, mark: Any, chance: random.Random) -> None:
    """Change a setting and store a secret, as the commands do."""
    steps = chance.randint(5, 50)
    mark("changing", value=steps)
    changing.set_value(home, "loop.maxSteps", text=str(steps))
    mark("setting", value=steps)
    SecretStore(home).set("token", str(steps))
    mark("secret", value=steps)


def _change_over(home: Home) -> None:
    """Have the databases encrypted at the next start, or decrypted if they are encrypted."""
    now = config.load(home).storage.encrypted
    changing.set_value(home, "storage.encrypted", text=str(not now).lower())


def _mark(file: int, kind: str, **facts: Any) -> None:
    os.write(file, json.dumps({"kind": kind, **facts}).encode())


if __name__ == "__main__":
    past = Diary.of(json.loads(Path(sys.argv[3]).read_text()))
    run = main(Path(sys.argv[1]), int(sys.argv[2]), past, encryption=sys.argv[4:] == [ENCRYPTION])
    asyncio.run(run)
