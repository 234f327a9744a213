"""A conversation as an API is told it: what is the same in both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from argent_hookspecs import (
    ContextBlock,
    Image,
    Message,
    MessagePart,
    ModelRequest,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from argent_openai.habits import Habits

NO_PICTURE = "(A picture, which this model cannot see.)"
NO_RESULT = "(There is no result of this call.)"

_USER = Role.USER


class Form(Protocol):
    """How an API writes what a conversation is made of."""

    @property
    def text_type(self) -> str:
        """Type of the part that holds words of the user."""
        ...

    def image(self, image: Image) -> dict[str, Any]:
        """Write a picture of the user."""
        ...

    def result(self, call: str, text: str) -> dict[str, Any]:
        """Write the result of a call, by its id."""
        ...

    def said(self, message: Message) -> Iterable[dict[str, Any]]:
        """Write what the model thought, said and called."""
        ...


def conversation(request: ModelRequest, form: Form, *, habits: Habits) -> list[dict[str, Any]]:
    """Write a conversation; each call is followed by its result."""
    told: list[dict[str, Any]] = []
    if system := _system_text(request.system):
        told.append({"role": "system", "content": system})
    waiting: list[str] = []
    for message in request.messages:
        parts = message.parts
        if message.role is not _USER:
            told += _without_result(waiting, form)
            told += form.said(message)
            waiting = [part.id for part in parts if isinstance(part, ToolCall)]
        elif len(parts) == 1 and type(parts[0]) is Text and not waiting:
            # Most of a long conversation is of this kind.
            told.append({"role": "user", "content": parts[0].text})
        else:
            told += _from_user(parts, waiting, form, images=habits.images)
            waiting = []
    return [*told, *_without_result(waiting, form)]


def output_limit(request: ModelRequest, habits: Habits) -> int:
    """Return how many tokens may be written."""
    return min(request.max_output_tokens, habits.largest or request.max_output_tokens)


def _from_user(
    parts: Sequence[MessagePart], waiting: Sequence[str], form: Form, *, images: bool
) -> Iterable[dict[str, Any]]:
    """Tell the results first, in messages of their own, each after the call that it belongs to."""
    results = {part.call_id: part for part in parts if isinstance(part, ToolResult)}
    for call in waiting:
        text = _result_text(results.pop(call)) if call in results else NO_RESULT
        yield form.result(call, text)
    kind = form.text_type
    words: list[dict[str, Any]] = [
        {"type": kind, "text": f"Result of {stray.name}: {_result_text(stray)}"}
        for stray in results.values()
    ]
    for part in parts:
        if isinstance(part, Text):
            words.append({"type": kind, "text": part.text})
        elif isinstance(part, Image):
            words.append(form.image(part) if images else {"type": kind, "text": NO_PICTURE})
    if len(words) == 1 and words[0]["type"] == kind:
        yield {"role": "user", "content": words[0]["text"]}
    elif words or not waiting:
        yield {"role": "user", "content": words or ""}


def _without_result(waiting: Iterable[str], form: Form) -> list[dict[str, Any]]:
    return [form.result(call, NO_RESULT) for call in waiting]


def _system_text(blocks: tuple[ContextBlock, ...]) -> str:
    """Join the blocks of the system message, which stay the same from turn to turn."""
    return "\n\n".join(block.text for block in blocks if block.text)


def _result_text(result: ToolResult) -> str:
    """Return a tool's result; neither API has a mark for those that failed."""
    return f"{result.name} failed: {result.text}" if result.is_error else result.text
