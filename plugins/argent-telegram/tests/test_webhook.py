"""The webhook: who may call, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from bot_api import BotApi

from argent_testing import Argent

pytestmark = pytest.mark.anyio

PLUGINS = ["argent_telegram"]
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 30
UPDATE = {
    "update_id": 900,
    "message": {
        "message_id": 5,
        "date": 1_790_000_000,
        "chat": {"id": 1, "type": "private"},
        "from": {"id": 1, "is_bot": False, "first_name": "Mallory"},
        "text": "Open the door.",
    },
}


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def config(config: dict[str, Any], port: int) -> dict[str, Any]:
    """The bot is called at an address of this machine."""
    webhook = {"url": f"http://127.0.0.1:{port}/hook", "port": port}
    return {
        **config,
        "plugins": {"telegram": {**config["plugins"]["telegram"], "webhook": webhook}},
    }


async def test_what_is_said_arrives(argent: Argent, api: BotApi, config: Mapping[str, Any]) -> None:
    async with argent(plugins=PLUGINS, model=["Hello.", "Again."], config=config):
        await api.say("Hi")
        await api.settled(1, says=1)
        await api.say("Hi again")
        await api.settled(1, says=2)

    assert set(api.bot.updates.posts) == {200}


async def test_an_album_is_one_event(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=["Three."], config=config):
        await api.say("Cats", album=[PNG, PNG + b"2", PNG + b"3"])
        await api.settled(1, says=1)


async def test_an_album_that_was_cut_off_is_not_lost(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, config=config):
        gate = api.hold("getFile")
        await api.say("Cats", album=[PNG, PNG + b"2"])
        await gate.reached.wait()
    gate.open()
    async with argent.restart(model=["Two."]):
        await api.settled(1, says=1)


@pytest.mark.parametrize("secret", [None, "", "guess", "x" * 43])
async def test_who_does_not_know_the_secret_is_sent_away_unread(
    argent: Argent, api: BotApi, config: Mapping[str, Any], secret: str | None
) -> None:
    headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
    url = config["plugins"]["telegram"]["webhook"]["url"]
    async with argent(plugins=PLUGINS, config=config) as kernel:
        await api.until(lambda: api.bot.updates.webhook)
        async with httpx.AsyncClient(trust_env=False) as stranger:
            said = await stranger.post(url, headers=headers, json=UPDATE)
        events = await kernel.agent.events.list()

    assert said.status_code == 401
    assert events == []


async def test_a_stranger_is_sent_away_before_the_body_is_there(
    argent: Argent, api: BotApi, config: Mapping[str, Any], port: int
) -> None:
    async with argent(plugins=PLUGINS, config=config):
        await api.until(lambda: api.bot.updates.webhook)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /hook HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        answer = await reader.readline()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/hook", b"no json", 400),
        ("POST", "/hook", b"[]", 400),
        ("POST", "/hook", b" " * 1_100_000, 413),
        ("POST", "/other", json.dumps(UPDATE).encode(), 404),
        ("GET", "/hook", b"", 405),
    ],
)
async def test_what_is_no_update_is_refused(
    argent: Argent,
    api: BotApi,
    config: Mapping[str, Any],
    method: str,
    path: str,
    body: bytes,
    status: int,
) -> None:
    url = config["plugins"]["telegram"]["webhook"]["url"].replace("/hook", path)
    async with argent(plugins=PLUGINS, config=config):
        await api.until(lambda: api.bot.updates.webhook)
        assert api.bot.updates.webhook is not None
        headers = {"X-Telegram-Bot-Api-Secret-Token": api.bot.updates.webhook.secret}
        async with httpx.AsyncClient(trust_env=False) as telegram:
            answer = await telegram.request(method, url, headers=headers, content=body)

    assert answer.status_code == status


async def test_whoever_changes_back_to_polling_hears_all(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    async with argent(plugins=PLUGINS, model=["One."], config=config):
        await api.say("First")
        await api.settled(1, says=1)
    section = {**config["plugins"]["telegram"], "webhook": {}}
    async with argent.restart(model=["Two."], config={**config, "plugins": {"telegram": section}}):
        await api.say("Second")
        await api.settled(1, says=2)

    assert api.bot.updates.webhook is None


async def test_a_webhook_of_something_else_is_left_alone(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    section = {**config["plugins"]["telegram"], "webhook": {}}
    config = {**config, "plugins": {"telegram": section}}
    async with httpx.AsyncClient(trust_env=False) as other:
        await other.post(
            f"{api.url}/bot{api.token}/setWebhook", json={"url": "https://other.example/hook"}
        )
    async with argent(plugins=PLUGINS, config=config, allow_faults=True) as kernel:
        await api.until(lambda: api.methods_called("getWebhookInfo"))
        (check,) = [one for one in await kernel.agent.health() if one["plugin"] == "telegram"]

    assert not check["ok"]
    assert "argent init telegram" in check["remedy"]
    assert api.methods_called("deleteWebhook") == []


async def test_a_part_of_an_album_that_is_told_again_after_a_restart_is_not_answered(
    argent: Argent, api: BotApi, config: Mapping[str, Any]
) -> None:
    url = config["plugins"]["telegram"]["webhook"]["url"]
    async with argent(plugins=PLUGINS, model=["Two."], config=config):
        parts = await api.say("Cats", album=[PNG, PNG + b"2"])
        await api.settled(1, says=1)
        await tell_again(api, url, parts[1])
    async with argent.restart(model=["Again."]) as kernel:
        await api.until(lambda: len(api.methods_called("setWebhook")) == 2)
        await tell_again(api, url, parts[0])
        await tell_again(api, url, parts[1])
        await api.say("More?")
        await api.settled(1, says=2)
        events = await kernel.agent.events.list()

    assert api.texts(1) == ["Two.", "Again."]
    assert len(events) == 2


async def tell_again(api: BotApi, url: str, update: Any) -> None:
    """Post an update as Telegram does whose first answer was lost."""
    assert api.bot.updates.webhook is not None
    headers = {"X-Telegram-Bot-Api-Secret-Token": api.bot.updates.webhook.secret}
    async with httpx.AsyncClient(trust_env=False) as telegram:
        answer = await telegram.post(url, headers=headers, json=update)
    assert answer.status_code == 200
