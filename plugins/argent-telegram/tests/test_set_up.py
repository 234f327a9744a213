"""``argent init telegram``, ``argent doctor`` and the way from a token to a first answer."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import frozen
from bot_api import BotApi

from argent_core.paths import Home
from argent_testing import Argent, FakeClock

pytestmark = pytest.mark.anyio

ARGENT = "from argent_core.cli.app import main; main()"


@frozen
class Ran:
    code: int
    out: str


@frozen
class Shell:
    """Runs commands on one home."""

    home: Path

    async def run(self, *arguments: str, said: str = "", **environment: str) -> Ran:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            ARGENT,
            *arguments,
            env={**os.environ, "ARGENT_HOME": str(self.home), **environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate(said.encode())
        return Ran(process.returncode or 0, out.decode())


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "home")


def code_in(ran: Ran) -> str:
    return ran.out.partition("?start=")[2].split()[0]


async def test_from_a_token_to_a_first_answer(argent: Argent, api: BotApi, shell: Shell) -> None:
    ran = await shell.run("init", "telegram", "--base-url", api.url, said=f"{api.token}\n")
    settings = json.loads((shell.home / "argent.json").read_text())
    assert ran.code == 0, ran.out
    assert f"https://t.me/argent_bot?start={code_in(ran)}" in ran.out

    argent.clock = FakeClock(start=datetime.now(UTC))  # as the command had it
    options = {"config": settings, "home": Home(shell.home)}
    async with argent(plugins=["argent_telegram"], model=["Welcome."], **options):
        await api.say(f"/start {code_in(ran)}", chat=4711)
        (welcome,) = await api.settled(4711, says=1)
        assert "owner" in welcome["text"]
        await api.say("Hello", chat=4711)
        await api.settled(4711, says=2)

    assert api.texts(4711)[1] == "Welcome."


async def test_the_token_may_stay_in_the_environment(api: BotApi, shell: Shell) -> None:
    options = ("--base-url", api.url, "--token-env", "BOT_TOKEN", "--bot", "work")
    ran = await shell.run("init", "telegram", *options, BOT_TOKEN=api.token)
    settings = json.loads((shell.home / "argent.json").read_text())

    assert ran.code == 0, ran.out
    assert settings["plugins"]["telegram"]["bots"]["work"]["token"] == "env:BOT_TOKEN"
    assert api.token not in ran.out + json.dumps(settings)


@pytest.mark.parametrize("token", ["nonsense", f"123456789:{'A' * 35}"])
async def test_a_wrong_token_changes_nothing(api: BotApi, shell: Shell, token: str) -> None:
    ran = await shell.run("init", "telegram", "--base-url", api.url, said=token)

    assert ran.code != 0
    assert token not in ran.out
    assert "token" in ran.out
    assert not (shell.home / "argent.json").exists()


async def test_a_bot_is_taken_over_only_if_that_is_said(api: BotApi, shell: Shell) -> None:
    async with httpx.AsyncClient(trust_env=False) as other:
        await other.post(f"{api.url}/bot{api.token}/setWebhook", json={"url": "https://a.example/"})
    options = ("init", "telegram", "--base-url", api.url)
    refused = await shell.run(*options, said=api.token)
    assert refused.code != 0
    assert "--yes" in refused.out
    assert api.bot.updates.webhook is not None

    taken = await shell.run(*options, "--yes", said=api.token)
    assert taken.code == 0, taken.out
    assert api.bot.updates.webhook is None


async def health(argent: Argent, config: Mapping[str, Any]) -> dict[str, Any]:
    async with argent(plugins=["argent_telegram"], config=config, allow_faults=True) as kernel:
        (check,) = [one for one in await kernel.agent.health() if one["plugin"] == "telegram"]
    return check


async def test_health_names_the_bot_and_its_privacy(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    check = await health(argent, config)

    assert check["ok"], check
    assert "@argent_bot" in check["summary"]
    assert "in groups" in check["summary"]


async def test_health_says_what_to_do_about_a_wrong_token(
    argent: Argent, config: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", f"123456789:{'A' * 35}")
    check = await health(argent, config)

    assert not check["ok"]
    assert "argent init telegram" in check["remedy"]


async def test_health_without_a_bot_says_how_to_make_one(argent: Argent) -> None:
    check = await health(argent, {})

    assert "argent init telegram" in check["remedy"]


@pytest.mark.parametrize(
    ("ahead", "ok"),
    [
        (timedelta(seconds=30), True),
        (timedelta(minutes=3), False),
        (timedelta(minutes=-3), False),
    ],
    ids=str,
)
async def test_health_says_when_this_machines_clock_is_wrong(
    argent: Argent, api: BotApi, config: Mapping[str, Any], ahead: timedelta, ok: bool
) -> None:
    api.ahead = ahead
    check = await health(argent, config)

    assert check["ok"] is ok, check
    assert ("clock is 1" in check["summary"]) is not ok
    assert ("NTP" in check["remedy"]) is not ok


async def test_another_program_that_polls_is_named(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=["argent_telegram"], config=config, allow_faults=True) as kernel:
        await api.polled()
        async with httpx.AsyncClient(trust_env=False) as other:
            await other.post(f"{api.url}/bot{api.token}/getUpdates", json={"timeout": 0})
        await api.until(
            lambda: any(call.outcome == "409" for call in api.methods_called("getUpdates"))
        )
        (check,) = [one for one in await kernel.agent.health() if one["plugin"] == "telegram"]

    assert not check["ok"]
    assert "end the other program" in check["remedy"]


async def test_a_new_token_is_taken_without_a_restart(
    argent: Argent, api: BotApi, config: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", f"123456789:{'A' * 35}")
    async with argent(
        plugins=["argent_telegram"], model=["Here."], config=config, allow_faults=True
    ):
        monkeypatch.setenv("TELEGRAM_TOKEN", api.token)
        await api.polled()
        await api.say("Hello?")
        await api.settled(1, says=1)

    assert api.texts(1) == ["Here."]


async def test_without_a_network_it_says_what_was_not_reached_and_what_to_do(
    api: BotApi, shell: Shell
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/bot"

        ran = await shell.run("init", "telegram", "--base-url", address, said=api.token)

    assert ran.code == 1
    assert "127.0.0.1 could not be reached, so nothing was set up." in ran.out
    assert "Look whether this machine is online" in ran.out and "HTTPS_PROXY" in ran.out
    assert api.token not in ran.out and "Traceback" not in ran.out
