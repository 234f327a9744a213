"""The token is seen nowhere, though it is a part of every address that is called."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from bot_api import CUT, LOST, BotApi

from argent_telegram.faults import TelegramFault
from argent_telegram.wire import open_api
from argent_testing import Argent

pytestmark = pytest.mark.anyio

PLUGINS = ["argent_telegram"]
LOUD = ("", "argent", "httpx", "httpcore", "telegram", "asyncio")


@pytest.fixture
def log() -> Iterator[list[str]]:
    """Everything that anybody logs, with all loggers at their loudest."""
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not record.name.startswith("aiohttp"):  # that is the platform, which knows tokens
                lines.append(logging.Formatter().format(record))

    listener, before = Listener(), {name: logging.getLogger(name).level for name in LOUD}
    logging.getLogger().addHandler(listener)
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield lines
    logging.getLogger().removeHandler(listener)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def holders(folder: Path, token: str) -> list[Path]:
    """Return the files that hold the token."""
    secret = token.partition(":")[2].encode()
    return [path for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]


async def test_the_token_is_in_no_log_and_no_file(
    argent: Argent, api: BotApi, config: Mapping[str, Any], log: list[str], tmp_path: Path
) -> None:
    config = {**config, "log": {"level": "debug"}}
    async with argent(plugins=PLUGINS, model=["One.", "Two."], config=config) as kernel:
        await api.say("Hello")
        await api.settled(1, says=1)
        for fault in (CUT, LOST):
            api.fail("sendMessage", fault)
            api.fail("sendChatAction", fault)
        api.fail("getUpdates", CUT, times=3)
        await api.say("Hello again", photo=b"no picture")
        await api.until(lambda: len(api.methods_called("sendMessage")) == 2, timeout=20)
        shown = json.dumps(await kernel.agent.status(deep=True), default=str)
        trace = json.dumps(await kernel.agent.trace("telegram:1"))
    text = "\n".join(log)

    assert "HTTP Request: POST" in text, "the libraries are loud"
    secret = api.token.partition(":")[2]
    assert not [line for line in log if secret in line]
    assert secret not in shown + trace
    assert holders(tmp_path, api.token) == []


@pytest.mark.parametrize("method", ["get_me", "get_updates", "send_message"])
async def test_the_token_is_in_no_error(api: BotApi, method: str) -> None:
    wrong = f"{api.bot.id}:{'W' * 35}"
    given = {"chat_id": 1, "text": "Hi"} if method == "send_message" else {}
    for address, token in ((api.url, wrong), ("http://127.0.0.1:9", api.token)):
        async with open_api(address, token) as bot:
            with pytest.raises(TelegramFault) as caught:
                await bot.call(method, **given)
            shown = [repr(bot), repr(bot.bot), str(bot.bot), *chain(caught.value)]

        assert not [text for text in shown if token.partition(":")[2] in text]


def chain(error: BaseException | None) -> Iterator[str]:
    """Yield what an error and all that led to it say."""
    while error is not None:
        yield f"{error!r} {error} {getattr(error, 'request', '')!r}"
        error = error.__cause__ or error.__context__
