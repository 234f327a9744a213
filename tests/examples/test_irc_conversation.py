"""A stranger on a real IRC server is let in, and gets an answer from a whole agent."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from attrs import evolve

from argent_testing import eventually
from benchmarks.model_server import WORDS, replaying
from tests.builds import Build

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]
PATIENCE = 60.0
ANSWER = [f"word{n}" for n in range(WORDS)]
IRC = "examples/argent-irc/tests/conftest.py"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def irc(root: Path) -> ModuleType:
    """The example's own server and people."""
    spec = importlib.util.spec_from_file_location("irc_people", root / IRC)
    assert spec and spec.loader
    module = sys.modules["irc_people"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def server(irc: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    if irc.NGIRCD is None:
        pytest.skip("ngircd is not installed, so nobody talked over IRC: apt install ngircd")
    monkeypatch.setenv("IRC_PASSWORD", irc.PASSWORD)
    with irc.running(tmp_path) as server:
        yield server


@pytest.fixture
def agent(outside: Build, server: Any, tmp_path: Path) -> Iterator[Build]:
    """An agent with a home of its own, whose model is played by a server on this machine."""
    with replaying() as url:
        build = evolve(outside, folder=tmp_path / "agent", place=outside.environment)
        build.folder.mkdir()
        openai = {"baseUrl": f"{url}/v1"}
        tier = {"provider": "openai", "model": "m"}
        irc = server.settings(pace=0.1, channels=["#home"])
        build.settle({"plugins": {"irc": irc, "openai": openai, "tier-balanced": tier}})
        yield build


@asynccontextmanager
async def running(agent: Build) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        agent.program("argent"),
        "start",
        env=agent.variables,
        cwd=agent.folder,
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    said = []
    try:
        async for line in process.stderr:
            said.append(line.decode())
            if "Argent runs" in said[-1]:
                break
        else:
            pytest.fail("".join(said))
        rest = asyncio.create_task(process.stderr.read())
        yield
        process.terminate()
        await rest
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def let_in(agent: Build, person: Any) -> list[str]:
    """Let a person ask to be let in, let them in, and return what they were told."""
    await person.say_when_there("argent", "Hello! Who are you?")
    await eventually(lambda: len(person.told) == 3, what="a code", timeout=PATIENCE)
    (code,) = re.findall(r"argent pair approve (\w+)", "\n".join(person.told))
    await asyncio.to_thread(agent.argent, "pair", "approve", code, "--as", "owner")
    await eventually(lambda: len(person.told) == 4, what="word of it", timeout=PATIENCE)
    return list(person.told)


async def test_a_stranger_gets_a_code_and_then_an_answer(
    irc: ModuleType, server: Any, agent: Build
) -> None:
    async with irc.somebody(server, "ada") as ada, running(agent):
        before = await let_in(agent, ada)
        await ada.say("argent", "Hello again! Who are you?")
        await eventually(lambda: len(ada.told) == 5, what="an answer", timeout=PATIENCE)

        people = json.loads(await asyncio.to_thread(agent.argent, "pair", "people", "--json"))
        turns = await trace(agent)

    assert "word0" not in "".join(before)
    assert ada.told[4].split() == ANSWER
    (person,) = people["people"]
    assert (person["channel"], person["standing"], person["name"]) == ("irc", "owner", "ada")
    assert person["sender"].startswith("ada!")
    assert len(turns) == 1


async def test_in_a_channel_it_answers_whom_it_knows_if_they_name_it(
    irc: ModuleType, server: Any, agent: Build
) -> None:
    async with irc.somebody(server, "ada") as ada, irc.somebody(server, "eve") as eve:
        await eve.join("#home")
        async with running(agent):
            await eventually(lambda: "argent" in eve.joined, what="argent", timeout=PATIENCE)
            await asyncio.to_thread(agent.argent, "pair", "allow-group", "irc", "#home")
            await let_in(agent, ada)
            await ada.join("#home")
            await eve.say("#home", "argent: what does Ada like?")
            await ada.say("#home", "I wonder what argent knows")
            await ada.say("#home", "well, never mind")
            await eventually(lambda: told(eve) == ANSWER, what="an answer", timeout=PATIENCE)
            turns = await trace(agent)

    assert [turn["conversation"] for turn in turns] == ["irc:#home"]


def told(person: Any) -> list[str]:
    """Return the words of the last line that a person was told."""
    return list(person.told[-1].split()) if person.told else []


async def trace(agent: Build) -> Any:
    return json.loads(await asyncio.to_thread(agent.argent, "trace", "--json"))
