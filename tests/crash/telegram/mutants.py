"""The mutation gate of Telegram: the plugin, made worse on purpose, in the child only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve

from argent_hookspecs import DeliveryDelayed, Event, Receipt, Reply
from argent_telegram.bot import LiveBot
from argent_telegram.delivery import Deliveries
from argent_telegram.faults import Unsure
from argent_telegram.inbox import Inbox
from argent_telegram.ledger import Ledger
from tests.crash.failpoints import AFTER, BEFORE
from tests.crash.judge import DOUBLED, LOST, UNSAFE_DOUBLED
from tests.crash.mutants import Mutant, at, replace


def _confirm_what_is_not_stored() -> None:
    async def nothing_to_wait_for(self: Inbox, seconds: float) -> None:
        """Go on asking at once."""

    def newest(self: Inbox) -> int | None:
        return None if self._highest is None else self._highest + 1

    replace(Inbox, "offset", property(newest))
    replace(Inbox, "is_busy", property(lambda self: False))
    replace(Inbox, "settle", nothing_to_wait_for)


def _count_what_is_not_stored() -> None:
    def newest(self: Inbox, storing: Sequence[Any]) -> str:
        return f"{self.bot}:{self._highest}@{self._now():.0f}"

    replace(Inbox, "_cursor", newest)


def _take_every_update() -> None:
    read = LiveBot._read

    async def without_key(self: LiveBot, *given: Any) -> Event | None:
        event = await read(self, *given)
        return None if event is None else evolve(event, dedupe_key=None)

    replace(LiveBot, "_read", without_key)


def _send_again_when_unsure() -> None:
    deliver = Deliveries.deliver

    async def sure_of_nothing(self: Deliveries, reply: Reply) -> Receipt:
        try:
            return await deliver(self, reply)
        except Unsure as error:
            raise DeliveryDelayed(str(error)) from error

    replace(Deliveries, "deliver", sure_of_nothing)


def _forget_drafts() -> None:
    async def forget(self: Ledger, channel: str, turn: str, message: int) -> None:
        await self.database.write(lambda tx: None)

    replace(Ledger, "draft_sent", forget)


def _leave_drafts_alone() -> None:
    async def none(self: Deliveries, reply: Reply, message: Any) -> None:
        """Find no draft."""

    replace(Deliveries, "_into_draft", none)


MUTANTS = (
    Mutant(
        "confirmed before it is stored",
        _confirm_what_is_not_stored,
        (LOST,),
        at(BEFORE, "commit insert events"),
    ),
    Mutant(
        "cursor past what is not stored",
        _count_what_is_not_stored,
        (LOST,),
        at(AFTER, "commit insert events"),
    ),
    Mutant(
        "no key against a second time",
        _take_every_update,
        (DOUBLED, UNSAFE_DOUBLED),
        at(AFTER, "commit insert events"),
    ),
    Mutant("sent again when unsure", _send_again_when_unsure, (UNSAFE_DOUBLED,), ()),
    Mutant("drafts forgotten", _forget_drafts, (UNSAFE_DOUBLED,), ()),
    Mutant("drafts left standing", _leave_drafts_alone, (UNSAFE_DOUBLED,), ()),
)
