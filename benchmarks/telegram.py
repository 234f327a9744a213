"""Does a bot keep its head in a flood?

Many chats write to argent-telegram at once, through a Bot API server on loopback with Telegram's
limits on: thirty messages a second in all, one a second to a chat. A model answers at once with the
numbers of the messages that it was told. Counted is what stands in the chats at the end. The time
to accept a message goes from its arrival at the platform until the bot has confirmed it, which it
does once the message is stored, safe from power cuts.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import click
from attrs import asdict, frozen

import argent_telegram
from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_core.plugins import InstalledPlugin
from argent_hookspecs import (
    FREE,
    Finish,
    Message,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRequest,
    ModelTier,
    Role,
    TextDelta,
)
from argent_testing import MadePlugin

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT / "plugins" / "argent-telegram" / "tests"))

from bot_api import TELEGRAM, BotApi  # noqa: E402

_FIRST_CHAT = 1001
_NUMBER = re.compile(r"#(\d+)")
_LOOK_SECONDS = 0.5
_QUIET_SECONDS = 30.0


@frozen
class Figures:
    """What came of the flood.

    Args:
        lost: Messages that no answer in their chat names.
        out_of_order: Answers that name a message before one that was sent earlier in the chat.
        p99_accept_ms: Of a hundred messages ninety-nine were accepted in that time.
        seconds: Until the last answer stood in its chat.
    """

    messages: int
    lost: int
    out_of_order: int
    p99_accept_ms: float
    seconds: float


class Echo:
    """A model that names what it was told in this turn."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """Answer at once."""
        told = itertools.takewhile(_is_told, reversed(request.messages))
        numbers = _NUMBER.findall(" ".join(message.text for message in reversed(list(told))))
        yield TextDelta(" ".join(f"#{number}" for number in numbers))
        yield Finish()

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known about the model."""
        return ModelInfo(id=model, context_window=32_768, price=FREE)


def _echo() -> MadePlugin:
    return MadePlugin(
        "echo",
        ModelProvider(id="echo", open=lambda: nullcontext(Echo())),
        ModelTier(id="echo", name="local", below=0.3, provider="echo", model="m"),
    )


def _is_told(message: Message) -> bool:
    return message.role is Role.USER


@click.command()
@click.option("--messages", default=1000, show_default=True, help="How many come in all.")
@click.option("--chats", default=100, show_default=True, help="From how many chats.")
@click.option("--json", "as_json", is_flag=True, help="Print one object with the figures last.")
def main(messages: int, chats: int, *, as_json: bool) -> None:
    """Flood a bot with messages while Telegram's limits hold, and see what comes of them.

    The code is 1 if a message was lost, or an answer came before its turn.

    \b
    Examples:
      python -m benchmarks.telegram
      python -m benchmarks.telegram --messages 200 --chats 20 --json
    """
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(_flood(Path(folder), messages, chats))
    for name, value in asdict(figures).items():
        click.echo(f"{name:14} {value:10}")
    if as_json:
        click.echo(json.dumps(asdict(figures)))
    sys.exit(1 if figures.lost or figures.out_of_order else 0)


async def _flood(folder: Path, messages: int, chats: int) -> Figures:
    places = [_FIRST_CHAT + n for n in range(chats)]
    async with BotApi(TELEGRAM) as api:
        plugins = [
            InstalledPlugin("echo", _echo),
            InstalledPlugin("telegram", lambda: argent_telegram),
        ]
        async with Kernel(_home(folder, api, places), plugins=plugins):
            await api.polled()
            began = time.monotonic()
            for number, chat in zip(range(messages), itertools.cycle(places), strict=False):
                await api.say(f"Message #{number}, please", chat=chat)
            ended = await _see_through(api, messages, places)
    accepted = sorted(api.bot.updates.waits)
    click.echo(f"{api.platform.floods} messages came too fast for the limits", err=True)
    named = {chat: _numbers(api.texts(chat)) for chat in places}
    return Figures(
        messages=messages,
        lost=messages - len(set(itertools.chain(*named.values()))),
        out_of_order=sum(_out_of_order(numbers) for numbers in named.values()),
        p99_accept_ms=round(statistics.quantiles(accepted, n=100)[98] * 1000, 1),
        seconds=round(ended - began, 1),
    )


def _home(folder: Path, api: BotApi, places: Sequence[int]) -> Home:
    home = Home(folder / "home")
    home.create()
    token = folder / "token"
    token.write_text(api.token)
    token.chmod(0o600)
    config = {
        "people": {"owners": {"telegram": [str(chat) for chat in places]}},
        "plugins": {"telegram": {"token": f"file:{token}", "baseUrl": api.url}},
    }
    home.config_file.write_text(json.dumps(config))
    return home


async def _see_through(api: BotApi, messages: int, places: Sequence[int]) -> float:
    """Wait until all is answered, or nothing more comes; return when the last answer came."""
    seen, at = -1, time.monotonic()
    while time.monotonic() - at < _QUIET_SECONDS:
        named = Counter(number for chat in places for number in _numbers(api.texts(chat)))
        if len(named) != seen:
            seen, at = len(named), time.monotonic()
        if seen == messages:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    return at


def _numbers(texts: Sequence[str]) -> list[int]:
    return [int(number) for text in texts for number in _NUMBER.findall(text)]


def _out_of_order(numbers: Sequence[int]) -> int:
    return sum(later < earlier for earlier, later in itertools.pairwise(numbers))


if __name__ == "__main__":
    main()
