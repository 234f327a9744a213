"""The platform: a Bot API server in a process of its own, and the world's line to it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

from tests.crash.line import Lines, send

_SERVER = Path(__file__).resolve().parents[3] / "plugins" / "argent-telegram" / "tests"
sys.path.insert(0, str(_SERVER))

from bot_api import BAD_GATEWAY, CUT, LOST, Account, BotApi, Button, Fault, Message, Refusal  # noqa: E402
from bot_api.arguments import Arguments  # noqa: E402

_CHUNK = 1 << 16
_WAIT = Fault(refusal=Refusal(429, "Too Many Requests: retry after 1", 1))
_WEATHER = ((LOST, 0.03), (_WAIT, 0.03), (BAD_GATEWAY, 0.02), (CUT, 0.01))
_NO = 0.2
_OWNER = 11
_FOR_EVER = 1e6
_SUFFERING = ("sendmessage", "editmessagetext", "getupdates")


@define(eq=False)
class TelegramEnd:
    """The world's end of the line; each question waits for its answer."""

    url: str
    end: socket.socket
    _lines: Lines = field(factory=Lines)

    def ask(self, what: str, **facts: Any) -> Any:
        """Ask the platform."""
        send(self.end, {"what": what, **facts})
        while True:
            raw = self.end.recv(_CHUNK)
            if not raw:
                raise RuntimeError("the Bot API server is gone")
            for answer in self._lines.feed(raw):
                return answer["answer"]


@contextmanager
def telegram_platform() -> Iterator[TelegramEnd]:
    """Run a Bot API server in a process of its own."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _be_the_platform(theirs)
    theirs.close()
    platform = TelegramEnd("", ours)
    try:
        platform.url = platform.ask("url")
        yield platform
    finally:
        ours.close()
        os.waitpid(pid, 0)


def _be_the_platform(end: socket.socket) -> None:
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when the world does
        asyncio.run(_serve(end))
        code = 0
    finally:
        os._exit(code)


async def _serve(end: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=end)
    lines = Lines()
    async with BotApi(reads_groups=True) as api:
        pressing = asyncio.create_task(_press_buttons(api))
        while raw := await reader.read(_CHUNK):
            for message in lines.feed(raw):
                answer = await _answer(api, **message)
                writer.write(json.dumps({"answer": answer}).encode() + b"\n")
                await writer.drain()
        pressing.cancel()


async def _press_buttons(api: BotApi) -> None:
    """Answer every question with a button, as soon as it is there: mostly yes."""
    seen = 0

    def is_more() -> bool:
        return len(api.platform.sent) > seen

    while True:
        await api.until(is_more, timeout=_FOR_EVER)
        for message in api.platform.sent[seen:]:
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                no = random.Random(message["text"]).random() < _NO
                button = Button(dict(message), row[no]["text"], row[no]["callback_data"])
                await api.press(button, user=_OWNER, bot=_sender(api, message))
        seen = len(api.platform.sent)


def _sender(api: BotApi, message: Message) -> Account:
    bots = api.platform.accounts.values()
    return next(bot for bot in bots if bot.id == message["from"]["id"])


async def _answer(api: BotApi, what: str, **facts: Any) -> Any:
    if what == "url":
        return api.url
    if what == "bot":
        bot = api.add_bot(f"bot_{len(api.platform.accounts)}")
        if facts["seed"] is not None:
            _change_weather(api, facts["seed"])
        return bot.token
    bot = api.platform.accounts[facts["token"]]
    if what == "say":
        text = facts["text"].replace("@bot", f"@{bot.username}")
        topic = {} if facts["thread"] is None else {"thread": facts["thread"]}
        return await api.say(text, chat=facts["chat"], user=facts["user"], bot=bot, **topic)
    if what == "waiting":
        return max((update["update_id"] for update in bot.updates.waiting), default=0)
    return [m for chat in bot.chats for m in api.messages(chat, bot=bot)]


def _change_weather(api: BotApi, seed: str) -> None:
    """Let calls fail now and then; only one bot is alive at a time."""
    draw = random.Random(seed)

    def weather(method: str, arguments: Arguments) -> Fault | None:
        if method not in _SUFFERING:
            return None
        luck = draw.random()
        for fault, share in _WEATHER:
            luck -= share
            if luck < 0:
                return fault
        return None

    api.platform.faults.weather = weather
