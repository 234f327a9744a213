"""The judge of Telegram: compares the kernel's outbox with what stands in the chats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.crash.judge import LOST, STUCK, UNSAFE_DOUBLED, Finding, Verdict
from tests.crash.report import ReplyFate, Report
from tests.crash.telegram.world import PLACES, TelegramWorld
from tests.crash.world import Sent, answered

Message = dict[str, Any]

_OVER = ("sent", "unknown")


def judge_telegram(world: TelegramWorld, report: Report | None) -> Verdict:
    """Judge a home after its quiet life; without a report that life did not come to its end."""
    ledger = world.ledger
    found = [Finding(figure, words) for figure, words in ledger.broken]
    if report is None:
        words = "the quiet life did not come to its end"
        return Verdict((*found, Finding(STUCK, words)), len(ledger.told_unknown), 0)
    replies = _replies(report)
    standing = _standing(world)
    for sent in ledger.messages.values():
        found += _judge_message(sent, replies[sent.name])
    for reply in report.replies:
        if names := answered(reply.text):
            place = PLACES[ledger.messages[names[0]].chat]
            found += _judge_reply(reply, standing[place.chat, place.thread, names[0]])
    beside = 0
    for (*_, name), messages in standing.items():
        strangers = _beside(replies[name], messages)
        known = [one for one in strangers if _was_known(world, one)]
        beside += len(strangers) - len(known)
        for one in known:
            words = f"{name} has an answer, and beside it message {one['message_id']} says"
            found.append(Finding(UNSAFE_DOUBLED, f"{words} {one['text']!r}; its number was known"))
    return Verdict(
        findings=tuple(found),
        unknown=len(report.unknown) + len(ledger.told_unknown),
        dead=len(report.dead),
        beside=beside,
    )


def _replies(report: Report) -> dict[str, list[ReplyFate]]:
    """Return the replies that each message has, by its name."""
    turns = defaultdict(list)
    for text, turn in report.dead.items():
        turns[turn].append(text.split()[-1])
    found = defaultdict(list)
    for reply in report.replies:
        for name in answered(reply.text) or turns[reply.turn]:
            found[name].append(reply)
    return found


def _standing(world: TelegramWorld) -> dict[tuple[int, int | None, str], list[Message]]:
    """Return the answers in the chats and topics, by the message that each answers first."""
    found: dict[tuple[int, int | None, str], list[Message]] = defaultdict(list)
    for message in world.standing():
        if names := answered(message.get("text", "")):
            where = message["chat"]["id"], message.get("message_thread_id")
            found[*where, names[0]].append(message)
    return found


def _judge_message(sent: Sent, replies: list[ReplyFate]) -> Iterator[Finding]:
    who = f"{sent.name} (of {sent.chat}, n={sent.n})"
    told = ", ".join(f"{reply.key} {reply.state}" for reply in replies)
    if not replies:
        yield Finding(LOST, f"{who} has neither an answer nor one shown as unknown")
    elif len(replies) > 1:
        yield Finding(UNSAFE_DOUBLED, f"{who} has {len(replies)} replies: {told}")
    elif replies[0].state not in _OVER:
        yield Finding(LOST, f"{who} has a reply that did not leave: {told}")


def _judge_reply(reply: ReplyFate, messages: list[Message]) -> Iterator[Finding]:
    whole = [message for message in messages if _same(message["text"], reply.text)]
    if reply.state == "sent" and not whole:
        yield Finding(LOST, f"reply {reply.key} is said to be sent, but does not stand in its chat")
    if len(whole) > 1:
        numbers = ", ".join(str(message["message_id"]) for message in whole)
        words = f"reply {reply.key} stands {len(whole)} times in its chat, as messages {numbers}"
        yield Finding(UNSAFE_DOUBLED, words)


def _beside(replies: list[ReplyFate], messages: list[Message]) -> list[Message]:
    """Return the drafts that stand beside the answer, or beside the newest where none is."""
    drafts = [m for m in messages if not any(_same(m["text"], reply.text) for reply in replies)]
    return drafts if len(drafts) < len(messages) else drafts[:-1]


def _was_known(world: TelegramWorld, message: Message) -> bool:
    standing = world.known.get((message["chat"]["id"], message["message_id"]))
    return standing is not None and standing.was_known


def _same(shown: str, text: str) -> bool:
    """Tell whether two texts are the same but for how their lines are broken."""
    return shown.split() == text.split()
