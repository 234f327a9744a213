"""One bot at work: it listens, it delivers, and shows what the agent does meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from argent_hookspecs import (
    ApprovalAsked,
    Draft,
    Event,
    EventPart,
    Feed,
    Notice,
    PairingAsked,
    PluginContext,
    Sender,
    Trust,
    TurnFinished,
    TurnStarted,
)
from argent_telegram.attachments import attachments, fetched
from argent_telegram.delivery import Deliveries
from argent_telegram.drafts import Drafts
from argent_telegram.faults import Flooded, NotReached, Rivalled, Unsure, WrongToken
from argent_telegram.inbox import Inbox
from argent_telegram.incoming import Me, event_of, is_addressed, is_for_the_agent, sender_of
from argent_telegram.ledger import Ledger
from argent_telegram.menu import show_menu
from argent_telegram.pace import Pace, is_group
from argent_telegram.polling import poll
from argent_telegram.presence import Presence
from argent_telegram.questions import Questions
from argent_telegram.settings import BotPlace
from argent_telegram.webhook import be_called
from argent_telegram.wire import Api

if TYPE_CHECKING:
    from telegram import Message, Update

log = logging.getLogger("argent.plugin.telegram")

_MOST_TURNS = 1000
_LONGEST_WAIT = 30.0
_LAST_MOMENT = 2.0


@define(eq=False, repr=False)
class LiveBot:
    """A bot whose token is known.

    Args:
        me: Who the bot is, once Telegram has said it.
        trouble: Why Telegram cannot be reached, while it cannot.
    """

    ctx: PluginContext
    place: BotPlace
    api: Api
    ledger: Ledger
    me: Me | None = None
    trouble: str = ""
    drafts: Drafts = field(init=False)
    presence: Presence = field(init=False)
    questions: Questions = field(init=False)
    deliveries: Deliveries = field(init=False)
    _notices: asyncio.Queue[Notice] = field(factory=asyncio.Queue)
    _asked_in: dict[str, int] = field(factory=dict)
    _known: dict[str, Trust] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        pace, channel = Pace(), self.place.id
        self.drafts = Drafts(channel, self.api, pace, self.ledger)
        self.presence = Presence(self.api)
        self.questions = Questions(channel, self.api, self.ctx.agent, self.ledger)
        self.deliveries = Deliveries(
            channel=channel,
            api=self.api,
            pace=pace,
            files=self.ctx.files,
            ledger=self.ledger,
            drafts=self.drafts,
            question_of=self._asked_in.get,
        )

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Show what the agent does, while the block runs."""
        showing = asyncio.create_task(self._show_notices(), name=f"{self.place.id} notices")
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.wait({showing}, timeout=_LAST_MOMENT)
            await self.presence.close()
            await self.questions.close()
            await self.drafts.close()

    def hear(self, notice: Notice) -> None:
        """Take what the kernel tells."""
        match notice:
            case Draft() if self.place.settings.drafts:
                self.drafts.show(notice)
            case TurnStarted() | TurnFinished() | ApprovalAsked() | PairingAsked():
                self._notices.put_nowait(notice)

    async def listen(self, feed: Feed) -> None:
        """Put what is said to the bot into the feed, until cancelled."""
        try:
            await self._listen(feed)
        except (Rivalled, WrongToken) as error:
            self.trouble = str(error)
            raise

    async def _listen(self, feed: Feed) -> None:
        me = self.me = await self._introduced()
        webhook = self.place.settings.webhook
        if not webhook.url:
            await self._take_over()
        await show_menu(self.api)
        await self.deliveries.finish()
        await self.questions.ask_again()

        async def read(updates: Sequence[Update]) -> Event | None:
            return await self._read(updates, me)

        async def press(update: Update) -> None:
            assert update.callback_query is not None
            await self.questions.press(update.callback_query)

        async def stored(updates: Sequence[Update]) -> None:
            await self.ledger.pieces_stored(self.place.id, [one.update_id for one in updates])

        inbox = Inbox(
            feed, self.ctx.clock, me.id, read, press, counting=not webhook.url, stored=stored
        )
        async with inbox:
            if webhook.url:
                await self.ledger.webhook_set(self.place.id, webhook.url)
                await be_called(self.api, inbox, place=self.place, ledger=self.ledger)
            else:
                await poll(self.api, inbox, trouble=self._note_trouble)

    async def _introduced(self) -> Me:
        """Ask Telegram who the bot is, until it says so. Raises ``WrongToken``."""
        failures = 0
        while True:
            try:
                user = await self.api.call("get_me")
            except (Flooded, NotReached, Unsure) as error:
                failures += 1
                self.trouble = str(error)
                if failures == 1:
                    log.warning("%s", error)
                await asyncio.sleep(min(_LONGEST_WAIT, 0.25 * 2**failures))
            else:
                self.trouble = ""
                return Me(user.id, user.username)

    async def _take_over(self) -> None:
        """Take back a webhook that was set from here; another's is left alone.

        Raises:
            Rivalled: Another's is set.
        """
        set_here = await self.ledger.webhook(self.place.id)
        found = (await self.api.call("get_webhook_info")).url
        if found and found != set_here:
            raise Rivalled(
                "a webhook is set for this bot by something else; "
                "if Argent is to have the bot, run: argent init telegram"
            )
        if found:
            await self.api.call("delete_webhook")

    async def _read(self, updates: Sequence[Update], me: Me) -> Event | None:
        """Make an event of updates, with the files that belong to it."""
        said = [update.message or update.edited_message for update in updates]
        messages = [message for message in said if message and is_for_the_agent(message)]
        edited = updates[0].edited_message is not None
        if not messages or (edited and messages[0].location):
            return None  # a live location says every few seconds where somebody is
        messages.sort(key=lambda message: message.message_id)
        wanted = [one for message in messages for one in attachments(message)]
        files: list[EventPart] = []
        if wanted and await self._may_send_files(messages, me):
            files = [await fetched(self.api, one, files=self.ctx.files) for one in wanted]
        event = event_of(messages, files, me=me, channel=self.place.id, edited=edited)
        first = min(update.update_id for update in updates)
        return evolve(event, dedupe_key=f"tg:{me.id}:{first}")

    async def _may_send_files(self, messages: Sequence[Message], me: Me) -> bool:
        """Say whether files are to be fetched: of a stranger, and of talk in a group, none are."""
        sender = Sender(self.place.id, sender_of(messages[0])[0])
        addressed = any(is_addressed(message, me) for message in messages)
        return addressed and await self.ctx.agent.trust(sender) is not Trust.OUTSIDE

    def _note_trouble(self, words: str) -> None:
        self.trouble = words

    async def _show_notices(self) -> None:
        while True:
            await self._show(await self._notices.get())

    async def _show(self, notice: Notice) -> None:
        match notice:
            case TurnStarted(turn=turn, event=event) if event.reply_to:
                self.presence.begin(turn, event.reply_to)
                await self.questions.settle(turn)
                await self._remember(turn, event)
            case TurnFinished(turn=turn):
                self.presence.end(turn)
                await self.drafts.turn_ended(notice)
                await self.questions.settle(turn)
            case ApprovalAsked():
                await self.questions.ask_approval(notice)
            case PairingAsked():
                await self.questions.ask_pairing(notice)

    async def _remember(self, turn: str, event: Event) -> None:
        """Remember which message is answered in a group, and where an owner is alone with it."""
        assert event.reply_to is not None
        chat, message = event.reply_to.chat, event.data.get("message")
        if is_group(chat):
            if isinstance(message, int):
                self._asked_in[turn] = message
            while len(self._asked_in) > _MOST_TURNS:
                del self._asked_in[next(iter(self._asked_in))]
        elif event.kind == "message" and self._known.get(chat) != event.trust:
            self._known[chat] = event.trust
            if event.trust is Trust.OWNER:
                await self.ledger.owner_seen(self.place.id, chat)
            else:
                await self.ledger.no_owner(self.place.id, chat)
