"""Turns that ended: what a plugin learns from, after the fact and at its own pace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import field, frozen

from argent_hookspecs.events import Event
from argent_hookspecs.trust import Trust

CUT = "(The answer was cut here: "
"""What the last line of an answer begins with that reached a limit before its end."""


@frozen(kw_only=True)
class FinishedTurn:
    """A turn that ended with an answer.

    Args:
        number: Grows in the order in which turns end; never given twice.
        id: The turn's, which is that of its first event.
        asked: The words that were asked, those said in between included, as filters let them pass.
        answered: The answer, likewise; ``CUT`` says that it is not whole.
        trust: Whose word the question is.
        private: Whether it is for models of this machine only.
        outside: Whether content from outside was told in it: a page, a document, a forward.
        at: When it began.
        event: The first event; None once it has left the journal.
        steering: What was said in between, message by message; ``asked`` ends with it.
        told: The plugin's own blocks of context that were told in it: why, by source.
        state: ``done``; ``cancelled`` if it was stopped, and the answer may be cut off; ``dead`` if
            it failed, and the answer is an apology. Such a turn may end once more, with an answer.
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
    steering: tuple[str, ...] = ()
    told: Mapping[str, str] = field(factory=dict)
    state: str = "done"


class Turns(Protocol):
    """The turns on record, as they ended.

    Nothing tells of a turn twice or forgets one: keep the number of the last that you dealt with,
    in the transaction that stores what came of it. An observer of ``TurnFinished`` says when to
    look.
    """

    async def after(self, number: int, limit: int = 100) -> Sequence[FinishedTurn]:
        """Return the first turns that ended after the one with this number; 0 for all."""
        ...
