"""Turns that ended: what a plugin learns from, after the fact and at its own pace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from argent_hookspecs.events import Event
from argent_hookspecs.trust import Trust


@frozen(kw_only=True)
class FinishedTurn:
    """A turn that ended with an answer.

    Args:
        number: Grows in the order in which turns end; never given twice.
        id: The turn's, which is that of its first event.
        asked: The words that were asked, those said in between included, as filters let them pass.
        answered: The answer, likewise.
        trust: Whose word the question is.
        private: Whether it is for models of this machine only.
        outside: Whether content from outside was told in it: a page, a document, a forward.
        at: When it began.
        event: The first event; None once it has left the journal.
    """

    number: int
    id: str
    conversation: str
    asked: str
    answered: str
    trust: Trust
    private: bool
    outside: bool
    at: datetime
    event: Event | None


class Turns(Protocol):
    """The turns on record, as they ended.

    Nothing tells of a turn twice or forgets one: keep the number of the last that you dealt with,
    in the transaction that stores what came of it. An observer of ``TurnFinished`` says when to
    look.
    """

    async def after(self, number: int, limit: int = 100) -> Sequence[FinishedTurn]:
        """Return the first turns that ended after the one with this number; 0 for all."""
        ...
