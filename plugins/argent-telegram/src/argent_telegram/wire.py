"""The way to the Bot API, https://core.telegram.org/bots/api.

A bot's token is part of every address. So the library is given a word in its place, and the token
is put in where a request leaves: no log, no error and no trace of the library can hold it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

from attrs import define, frozen

from argent_hookspecs.http import is_loopback
from argent_telegram.faults import Flooded, fault_of

if TYPE_CHECKING:
    from httpx import AsyncBaseTransport
    from telegram import Bot, Update
    from telegram.request import BaseRequest

PLACE = "TOKEN"
"""Stands for the token."""
WANTED = ("message", "edited_message", "callback_query")
"""Updates that Telegram is asked for; posts of channels are not."""

log = logging.getLogger("argent.plugin.telegram")

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 20.0
_UPLOAD_SECONDS = 90.0
_CONNECTIONS = 32
_TOO_MANY = 429
_DEFAULT_WAIT = 5.0


@define
class _Clock:
    """What is known of Telegram's clock, from the dates of its answers."""

    skew: float = 0.0

    def hear(self, date: str) -> None:
        try:
            then = parsedate_to_datetime(date)
        except (ValueError, TypeError):
            return
        self.skew = (then - datetime.now(UTC)).total_seconds()


@frozen
class Unreadable:
    """An update that is not as it should be; its number, if it has one."""

    update_id: int | None


@frozen(eq=False, repr=False)
class Api:
    """The Bot API for one bot."""

    bot: Bot
    _clock: _Clock

    @property
    def skew(self) -> float:
        """Seconds by which Telegram's clock is ahead of this machine's, as far as is known."""
        return self._clock.skew

    async def call(self, method: str, **arguments: Any) -> Any:
        """Call a method of the library's bot. Raises ``TelegramFault``."""
        from telegram.error import TelegramError

        try:
            return await getattr(self.bot, method)(**arguments)
        except TelegramError as error:
            raise fault_of(error) from error

    async def updates(self, *, offset: int | None, seconds: int) -> list[Update | Unreadable]:
        """Ask what has come. Raises ``TelegramFault``.

        Args:
            offset: The first update that is wanted; all before it count as taken.
            seconds: How long Telegram may wait for something to tell.
        """
        from telegram.error import TelegramError

        wanted = {"offset": offset, "timeout": seconds, "allowed_updates": WANTED}
        wait = seconds + _READ_SECONDS
        try:
            # The library's own method loses all updates if it cannot read one of them.
            told = await self.bot._post("getUpdates", wanted, read_timeout=wait)
        except TelegramError as error:
            raise fault_of(error) from error
        return [self.read(update) for update in told]

    def read(self, update: Any) -> Update | Unreadable:
        """Read an update as it comes over the wire."""
        from telegram import Update

        try:
            return Update.de_json(update, self.bot)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            id = update.get("update_id") if isinstance(update, dict) else None
            log.warning("an update cannot be read, and is left out: %s", type(error).__name__)
            return Unreadable(id if isinstance(id, int) else None)

    async def fetch(self, file_id: str) -> bytes:
        """Return the content of a file. Raises ``TelegramFault``."""
        from telegram.error import TelegramError

        try:
            file = await self.bot.get_file(file_id)
            return bytes(await file.download_as_bytearray())
        except TelegramError as error:
            raise fault_of(error) from error


@asynccontextmanager
async def open_api(base_url: str, token: str) -> AsyncIterator[Api]:
    """Open the way to Telegram for one bot; nothing is sent yet."""
    clock = _Clock()
    bot = await asyncio.to_thread(_bot, base_url.rstrip("/"), token.strip(), clock=clock)
    try:
        yield Api(bot, clock)
    finally:
        for request in bot._request:
            await request.shutdown()


def _bot(base_url: str, token: str, *, clock: _Clock) -> Bot:
    from telegram import Bot

    return Bot(
        PLACE,
        base_url=f"{base_url}/bot",
        base_file_url=f"{base_url}/file/bot",
        request=_request(base_url, token, clock=clock),
        get_updates_request=_request(base_url, token, clock=clock),
    )


def _request(base_url: str, token: str, *, clock: _Clock) -> BaseRequest:
    from telegram.request import HTTPXRequest

    class Request(HTTPXRequest):
        async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
            """Ask; how long to wait is read here, since the library warns about its own way."""
            code, payload = await super().do_request(*args, **kwargs)
            if code == _TOO_MANY:
                seconds = _seconds_to_wait(payload)
                raise Flooded(f"Telegram asks to wait for {seconds:g} s", seconds)
            return code, payload

    return Request(
        connection_pool_size=_CONNECTIONS,
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        write_timeout=_READ_SECONDS,
        pool_timeout=_CONNECT_SECONDS,
        media_write_timeout=_UPLOAD_SECONDS,
        httpx_kwargs={"transport": _transport(base_url, token, clock=clock), "trust_env": False},
    )


def _transport(base_url: str, token: str, *, clock: _Clock) -> AsyncBaseTransport:
    import httpx

    known, place = quote(token, safe=":").encode(), f"/bot{PLACE}/".encode()

    class Transport(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            """Put the token where it belongs, and send."""
            path = request.url.raw_path.replace(place, b"/bot" + known + b"/", 1)
            sent = httpx.Request(
                request.method,
                request.url.copy_with(raw_path=path),
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions,
            )
            answer = await super().handle_async_request(sent)
            clock.hear(answer.headers.get("date", ""))
            return answer

    limits = httpx.Limits(max_connections=_CONNECTIONS)
    return Transport(limits=limits, proxy=_proxy(base_url))


def _proxy(base_url: str) -> str | None:
    """Return the proxy that this machine's environment names for an address."""
    parts = urlsplit(base_url)
    if is_loopback(base_url) or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _seconds_to_wait(payload: bytes) -> float:
    """Read ``retry_after`` of https://core.telegram.org/bots/api#responseparameters."""
    try:
        return max(1.0, float(json.loads(payload)["parameters"]["retry_after"]))
    except (ValueError, TypeError, KeyError):
        return _DEFAULT_WAIT
