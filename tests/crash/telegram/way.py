"""Telegram as the way of messages."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define

import argent_telegram
from argent_core.kernel import Kernel
from argent_core.plugins import InstalledPlugin
from tests.crash.judge import FAULTS, Verdict
from tests.crash.report import Report
from tests.crash.telegram.driver import QuickLoop, watch_library
from tests.crash.telegram.judge import judge_telegram
from tests.crash.telegram.platform import TelegramEnd, telegram_platform
from tests.crash.telegram.world import PLACES, TelegramWorld
from tests.crash.way import Inside
from tests.crash.world import TELEGRAM, ChannelKind, World

if TYPE_CHECKING:
    from tests.crash.mutants import Mutant


@define(eq=False)
class TelegramWay:
    """The plugin, as it is, with a Bot API server that is never killed."""

    platform: TelegramEnd
    kinds: tuple[ChannelKind, ...] = (TELEGRAM,)
    own_kinds: tuple[ChannelKind, ...] = ()
    asks_by_itself: bool = True
    longest_life: float = 8.0
    option: str = " --channel telegram"
    faults: tuple[str, ...] = FAULTS

    def make_world(self, seed: str, *, calm: bool = False) -> World:
        """Make a world with a bot of its own."""
        return TelegramWorld(seed, calm=calm, platform=self.platform)

    def settings(self, folder: Path, world: World) -> dict[str, Any]:
        """Return the bot's settings; the people who write to it are its owners, everywhere."""
        assert isinstance(world, TelegramWorld)
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(world.token)
        groups = sorted({str(place.chat) for place in PLACES.values() if place.is_group})
        people = {
            "owners": {TELEGRAM.name: sorted({str(place.user) for place in PLACES.values()})},
            "groups": {"allow": {TELEGRAM.name: groups}},
        }
        bot = {"token": f"file:{token}", "baseUrl": self.platform.url}
        return {"people": people, "plugins": {"telegram": bot}}

    def plugins(self) -> list[InstalledPlugin]:
        """Return argent-telegram."""
        return [InstalledPlugin("telegram", lambda: argent_telegram)]

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """Make one whose time goes quickly."""
        return QuickLoop()

    def watch(self, inside: Inside) -> None:
        """Put failpoints around each request of the library."""
        watch_library(inside)

    async def catch_up(self, kernel: Kernel) -> None:
        """Wait for nothing."""

    def judge(self, world: World, report: Report | None) -> Verdict:
        """Compare the outbox with the chats."""
        assert isinstance(world, TelegramWorld)
        return judge_telegram(world, report)

    def mutants(self) -> Sequence[Mutant]:
        """Return those of the plugin."""
        from tests.crash.telegram.mutants import MUTANTS  # which run campaigns of such ways

        return MUTANTS


@contextmanager
def telegram_way() -> Iterator[TelegramWay]:
    """Run the Bot API server; import what lives need, which they then have from birth."""
    for module in pkgutil.iter_modules(argent_telegram.__path__):
        importlib.import_module(f"argent_telegram.{module.name}")
    importlib.import_module("telegram.ext")
    with telegram_platform() as platform:
        yield TelegramWay(platform)
