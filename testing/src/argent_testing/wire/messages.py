"""Messages: https://platform.claude.com/docs/en/build-with-claude/streaming."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from argent_hookspecs import TextDelta
from argent_testing.wire.streams import in_pieces, sse

Event = dict[str, Any]


def message(
    *blocks: list[Event], stop: str | None = "end_turn", output: int = 9, **usage: int
) -> list[Event]:
    """Return the events of a message, out of those of its blocks."""
    start: Event = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 1, **usage},
    }
    events: list[Event] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(blocks):
        events += [{**event, "index": index} for event in block]
    delta = {"stop_reason": stop, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": output}})
    return [*events, {"type": "message_stop"}]


def text(*pieces: str) -> list[Event]:
    """Return the events of a block of words."""
    deltas = ({"type": "text_delta", "text": piece} for piece in pieces)
    return _block({"type": "text", "text": ""}, *deltas)


def tool_use(id: str, name: str, *pieces: str) -> list[Event]:
    """Return the events of a tool call, its arguments in pieces of JSON."""
    deltas = ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)
    return _block({"type": "tool_use", "id": id, "name": name, "input": {}}, *deltas)


def thinking(*pieces: str, signature: str) -> list[Event]:
    """Return the events of a block of thoughts."""
    deltas: list[Event] = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    deltas.append({"type": "signature_delta", "signature": signature})
    return _block({"type": "thinking", "thinking": "", "signature": ""}, *deltas)


def redacted(data: str) -> list[Event]:
    """Return the events of thoughts that are not told."""
    return _block({"type": "redacted_thinking", "data": data})


def events(told: Iterable[Event]) -> list[bytes]:
    """Return the events as they stand in a stream."""
    return sse(told, named=True)


def answer(*words: str, prompt: int = 11) -> list[bytes]:
    """Return an answer of these words."""
    return events(message(text(*words), output=len(words), input_tokens=prompt))


def played(*parts: Any, prompt: int = 11) -> list[bytes]:
    """Return an answer of these ``TextDelta`` and ``ToolCall``, in pieces that cut letters."""
    blocks, words = [], [part.text for part in parts if isinstance(part, TextDelta)]
    if words:
        blocks.append(text(*words))
    called = [part for part in parts if not isinstance(part, TextDelta)]
    for number, part in enumerate(called):
        written = json.dumps(dict(part.arguments))
        blocks.append(tool_use(f"toolu_{number}", part.name, written[:4], written[4:]))
    stop = "tool_use" if called else "end_turn"
    told = message(*blocks, stop=stop, output=len(parts), input_tokens=prompt)
    return in_pieces(events(told))


def _block(start: Event, *deltas: Event) -> list[Event]:
    return [
        {"type": "content_block_start", "content_block": start},
        *({"type": "content_block_delta", "delta": delta} for delta in deltas),
        {"type": "content_block_stop"},
    ]
