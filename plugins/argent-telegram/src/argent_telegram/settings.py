"""What a person can set: bots, their tokens, and how Telegram reaches them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import Attribute, Factory, frozen

from argent_hookspecs import Secret, setting
from argent_hookspecs.http import is_loopback

TELEGRAM = "telegram"
"""Id of the channel whose settings are those at the top."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


@frozen(kw_only=True)
class WebhookSettings:
    """How Telegram calls, instead of being asked."""

    url: str = setting(
        "", doc="Public https address that your proxy passes on to here; without it, long polling."
    )
    host: str = setting("127.0.0.1", doc="Address to listen on, behind your proxy.")
    port: int = setting(8443, doc="Port to listen on; each bot needs its own.", ge=1, le=65535)

    @url.validator
    def _check_url(self, _: Attribute[str], url: str) -> None:
        parts = urlsplit(url)
        public = parts.scheme == "https" and bool(parts.hostname)
        if url and not public and not is_loopback(url):
            raise ValueError("must be an address that begins with https://")


@frozen(kw_only=True)
class BotSettings:
    """One bot."""

    token: Secret | None = setting(None, doc="Reference to the token that @BotFather gave.")
    base_url: str = setting(
        "https://api.telegram.org", doc="Address of the Bot API; another for a server of your own."
    )
    drafts: bool = setting(True, doc="Whether an answer is shown while it is written.")
    webhook: WebhookSettings = setting(
        Factory(WebhookSettings), doc="How Telegram calls, instead of being asked."
    )

    @base_url.validator
    def _check_base_url(self, _: Attribute[str], base_url: str) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an address that begins with http:// or https://")


@frozen(kw_only=True)
class TelegramSettings(BotSettings):
    """Settings under ``plugins.telegram``: those of one bot, and further bots.

    >>> settings = TelegramSettings(bots={"home": BotSettings(token=Secret("env:HOME_BOT"))})
    >>> [(bot.id, bot.place) for bot in settings.all()]
    [('telegram:home', 'plugins.telegram.bots.home')]
    """

    bots: Mapping[str, BotSettings] = setting(
        Factory(dict), doc="Further bots by name; each is a channel telegram:NAME."
    )

    @bots.validator
    def _check_bots(self, _: Attribute[Any], bots: Mapping[str, Any]) -> None:
        for name in bots:
            if not _NAME.fullmatch(name):
                raise ValueError(
                    "must be by names of lower case letters, digits, _ and -, that begin with a "
                    f"letter, unlike {name!r}"
                )

    def all(self) -> list[BotPlace]:
        """Return every bot that has a token."""
        top = BotPlace(id=TELEGRAM, place="plugins.telegram", settings=self)
        named = [
            BotPlace(id=f"{TELEGRAM}:{name}", place=f"plugins.telegram.bots.{name}", settings=one)
            for name, one in self.bots.items()
        ]
        return [bot for bot in (top, *named) if bot.settings.token is not None]


@frozen(kw_only=True)
class BotPlace:
    """A bot that is set up.

    Args:
        id: Id of its channel.
        place: Where its settings stand.
        settings: They.
    """

    id: str
    place: str
    settings: BotSettings
