"""Questions with buttons: whether a tool may be run, whether somebody is let in."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from attrs import asdict, define, field, frozen

from argent_hookspecs import (
    Address,
    Agent,
    Approval,
    ApprovalAsked,
    PairingAsked,
    PairingRequest,
    Sender,
    Trust,
)
from argent_telegram.faults import Blocked, Flooded, Refused, TelegramFault
from argent_telegram.ledger import Ledger, Question
from argent_telegram.markdown import convert
from argent_telegram.outgoing import written
from argent_telegram.wire import Api

if TYPE_CHECKING:
    from telegram import CallbackQuery, InlineKeyboardMarkup

MOST_BYTES = 64
"""Of what a button carries: https://core.telegram.org/bots/api#inlinekeyboardbutton."""
OVER = "This was answered already, or it is too late."
NOT_YOU = "Only the owner can answer this."
_TOOL, _PERSON = "t", "p"
_LONGEST_ARGUMENTS = 1500
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0

log = logging.getLogger("argent.plugin.telegram")


@frozen(kw_only=True)
class Press:
    """The press of a button of an approval; a crash later it is known again.

    Args:
        query: Telegram's id of it.
        words: What is said once it is acted on.
    """

    query: str
    user: str
    allow: bool
    words: str


@define(eq=False, repr=False)
class Questions:
    """Asks for one bot."""

    channel: str
    api: Api
    agent: Agent
    ledger: Ledger
    _one_by_one: asyncio.Lock = field(factory=asyncio.Lock)
    _later: set[asyncio.Task[None]] = field(factory=set)

    async def ask_approval(self, notice: ApprovalAsked) -> None:
        """Ask whether a tool may be run, where its turn is answered."""
        if notice.to is not None:
            await self._ask_approval(notice.approval, notice.to)

    async def ask_pairing(self, notice: PairingAsked) -> None:
        """Ask the owners whether somebody is let in."""
        for chat in await self.ledger.owners(self.channel):
            if not await self._is_owner(chat):
                continue
            await self._ask(
                f"{_PERSON}:{notice.request.code}",
                Address(self.channel, chat),
                text=_pairing_text(notice.request),
                turn="",
            )

    async def ask_again(self) -> None:
        """Ask what was not asked because the agent ended too soon."""
        asked = {one.id for one in await self.ledger.questions(self.channel)}
        for approval in await self.agent.approvals():
            to = approval.to
            if to is None or to.channel != self.channel:
                continue
            if f"{_TOOL}:{approval.id}" not in asked:
                await self._ask_approval(approval, to)
        for request in await self.agent.pairings():
            if request.sender.channel == self.channel and f"{_PERSON}:{request.code}" not in asked:
                await self.ask_pairing(PairingAsked(request=request))

    async def close(self) -> None:
        """Leave what could not be asked yet to the next life."""
        for task in self._later:
            task.cancel()
        if self._later:
            await asyncio.wait(set(self._later))

    async def settle(self, turn: str) -> None:
        """Take the buttons away that nobody waits for any more: the turn goes on, or is over."""
        async with self._one_by_one:
            await self._settle(turn)

    async def _settle(self, turn: str) -> None:
        asked = await self.ledger.questions(self.channel, turn=turn)
        if not asked:
            return
        waiting = {f"{_TOOL}:{approval.id}" for approval in await self.agent.approvals()}
        for question in asked:
            if question.id not in waiting:
                await self._close(question, await self._outcome(question))

    async def _outcome(self, question: Question) -> str:
        """Say what came of a question: the press of a button, before the agent ended perhaps."""
        if question.press:
            press = Press(**json.loads(question.press))
            if await self._answer(question.id, press):
                return press.words
        return "Answered elsewhere, or too late."

    async def _answer(self, id: str, press: Press) -> bool:
        name = id.partition(":")[2]
        by, sender = f"{self.channel}:{press.user}", Sender(self.channel, press.user)
        key = f"{self.channel}:{press.query}"
        return await self.agent.answer(name, allow=press.allow, by=by, sender=sender, key=key)

    async def press(self, query: CallbackQuery) -> None:
        """Do what a button asks for, and say what came of it."""
        async with self._one_by_one:
            await self._press(query)

    async def _press(self, query: CallbackQuery) -> None:
        id, _, choice = (query.data or "").rpartition(":")
        kind, _, name = id.partition(":")
        if kind not in (_TOOL, _PERSON) or not name or choice not in ("y", "n"):
            await self._tell(query, OVER, alert=True)  # no button of this bot says that
            return
        allow, user = choice == "y", str(query.from_user.id)
        word = _word(kind, allow=allow)
        words = f"{word} by {query.from_user.full_name}."
        press = Press(query=query.id, user=user, allow=allow, words=words)
        is_owner = await self._is_owner(user)
        if kind == _TOOL:
            if is_owner:
                await self.ledger.pressed(self.channel, id, press=json.dumps(asdict(press)))
            done = await self._answer(id, press)
        else:
            sender, by = Sender(self.channel, user), f"{self.channel}:{user}"
            done = await self.agent.pair(name, allow=allow, by=by, sender=sender)
        may_decide = done or is_owner
        if not may_decide or (not done and await self._is_waited_for(id)):
            await self._tell(query, NOT_YOU, alert=True)
            return
        await self._tell(query, word if done else OVER, alert=not done)
        questions = await self.ledger.questions(self.channel, id=id)
        for question in questions:
            await self._close(question, words if done else OVER)
        if not questions:
            await self._close_unknown(query)

    async def _ask_approval(self, approval: Approval, to: Address) -> None:
        text = _approval_text(approval)
        await self._ask(f"{_TOOL}:{approval.id}", to, text=text, turn=approval.turn)

    async def _ask(
        self, id: str, to: Address, *, text: str, turn: str, wait: float = _FIRST_WAIT
    ) -> None:
        given: dict[str, Any] = {"chat_id": int(to.chat), **written(convert(text).body)}
        if to.thread is not None:
            given["message_thread_id"] = int(to.thread)
        if len(f"{id}:y".encode()) <= MOST_BYTES:
            given["reply_markup"] = _buttons(id)
        try:
            sent = await self.api.call("send_message", **given)
        except TelegramFault as error:
            log.warning("a question is not asked in %s: %s", self.channel, error)
            if not isinstance(error, (Blocked, Refused)):
                wait = error.seconds if isinstance(error, Flooded) else wait
                self._ask_later(id, to, text=text, turn=turn, wait=wait)
            return
        question = Question(id, to.chat, int(sent.message_id), turn, text)
        await self.ledger.asked(self.channel, question)

    def _ask_later(self, id: str, to: Address, *, text: str, turn: str, wait: float) -> None:
        """Ask again after a while, if somebody waits for the answer then."""

        async def ask() -> None:
            await asyncio.sleep(wait)
            may_know = id.startswith(f"{_TOOL}:") or await self._is_owner(to.chat)
            if may_know and await self._is_waited_for(id):
                longer = min(_LONGEST_WAIT, 2 * wait)
                await self._ask(id, to, text=text, turn=turn, wait=longer)

        task = asyncio.create_task(ask(), name=f"{self.channel} asks {id} again")
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _is_owner(self, id: str) -> bool:
        return await self.agent.trust(Sender(self.channel, id)) is Trust.OWNER

    async def _is_waited_for(self, id: str) -> bool:
        kind, _, name = id.partition(":")
        if kind == _TOOL:
            return name in {one.id for one in await self.agent.approvals()}
        return name in {one.code for one in await self.agent.pairings()}

    async def _close(self, question: Question, outcome: str) -> None:
        """Say in the message what came of it, without buttons."""
        body = convert(f"{question.text}\n\n**{_plain(outcome)}**").body
        given = {"chat_id": int(question.chat), "message_id": question.message, **written(body)}
        try:
            await self.api.call("edit_message_text", **given)
        except (Blocked, Refused) as error:  # the person took the message away, or the bot
            log.info("a question stays as it is: %s", error)
        except TelegramFault as error:
            log.info("a question keeps its buttons for now: %s", error)
            return
        await self.ledger.settled(self.channel, question.id)

    async def _close_unknown(self, query: CallbackQuery) -> None:
        message = query.message
        if message is None:
            return
        given = {"chat_id": message.chat.id, "message_id": message.message_id}
        try:
            await self.api.call("edit_message_reply_markup", **given)
        except TelegramFault as error:
            log.info("a question keeps its buttons: %s", error)

    async def _tell(self, query: CallbackQuery, text: str, *, alert: bool) -> None:
        given = {"callback_query_id": query.id, "text": text, "show_alert": alert}
        try:
            await self.api.call("answer_callback_query", **given)
        except TelegramFault as error:  # it was pressed too long ago to be told
            log.info("a button's press is not answered: %s", error)


def _approval_text(approval: Approval) -> str:
    call = json.dumps(dict(approval.arguments), ensure_ascii=False, indent=1, default=str)
    short = call if len(call) <= _LONGEST_ARGUMENTS else f"{call[:_LONGEST_ARGUMENTS]}…"
    until = approval.expires_at.strftime("%d %B, %H:%M UTC")
    more = "" if short == call else f" All of it: `argent approvals show {approval.id}`."
    # A fence longer than any within cannot be left by what stands in it.
    fence = "`" * max(3, 1 + max((len(run) for run in _runs(short)), default=0))
    head = f"May I run `{approval.tool}`?"
    return f"{head}\n\n{fence}json\n{short}\n{fence}\n\nUntil {until}.{more}"


def _runs(text: str) -> list[str]:
    return "".join(char if char == "`" else " " for char in text).split()


def _pairing_text(request: PairingRequest) -> str:
    name, channel = _plain(request.name or "without a name"), request.sender.channel
    who = _plain(f"{channel}, {request.sender.id}")
    if not request.group:
        return f"Somebody wants to talk with me: **{name}** ({who}). Code: `{request.code}`"
    where = _plain(f"{channel}, {request.to.chat}")
    return (
        f"A group is to talk with me: **{name}** ({where}). Somebody in it asked for it: {who}. "
        f"Code: `{request.code}`"
    )


def _plain(text: str) -> str:
    """Return words of others so that they are no Markdown."""
    line = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_[]()<>~|#&!" else char for char in line)


def _word(kind: str, *, allow: bool) -> str:
    if kind == _TOOL:
        return "Allowed" if allow else "Denied"
    return "Let in" if allow else "Sent away"


def _buttons(id: str) -> InlineKeyboardMarkup:
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    tool = id.startswith(f"{_TOOL}:")
    yes, no = ("Allow", "Deny") if tool else ("Let in", "Send away")
    row = [
        InlineKeyboardButton(yes, callback_data=f"{id}:y"),
        InlineKeyboardButton(no, callback_data=f"{id}:n"),
    ]
    return InlineKeyboardMarkup([row])
