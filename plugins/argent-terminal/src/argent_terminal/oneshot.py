"""One message, one answer."""

from __future__ import annotations

import json
from typing import Any, TextIO

from argent_terminal.exchange import Exchange, Outcome, State
from argent_terminal.link import Link
from argent_terminal.screen import Screen
from argent_terminal.summary import stopped_text
from argent_terminal.talk import Talk
from argent_terminal.text import call_text

EXIT_CODES = {State.ANSWERED: 0, State.FAILED: 1, State.WAITING: 3, State.STOPPED: 130}


async def say_once(link: Link, screen: Screen, *, talk: Talk, text: str) -> int:
    """Say something, show the answer, and return the exit code."""
    exchange = Exchange(text)
    outcome = await talk.run(exchange)
    if outcome.state is not State.ANSWERED or outcome.reason:
        screen.note(_explanation(outcome, link.conversation))
    if exchange.failure:
        await talk.confirm(list(exchange.replies))
        await talk.settle(exchange)
    return EXIT_CODES[outcome.state]


async def say_once_in_json(link: Link, out: TextIO, *, talk: Talk, text: str) -> int:
    """Say something, write one JSON object with all that is known of the answer."""
    exchange = Exchange(text, held=True)
    outcome = await talk.run(exchange)
    found: dict[str, Any] = {
        "answer": _answer(exchange),
        "state": str(outcome.state),
        "reason": outcome.reason,
        "conversation": link.conversation,
        "turn": exchange.turn,
        "model": None,
        "tools": exchange.tools,
        "approval": _approval(outcome),
    }
    if outcome.state is State.ANSWERED and link.is_open:
        found["model"] = await _model(talk, exchange.turn)
    out.write(json.dumps(found) + "\n")
    out.flush()
    await talk.confirm(list(exchange.replies))
    await talk.settle(exchange)
    return EXIT_CODES[outcome.state]


async def _model(talk: Talk, turn: str | None) -> str | None:
    answer = await talk.request({"type": "trace"})
    trace = (answer["trace"] if answer else None) or {}
    if trace.get("turn") != turn:
        return None  # it was the agent itself that answered
    return (trace.get("route") or {}).get("model")


def _answer(exchange: Exchange) -> str | None:
    return None if exchange.failure or not exchange.replies else exchange.answer.strip()


def _approval(outcome: Outcome) -> dict[str, Any] | None:
    if outcome.approval is None:
        return None
    return {key: outcome.approval[key] for key in ("id", "tool", "arguments", "expires_at")}


def _explanation(outcome: Outcome, conversation: str) -> str:
    if outcome.state is State.STOPPED:
        return stopped_text(outcome.reason)
    if outcome.approval is None:
        words = {State.FAILED: "No answer", State.ANSWERED: "No words"}
        return f"{words[outcome.state]}: {outcome.reason or 'no reason was given'}"
    call = call_text(outcome.approval["tool"], outcome.approval["arguments"])
    identity = outcome.approval["id"]
    return (
        f"Your word is needed: allow {call}?\n"
        f"Answer with: argent approvals allow {identity} (or deny {identity})\n"
        f"Then read the answer with: argent chat -c {conversation}"
    )
