"""Replies on their way out: once each, and at Telegram's pace."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from attrs import define, evolve

from argent_hookspecs import (
    Address,
    DeliveryDelayed,
    DeliveryRefused,
    FileMissing,
    Files,
    Receipt,
    Reply,
)
from argent_telegram.drafts import Drafts
from argent_telegram.faults import (
    Blocked,
    Flooded,
    Moved,
    NotReached,
    Refused,
    Rivalled,
    TelegramFault,
    Unchanged,
    Unsure,
    WrongToken,
)
from argent_telegram.ledger import Ledger
from argent_telegram.outgoing import Message, Words, messages_of, written
from argent_telegram.pace import Pace
from argent_telegram.rich_text import RichText
from argent_telegram.wire import Api

T = TypeVar("T")

log = logging.getLogger("argent.plugin.telegram")

_PATIENCE = 5.0
"""Seconds that a delivery waits for its turn; for longer the kernel tries it again."""
_UNTIL_MENDED = 60.0
_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")


@define(eq=False, repr=False)
class Deliveries:
    """Sends the replies of one bot.

    Args:
        question_of: Returns the message that a turn answers, in groups.
    """

    channel: str
    api: Api
    pace: Pace
    files: Files
    ledger: Ledger
    drafts: Drafts
    question_of: Callable[[str], int | None]

    async def deliver(self, reply: Reply) -> Receipt:
        """Send a reply; see the contract's ``Delivery``.

        Raises:
            DeliveryDelayed: It was not sent, or what is tried again can do no harm.
            DeliveryRefused: It never will be.
            Unsure: It may have been sent.
        """
        await self.drafts.end(reply.turn)
        messages = messages_of(reply)
        done = await self.ledger.steps(reply.key) if len(messages) > 1 else {}
        for n, message in enumerate(messages):
            if n in done:
                continue
            done[n] = await self._step(reply, message, n=n)
            if len(messages) > 1:
                await self.ledger.step_done(reply.key, n, message=done[n])
        return Receipt(f"{reply.to.chat}/{done[0]}" if done else f"{reply.to.chat}/nothing")

    async def _step(self, reply: Reply, message: Message, *, n: int) -> int:
        if n == 0 and isinstance(message, Words):
            edited = await self._into_draft(reply, message)
            if edited is not None:
                return edited
        try:
            return await self._paced(reply.to, lambda: self._send(reply, message, first=n == 0))
        except Moved as error:
            moved = evolve(reply, to=evolve(reply.to, chat=str(error.chat)))
            return await self._paced(moved.to, lambda: self._send(moved, message, first=False))

    async def _into_draft(self, reply: Reply, message: Words) -> int | None:
        """Let the message that shows the draft say the answer; None if there is none."""
        if await self.ledger.draft(self.channel, reply.turn) is None:
            return None
        draft = await self.ledger.claim_draft(
            self.channel, reply.turn, key=reply.key, body=message.body.dump()
        )
        if draft is None or draft.message is None or draft.chat != reply.to.chat:
            return None
        found = draft.message

        async def edit() -> int | None:
            for plain in (False, True):
                try:
                    await self._edit(draft.chat, found, message, plain=plain)
                    return found
                except Unchanged:
                    return found
                except Refused as error:
                    if any(gone in str(error).lower() for gone in _GONE):
                        return None
            return None

        try:
            edited = await self._paced(reply.to, edit)
        except Unsure as error:
            # To say the same in the same message once more does no harm.
            raise DeliveryDelayed(str(error)) from error
        await self.ledger.draft_done(self.channel, reply.turn)
        return edited

    async def finish(self) -> None:
        """Write what an earlier life may not have written into the messages of its drafts.

        Whether it has is not known, so the kernel tells of such a reply as ``unknown`` and does not
        send it again; to say the same in the same message does no harm.
        """
        for turn, chat, found, body in await self.ledger.undone_drafts(self.channel):
            message = Words(body=RichText.load(body))
            try:
                await self.pace.turn(chat)
                await self._edit(chat, found, message, plain=False)
            except (Blocked, Refused) as error:
                log.info("a draft stays as it is: %s", error)
            except TelegramFault as error:
                log.info("a draft is not finished yet: %s", error)
                continue
            await self.ledger.draft_done(self.channel, turn)

    async def _edit(self, chat: str, found: int, message: Words, *, plain: bool) -> None:
        given = written(message.body, plain=plain)
        await self.api.call("edit_message_text", chat_id=int(chat), message_id=found, **given)

    async def _send(self, reply: Reply, message: Message, *, first: bool) -> int:
        """Send a message; without its formatting, should Telegram not take that."""
        given = _whereto(reply.to, self.question_of(reply.turn) if first else None)
        for plain in (False, True):
            try:
                method, what = await message.request(self.files, plain=plain)
                sent = await self.api.call(method, **given, **what)
                return int(sent.message_id)
            except FileMissing as error:
                raise DeliveryRefused(str(error)) from error
            except Refused as error:
                if plain or not _is_about_form(error):
                    raise
        raise AssertionError("a message is sent or refused")

    async def _paced(self, to: Address, send: Callable[[], Awaitable[T]]) -> T:
        """Send in one's turn, and say what went wrong in the contract's words."""
        wait = self.pace.wait(to.chat)
        if wait > _PATIENCE:
            raise DeliveryDelayed("the chat had its share of messages", retry_after=wait)
        await self.pace.turn(to.chat)
        try:
            sent = await send()
            self.pace.arrived(to.chat)
            return sent
        except Flooded as error:
            self.pace.shut(to.chat, error.seconds)
            raise DeliveryDelayed(str(error), retry_after=error.seconds) from error
        except (WrongToken, Rivalled) as error:
            raise DeliveryDelayed(str(error), retry_after=_UNTIL_MENDED) from error
        except NotReached as error:
            raise DeliveryDelayed(str(error)) from error
        except (Blocked, Refused) as error:
            raise DeliveryRefused(str(error)) from error


def _is_about_form(error: Refused) -> bool:
    """Say whether it may be the formatting, or the caption's, that Telegram does not take."""
    return "entit" in str(error).lower() or "parse" in str(error).lower()


def _whereto(to: Address, question: int | None) -> dict[str, Any]:
    from telegram import ReplyParameters

    given: dict[str, Any] = {"chat_id": int(to.chat)}
    if to.thread is not None:
        given["message_thread_id"] = int(to.thread)
    if question is not None:
        given["reply_parameters"] = ReplyParameters(question, allow_sending_without_reply=True)
    return given
