"""The server: HTTP on loopback for bots, and what tests do as people and as the platform."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Unpack

from aiohttp import web
from attrs import define, field

from bot_api import sending as _sending  # noqa: F401 - it brings the methods that send
from bot_api.accounts import Account, Chat, Message
from bot_api.arguments import Arguments
from bot_api.entities import found_in
from bot_api.faults import Fault, Gate
from bot_api.limits import Limits
from bot_api.methods import METHODS
from bot_api.people import Button, Said, chat_of, is_meant_for, pressed, written
from bot_api.platform import Platform
from bot_api.refusal import NOT_FOUND, UNAUTHORIZED, Refusal
from bot_api.updates import Update

_LARGEST_BODY = 64 * 1024 * 1024
_PATIENCE = 10.0
_TOKEN = re.compile(r"\d+:[\w-]{30,}")


class Cut(Exception):
    """The connection is to be cut without an answer."""


@define(eq=False)
class BotApi:
    """A Bot API server.

    Args:
        limits: How often a bot may send; without limits, if not given.
        reads_groups: Whether the privacy mode of bots is off.
        username: Of the first bot.
        ahead: By how much its clock is ahead of this machine's.
    """

    limits: Limits = field(factory=Limits)
    reads_groups: bool = True
    username: str = "argent_bot"
    ahead: timedelta = timedelta(0)
    url: str = ""
    platform: Platform = field(init=False)
    bot: Account = field(init=False)
    _changed: asyncio.Event = field(factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    def __attrs_post_init__(self) -> None:
        self.platform = Platform(self.limits, lambda: self._changed.set())
        self.bot = self.add_bot(self.username)

    async def __aenter__(self) -> BotApi:
        application = web.Application(client_max_size=_LARGEST_BODY)
        application.router.add_get("/file/bot{token}/{path:.+}", self._download)
        application.router.add_route("*", "/bot{token}/{method}", self._call)
        application.on_response_prepare.append(self._date)
        # A poll whose bot was killed ends at once.
        self._runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        for bot in self.platform.accounts.values():
            bot.updates.start_posting()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for bot in self.platform.accounts.values():
            await bot.updates.stop_posting()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _date(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)

    @property
    def token(self) -> str:
        """The token of the first bot."""
        return self.bot.token

    def add_bot(self, username: str) -> Account:
        """Make one more bot."""
        bot = self.platform.add_bot(username, reads_groups=self.reads_groups)
        if self.url:
            bot.updates.start_posting()
        return bot

    async def say(
        self,
        text: str = "",
        *,
        chat: int = 1,
        user: int | None = None,
        bot: Account | None = None,
        **said: Unpack[Said],
    ) -> Any:
        """Say something to a bot, as a person; see ``Said`` for what may be said.

        Args:
            chat: The place; negative for groups, and in private the person's own id.
            user: Who says it; in private the chat's owner.

        Returns:
            The update; for an album one for each message of it. None stands for a message that the
            bot is not given.
        """
        account = bot or self.bot
        place = chat_of(account, self._place(chat, said), said)
        speaker = user if user is not None else abs(chat)
        messages = written(account, self.platform.files, place, user=speaker, text=text, said=said)
        kind = "channel_post" if place.type == "channel" else "message"
        updates = [self._put(account, place, kind, message) for message in messages]
        return updates if "album" in said else updates[0]

    def _place(self, chat: int, said: Said) -> int:
        together = said.get("group") or said.get("channel") or "thread" in said
        return -abs(chat) if together else chat

    def _put(self, bot: Account, chat: Chat, kind: str, message: Message) -> Update | None:
        if not is_meant_for(bot, chat, message):
            return None
        update = bot.updates.put(kind, dict(message))
        self._changed.set()
        return update

    async def edit(
        self, message: Message, text: str, *, bot: Account | None = None
    ) -> Update | None:
        """Edit a message of a person's own: one that ``say`` returned, or that is in the chat."""
        account = bot or self.bot
        found = message.get("message", message)
        chat = account.chats[found["chat"]["id"]]
        kept = chat.messages[found["message_id"]]
        words, entities = (
            ("text", "entities") if "text" in kept else ("caption", "caption_entities")
        )
        kept.update({words: text, entities: found_in(text), "edit_date": kept["date"] + 1})
        return self._put(account, chat, "edited_message", kept)

    def button(self, chat: int, text: str, *, bot: Account | None = None) -> Button:
        """Return the newest button with this text in a chat."""
        for message in reversed(self.messages(chat, bot=bot)):
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                for one in row:
                    if one["text"] == text:
                        return Button(dict(message), text, one["callback_data"])
        raise LookupError(f"there is no button {text!r} in the chat {chat}")

    async def press(
        self, button: Button, *, user: int | None = None, bot: Account | None = None
    ) -> Update | None:
        """Press a button, as the person whose chat it is, or another one."""
        account = bot or self.bot
        who = user if user is not None else abs(int(button.message["chat"]["id"]))
        update = account.updates.put("callback_query", pressed(account, button, who))
        self._changed.set()
        return update

    def block(self, chat: int, *, blocked: bool = True, bot: Account | None = None) -> None:
        """Block a bot, or let it write again."""
        (bot or self.bot).open_chat(chat).blocked = blocked

    def everything(self, chat: int, *, bot: Account | None = None) -> list[Message]:
        """Return all that stands in a chat now."""
        kept = (bot or self.bot).chats.get(chat)
        return list(kept.messages.values()) if kept else []

    def messages(self, chat: int, *, bot: Account | None = None) -> list[Message]:
        """Return what a bot has said in a chat, as it stands there now."""
        me = (bot or self.bot).id
        return [m for m in self.everything(chat, bot=bot) if m.get("from", {}).get("id") == me]

    def texts(self, chat: int, *, bot: Account | None = None) -> list[str]:
        """Return the words of what a bot has said in a chat."""
        return [str(m.get("text") or m.get("caption") or "") for m in self.messages(chat, bot=bot)]

    @property
    def edits(self) -> list[Message]:
        """Messages of bots as they were after each edit, in order."""
        return self.platform.edits

    @property
    def actions(self) -> list[tuple[int, str]]:
        """Chats and what was shown there, as ``typing``."""
        return self.platform.actions

    @property
    def answers(self) -> dict[str, str]:
        """Answers to presses of buttons, by the id of the query."""
        return self.platform.answers

    def methods_called(self, method: str) -> list[Any]:
        """Return the calls of a method so far."""
        return [call for call in self.platform.calls if call.method == method.lower()]

    def content_of(self, file_id: str) -> bytes:
        """Return the content of a file that stands in a message."""
        kept = self.platform.files.get(file_id)
        if kept is None:
            raise LookupError(file_id)
        return kept.content

    def fail(self, method: str, fault: Fault, *, times: int = 1) -> None:
        """Let the next calls of a method fail; see ``faults``."""
        self.platform.faults.script(method, fault, times=times)

    def refuse(
        self, method: str, code: int, description: str, *, retry_after: int | None = None
    ) -> None:
        """Let the next call of a method be refused."""
        self.fail(method, Fault(refusal=Refusal(code, description, retry_after)))

    def hold(self, method: str) -> Gate:
        """Hold the next call of a method until the gate is opened."""
        gate = Gate()
        self.fail(method, Fault(gate=gate))
        return gate

    async def until(self, condition: Callable[[], object], *, timeout: float = _PATIENCE) -> None:
        """Wait until something is so; it is looked at whenever something has happened here."""

        async def wait() -> None:
            while not condition():
                self._changed.clear()
                await self._changed.wait()

        try:
            await asyncio.wait_for(wait(), timeout)
        except TimeoutError:
            raise AssertionError(
                f"it did not come so far in {timeout} s: {self._state()}"
            ) from None

    async def settled(
        self,
        chat: int | None = None,
        *,
        says: int = 0,
        bot: Account | None = None,
        timeout: float = _PATIENCE,
    ) -> list[Message]:
        """Wait until a bot has confirmed all updates, and has so many messages in a chat.

        Returns:
            What it has said in the chat.
        """
        account = bot or self.bot

        def is_so() -> bool:
            spoken = len(self.messages(chat, bot=bot)) if chat is not None else 0
            return not account.updates.waiting and spoken >= says

        await self.until(is_so, timeout=timeout)
        return self.messages(chat, bot=bot) if chat is not None else []

    async def polled(self, *, bot: Account | None = None, timeout: float = _PATIENCE) -> None:
        """Wait until a bot asks for updates."""
        updates = (bot or self.bot).updates
        await self.until(lambda: updates.polls, timeout=timeout)

    def _state(self) -> str:
        chats = {c.id: self.texts(c.id, bot=b) for b in self._bots() for c in b.chats.values()}
        waiting = [len(bot.updates.waiting) for bot in self._bots()]
        calls = [f"{call.method} {call.outcome or '…'}" for call in self.platform.calls[-12:]]
        return f"chats {chats}, updates waiting {waiting}, last calls {calls}"

    def _bots(self) -> list[Account]:
        return list(self.platform.accounts.values())

    async def _call(self, request: web.Request) -> web.StreamResponse:
        token, name = request.match_info["token"], request.match_info["method"].lower()
        bot = self.platform.accounts.get(token)
        if bot is None:
            return _answer((UNAUTHORIZED if _TOKEN.fullmatch(token) else NOT_FOUND)())
        if name not in METHODS:
            return _answer(Refusal(404, "Not Found: method not found"))
        try:
            arguments = await Arguments.read(request)
            number = self.platform.begin_call(bot, name, arguments)
        except Refusal as refusal:
            return _answer(refusal)
        outcome: object = "cut"
        try:
            result = await self._run(bot, name, arguments)
            outcome = "ok"
        except Refusal as refusal:
            outcome = refusal.code
            return _answer(refusal)
        except Cut:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        finally:
            self.platform.end_call(number, outcome)
        return web.json_response({"ok": True, "result": result})

    async def _run(self, bot: Account, name: str, arguments: Arguments) -> Any:
        fault = self.platform.faults.next(name, arguments)
        if fault.gate is not None:
            fault.gate.reached.set()
            await fault.gate.opened.wait()
        if fault.refusal is not None:
            raise fault.refusal
        if fault.cut_before:
            raise Cut
        result = await METHODS[name](self.platform, bot, arguments)
        if fault.cut_after:
            raise Cut
        return result

    async def _download(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] not in self.platform.accounts:
            return _answer(UNAUTHORIZED())
        kept = self.platform.files.at(request.match_info["path"])
        if kept is None:
            return _answer(NOT_FOUND())
        return web.Response(body=kept.content, content_type="application/octet-stream")


def _answer(refusal: Refusal) -> web.Response:
    headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else {}
    return web.json_response(refusal.body, status=refusal.code, headers=headers)
