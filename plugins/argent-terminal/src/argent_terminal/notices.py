"""What the kernel tells observers, passed on to the terminals that it concerns."""

from __future__ import annotations

from typing import Any

from argent_hookspecs import (
    Address,
    ApprovalAsked,
    BudgetReached,
    Draft,
    Notice,
    Progress,
    ReplyChanged,
    Services,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)
from argent_terminal.requests import approval_message
from argent_terminal.sessions import CHANNEL, SESSIONS, Json, conversation_of
from argent_terminal.text import in_one_line

NOTICES: tuple[type[Any], ...] = (
    TurnStarted,
    Draft,
    ToolStarted,
    ToolFinished,
    ApprovalAsked,
    TurnFinished,
    ReplyChanged,
    Progress,
    BudgetReached,
)
LONGEST_RESULT = 500
LONGEST_QUESTION = 60
_NEVER_DELIVERED = ("expired", "dead", "held")


async def forward(services: Services, notice: Notice) -> None:
    """Pass one notice on."""
    sessions = services.find(SESSIONS)
    if sessions is None:
        return
    if isinstance(notice, Progress):
        sessions.tell_progress(_progress_message(notice))
        return
    if isinstance(notice, BudgetReached):
        sessions.tell_all(_budget_message(notice))
        return
    if isinstance(notice, ReplyChanged) and notice.state in _NEVER_DELIVERED:
        sessions.forget(notice.key)
    place, message = _place(notice), _message(notice)
    if place is not None and message is not None:
        sessions.tell(place, message)


def _place(notice: Notice) -> str | None:
    to = _address(notice)
    if to is not None:
        return to.chat if to.channel == CHANNEL else None
    conversation: str = getattr(notice, "conversation", "")
    prefix = conversation_of("")
    return conversation.removeprefix(prefix) if conversation.startswith(prefix) else None


def _address(notice: Notice) -> Address | None:
    match notice:
        case TurnStarted():
            return notice.event.reply_to
        case Draft() | ApprovalAsked() | TurnFinished():
            return notice.to
    return None


def _message(notice: Notice) -> Json | None:
    match notice:
        case TurnStarted(turn=turn, event=event):
            return {
                "type": "turn",
                "turn": turn,
                "message": event.data.get("message"),
                "asked": in_one_line(event.text[:LONGEST_RESULT], LONGEST_QUESTION),
            }
        case Draft(turn=turn, text=text):
            return {"type": "draft", "turn": turn, "text": text}
        case ToolStarted(turn=turn, tool=tool, arguments=arguments):
            return {"type": "tool", "turn": turn, "tool": tool, "arguments": dict(arguments)}
        case ToolFinished():
            return _tool_finished_message(notice)
        case ApprovalAsked(approval=approval):
            return approval_message(approval)
        case TurnFinished(turn=turn, state=state, text=text, reason=reason):
            facts = {"turn": turn, "state": state, "text": text, "reason": reason}
            return {"type": "finished", **facts}
        case ReplyChanged(turn=turn, key=key, state=state, reason=reason):
            return {"type": "delivery", "turn": turn, "key": key, "state": state, "reason": reason}
    return None


def _tool_finished_message(notice: ToolFinished) -> Json:
    return {
        "type": "tool_finished",
        "turn": notice.turn,
        "tool": notice.tool,
        "text": notice.text[:LONGEST_RESULT],
        "is_error": notice.is_error,
    }


def _budget_message(notice: BudgetReached) -> Json:
    return {
        "type": "budget",
        "cap": notice.cap,
        "share": notice.share,
        "spent": notice.spent,
        "limit": notice.limit,
    }


def _progress_message(notice: Progress) -> Json:
    return {
        "type": "progress",
        "plugin": notice.plugin,
        "activity": notice.activity,
        "done": notice.done,
        "total": notice.total,
        "unit": notice.unit,
    }
