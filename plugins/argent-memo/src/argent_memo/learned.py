"""Learned: what a turn leaves to be kept, before anything is looked up.

What people said is kept, and what the agent answered. What is no message leaves nothing by itself:
a page that a webhook brings, a reminder, a heartbeat; of those the agent keeps what will matter.
Neither does a turn of which the journal has forgotten who began it, or where. Of attachments their
names are kept, as they stand among the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from attrs import frozen

from argent_hookspecs import CUT, Event, FinishedTurn, MemoryKind, NewMemory, Text, Trust
from argent_memo.confidential import answers_with_secret, parted
from argent_memo.echoes import Echoes
from argent_memo.worth import adds_something, is_short_answer, says_something

AGENT = "Argent"
"""The speaker of what the agent said."""
_LONGEST = 2000
_MOST_ASKED = 16
_MOST_ANSWERED = 4
_IMPORTANCE = {Trust.OWNER: 0.5, Trust.PAIRED: 0.4, Trust.OUTSIDE: 0.3}
_OF_AN_ANSWER = 0.3
_LONGEST_NAME = 80
_ENDS = re.compile(r"\n\s*\n|[.!?。！？؟।]\s+|\n")


@frozen
class Said:
    """One of the two sides of a turn.

    Args:
        part: ``asked`` or ``answered``.
        before: What it answers; of what is asked, only the database knows.
    """

    part: str
    text: str
    speaker: str
    trust: Trust
    most: int
    before: str | None = None


def said(turn: FinishedTurn, *, echoes: Echoes) -> tuple[list[Said], int]:
    """Return what people said in a turn and what was answered, as far as it may be kept.

    Args:
        echoes: Takes the secrets that are left out, which no answer says again.

    Returns:
        The sides of it; and how many sentences of people were left out, for they tell secrets.
    """
    event = turn.event
    asked = "" if event is None else _asked(turn, event)
    if event is None or not asked:
        return [], 0
    harmless, held = parted(asked)
    answer, made = parted(turn.answered, before=asked)
    if not held and answers_with_secret(asked, before=echoes.answered(turn.conversation)):
        held = [asked]
    echoes.note(turn.conversation, [*held, *made], answered=turn.answered)
    found = list[Said]()
    trust = Trust.OUTSIDE if is_passed_on(event) else turn.trust
    if harmless:
        who = legible(event.sender_name or event.sender)
        found.append(Said("asked", harmless, who, trust, _MOST_ASKED))
    # An apology is none of the agent's words, and the turn may be tried again.
    told = turn.state != "dead" and adds_something(_whole(turn.answered), asked=asked)
    if told and (answer := echoes.without(_whole(answer), place=turn.conversation)):
        # An answer is a model's words: never the owner's, and no better than what it was told.
        worst = Trust.OUTSIDE if turn.outside or trust is Trust.OUTSIDE else Trust.PAIRED
        found.append(Said("answered", answer, AGENT, worst, _MOST_ANSWERED, before=asked))
    return found, len(held)


def memories(turn: FinishedTurn, one: Said, *, audience: str, before: str) -> list[NewMemory]:
    """Return what to keep of one side, in pieces; none, if it is not worth keeping.

    Args:
        before: What it answers.
    """
    if not says_something(one.text, before=before) or answers_with_secret(one.text, before=before):
        return []
    importance = _OF_AN_ANSWER if one.part == "answered" else _IMPORTANCE[one.trust]
    return [
        NewMemory(
            text=piece,
            kind=MemoryKind.EPISODIC,
            key=f"{turn.id}/{one.part}/{n}",
            speaker=one.speaker,
            said_at=_said_at(turn),
            source=turn.id,
            trust=one.trust,
            audience=audience,
            private=turn.private,
            importance=importance,
        )
        for n, piece in enumerate(pieces(one.text, most=one.most))
    ]


def _whole(answered: str) -> str:
    """Return an answer without what its cut tore, and without the kernel's word of that."""
    text, cut, _ = answered.rpartition(f"\n\n{CUT}")
    if not cut:
        return answered
    ends = [match.end() for match in _ENDS.finditer(f"{text} ")]
    return text[: ends[-1]] if ends else ""


def stands_alone(one: Said, *, before: str) -> bool:
    """Tell whether a text says the same wherever it is said, so that one of them is enough."""
    return not is_short_answer(one.text, before=before)


def replaced(event: Event | None) -> tuple[str, bool] | None:
    """Return a channel's name of a message, and whether it replaces what it said before."""
    name = None if event is None else event.data.get("message")
    if event is None or isinstance(name, bool) or not isinstance(name, int | str):
        return None
    return str(name), event.data.get("edited") is True


def pieces(text: str, *, most: int) -> Iterator[str]:
    """Cut a long text where a paragraph or a sentence ends, so that a piece is about one thing.

    Args:
        most: How many there are at most; what comes behind them is left out.
    """
    start = 0
    for _ in range(most):
        part = text[start : start + _LONGEST]
        if start + len(part) < len(text):
            ends = [match.end() for match in _ENDS.finditer(part)]
            if ends and ends[-1] > _LONGEST // 4:
                part = part[: ends[-1]]
        if not part:
            return
        start += len(part)
        if bare := part.strip():
            yield bare


def legible(name: str) -> str:
    """Return a name on one line, without what only computers read."""
    shown = "".join(c if c.isprintable() else " " for c in name.encode(errors="replace").decode())
    return " ".join(shown.split())[:_LONGEST_NAME]


def _asked(turn: FinishedTurn, event: Event) -> str:
    """Return what people said, without the marks that a model is told around what is passed on."""
    meanwhile = "\n".join(turn.steering)
    if event.kind != "message":
        return meanwhile
    words = [part.text for part in event.content if isinstance(part, Text)]
    if not is_passed_on(event) or any(part not in turn.asked for part in words):
        return turn.asked
    return "\n".join([*words, *turn.steering])


def _said_at(turn: FinishedTurn) -> datetime:
    """Return when it was said, which may be long before it was answered."""
    said = None if turn.event is None else turn.event.occurred_at
    return turn.at if said is None or said.tzinfo is None else min(said, turn.at)


def is_passed_on(event: Event) -> bool:
    """Tell whether somebody else's words are among those of an event, a forward perhaps."""
    return any(isinstance(part, Text) and part.source for part in event.content)
