"""Observers: those who watch and are never waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from argent_hookspecs.events import Address, Event
from argent_hookspecs.people import PairingAsked


@frozen(kw_only=True)
class StateChanged:
    """The agent's state in a turn changed: ``idle processing waiting_tool responding``."""

    turn: str
    conversation: str
    old: str
    new: str


@frozen(kw_only=True)
class TurnStarted:
    """A turn began, went on after a restart, or took a further message in."""

    turn: str
    conversation: str
    event: Event


@frozen(kw_only=True)
class Draft:
    """The answer so far: the whole text of it, not only what is new.

    None is told while a filter looks at replies: it is to see the whole answer first.
    """

    turn: str
    conversation: str
    to: Address | None
    text: str


@frozen(kw_only=True)
class ToolStarted:
    """A tool is run."""

    turn: str
    conversation: str
    tool: str
    arguments: Mapping[str, Any]


@frozen(kw_only=True)
class ToolFinished:
    """A tool has run, or was not allowed to."""

    turn: str
    conversation: str
    tool: str
    text: str
    is_error: bool


@frozen(kw_only=True)
class Approval:
    """A tool call that waits for a person's word.

    Args:
        id: What to answer with.
        arguments: Exactly what would be run; the answer holds for nothing else.
        expires_at: Without an answer by then it counts as no.
        to: Where it is asked: where the turn's answer goes, or of an owner if the turn is of
            another; None if it is nowhere.
    """

    id: str
    turn: str
    conversation: str
    tool: str
    arguments: Mapping[str, Any]
    expires_at: datetime
    to: Address | None = None


@frozen(kw_only=True)
class ApprovalAsked:
    """A person's word is needed.

    Args:
        to: Where to ask, as the approval has it.
    """

    approval: Approval
    to: Address | None


@frozen(kw_only=True)
class TurnFinished:
    """A turn ended: ``done failed`` (tried again) ``dead cancelled waiting``.

    One that is ``done`` has a ``reason`` if it was a command that could not be carried out.
    """

    turn: str
    conversation: str
    to: Address | None
    state: str
    text: str = ""
    reason: str = ""


@frozen(kw_only=True)
class ReplyChanged:
    """A reply's state in the outbox changed: ``sent unknown expired dead held pending``."""

    turn: str
    conversation: str
    key: str
    state: str
    reason: str = ""


@frozen(kw_only=True)
class ModelEscalated:
    """An answer was no good, and a better model was asked.

    Args:
        old: Tier of the first answer.
        new: Tier of the second.
        reason: What was wrong with the first.
    """

    turn: str
    conversation: str
    old: str
    new: str
    reason: str


@frozen(kw_only=True)
class BudgetReached:
    """A part of the budget is used up.

    Args:
        cap: What is limited: ``today``, ``this month``, ``tier powerful``.
        share: The part: 0.5, 0.8, or 1 when a call no longer fitted.
        spent: Dollars that are spent.
        limit: Dollars that may be.
    """

    cap: str
    share: float
    spent: float
    limit: float


@frozen(kw_only=True)
class Progress:
    """Long work goes on.

    Args:
        plugin: Who works.
        activity: What it is, the same words for the same work: ``downloading SmolLM2``.
        done: How much is done, in units.
        total: How much there is, if known.
        unit: What is counted: ``B`` for bytes, otherwise a word.
    """

    plugin: str
    activity: str
    done: float = 0
    total: float | None = None
    unit: str = ""


Notice = (
    StateChanged
    | TurnStarted
    | Draft
    | ToolStarted
    | ToolFinished
    | ApprovalAsked
    | TurnFinished
    | ReplyChanged
    | ModelEscalated
    | BudgetReached
    | PairingAsked
    | Progress
)
"""What observers are told."""


@frozen(kw_only=True)
class Observer:
    """Something that wants to know what happens.

    Each observer has a mailbox of its own; when it is full the oldest notice is dropped, and
    nobody waits for it.

    Args:
        id: Unique within the plugin.
        notify: Called with one notice at a time, in order.
        kinds: The classes of notices that it wants; all, if empty.
        timeout: Seconds that one call may take.
        mailbox: Notices that wait at most.
    """

    id: str
    notify: Callable[[Notice], Awaitable[None]]
    kinds: tuple[type[Any], ...] = field(default=())
    timeout: float = 5.0
    mailbox: int = 1000
    order: int = 0
