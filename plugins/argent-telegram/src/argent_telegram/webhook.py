"""Telegram calls: https://core.telegram.org/bots/api#setwebhook.

A small server on this machine, behind the person's own proxy. Who does not know the secret is sent
away before a byte of what they say is read.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs
from attrs import define, field

from argent_hookspecs import ConfigError
from argent_telegram.inbox import Inbox
from argent_telegram.ledger import Ledger
from argent_telegram.settings import BotPlace, WebhookSettings
from argent_telegram.wire import WANTED, Api, Unreadable

if TYPE_CHECKING:
    from telegram import Update

LARGEST_BODY = 1_000_000
"""Bytes of one update; Telegram's have a few thousand."""

_HEADER = b"x-telegram-bot-api-secret-token"
_AT_ONCE = 20
_MOST_CALLS = 100
_SECONDS = 60.0
_CHUNK = 65_536
_REASONS = {200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 404: b"Not Found"}
_REASONS |= {405: b"Method Not Allowed", 413: b"Content Too Large"}

log = logging.getLogger("argent.plugin.telegram")


async def be_called(api: Api, inbox: Inbox, *, place: BotPlace, ledger: Ledger) -> None:
    """Tell Telegram where to call, and take what it says, until cancelled."""
    secret, settings = secrets.token_urlsafe(32), place.settings.webhook
    webhook = Webhook(api, inbox, settings, ledger, place.id, secret)
    async with webhook.listening():
        await webhook.take_kept()
        await api.call(
            "set_webhook",
            url=settings.url,
            secret_token=secret,
            allowed_updates=WANTED,
            max_connections=_AT_ONCE,
        )
        await asyncio.wait({inbox.failed})
        inbox.failed.result()


@define(eq=False)
class Webhook:
    """The server."""

    api: Api = field(repr=False)
    inbox: Inbox = field(repr=False)
    settings: WebhookSettings
    ledger: Ledger = field(repr=False)
    channel: str
    _secret: str = field(repr=False)
    _calls: set[asyncio.Task[None]] = field(factory=set, repr=False)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Take calls while the block runs."""
        host, port = self.settings.host, self.settings.port
        try:
            server = await asyncio.start_server(self._accept, host=host, port=port, limit=_CHUNK)
        except OSError as error:
            raise ConfigError(
                f"the webhook cannot listen on {host}:{port} ({error.strerror}); choose another "
                "plugins.telegram.webhook.port"
            ) from error
        try:
            yield
        finally:
            server.close()
            for call in self._calls:
                call.cancel()
            if self._calls:
                await asyncio.wait(self._calls)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._calls) >= _MOST_CALLS:
            writer.close()
            return
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        try:
            async with asyncio.timeout(_SECONDS):
                await _Call(self, reader, writer).answer()
        except (OSError, TimeoutError):
            log.debug("a call to the webhook was cut off")
        finally:
            writer.close()

    async def take(self, body: bytes) -> int:
        """Take an update; return the status once it is stored.

        Telegram sends the next part of an album when it has an answer for this one, so a part is
        kept here until the album is whole.
        """
        update = self._update(body)
        if isinstance(update, Unreadable):
            return 400 if update.update_id is None else 200  # it would be the same next time
        if update.message and update.message.media_group_id:
            id, said = update.update_id, body.decode()
            if await self.ledger.keep_piece(self.channel, id, body=said):
                self.inbox.take(update)
        else:
            await asyncio.wait({self.inbox.take(update)})
        return 200

    async def take_kept(self) -> None:
        """Take the parts of albums that an earlier life has kept."""
        for body in await self.ledger.pieces(self.channel):
            self.inbox.take(self._update(body))

    def _update(self, body: bytes | str) -> Update | Unreadable:
        try:
            told = json.loads(body)
        except ValueError:
            return Unreadable(None)
        return self.api.read(told)

    def knows(self, headers: dict[bytes, bytes]) -> bool:
        """Say whether a call brings the secret, in a time that does not tell how much of it."""
        return hmac.compare_digest(headers.get(_HEADER, b""), self._secret.encode())


@attrs.frozen(eq=False, repr=False)
class _Call:
    """One request, read as far as it deserves."""

    webhook: Webhook
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def answer(self) -> None:
        import h11

        http = h11.Connection(h11.SERVER, max_incomplete_event_size=_CHUNK)
        try:
            status = await self._status(http)
        except h11.RemoteProtocolError:
            status = 400
        if http.our_state not in (h11.SEND_RESPONSE, h11.IDLE):
            return
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        response = h11.Response(status_code=status, headers=headers, reason=_REASONS[status])
        self.writer.write((http.send(response) or b"") + (http.send(h11.EndOfMessage()) or b""))
        await self.writer.drain()

    async def _status(self, http: Any) -> int:
        import h11

        request = await self._next(http)
        if not isinstance(request, h11.Request):
            return 400
        headers = dict(request.headers)
        if not self.webhook.knows(headers):
            return 401
        if request.target.partition(b"?")[0].decode("ascii") != self._path():
            return 404
        if request.method != b"POST":
            return 405
        if int(headers.get(b"content-length", b"0")) > LARGEST_BODY:
            return 413
        if http.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            self.writer.write(http.send(go_on) or b"")
        body = bytearray()
        while isinstance(part := await self._next(http), h11.Data):
            body += part.data
            if len(body) > LARGEST_BODY:
                return 413
        return await self.webhook.take(bytes(body)) if isinstance(part, h11.EndOfMessage) else 400

    async def _next(self, http: Any) -> Any:
        import h11

        while (event := http.next_event()) is h11.NEED_DATA:
            http.receive_data(await self.reader.read(_CHUNK))
        return event

    def _path(self) -> str:
        return urlsplit(self.webhook.settings.url).path or "/"
