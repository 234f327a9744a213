"""Chat Completions: https://platform.openai.com/docs/api-reference/chat/streaming."""

from __future__ import annotations

import json
from typing import Any

from argent_hookspecs import TextDelta
from argent_testing.wire.streams import in_pieces, sse

DONE = b"data: [DONE]\n\n"
"""What a stream ends with."""


def chunk(*, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """Return a chunk of an answer."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    made = {"id": "c1", "object": "chat.completion.chunk", "created": 1790000000, "model": "m"}
    return {**made, "choices": [choice]}


def usage(prompt: int = 11, completion: int = 3, **more: Any) -> dict[str, Any]:
    """Return the chunk that counts."""
    counted = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    return {**chunk(), "choices": [], "usage": counted | more}


def call(
    index: int | None, arguments: str, *, id: str | None = None, name: str | None = None
) -> dict[str, Any]:
    """Return a piece of a tool call."""
    piece: dict[str, Any] = {"function": {"arguments": arguments}}
    piece |= {"index": index} if index is not None else {}
    piece |= {"id": id, "type": "function"} if id is not None else {}
    if name is not None:
        piece["function"]["name"] = name
    return piece


def events(*chunks: Any, end: bytes = DONE) -> list[bytes]:
    """Return a stream of chunks."""
    return sse(chunks, end=end)


def answer(*words: str, prompt: int = 11) -> list[bytes]:
    """Return an answer of these words."""
    told = [chunk(content=word) for word in words]
    start, end = chunk(role="assistant", content=""), chunk(finish="stop")
    return events(start, *told, end, usage(prompt, len(words)))


def played(*parts: Any, prompt: int = 11) -> list[bytes]:
    """Return an answer of these ``TextDelta`` and ``ToolCall``, in pieces that cut letters."""
    told, count = [chunk(role="assistant", content="")], 0
    for part in parts:
        if isinstance(part, TextDelta):
            told.append(chunk(content=part.text))
            continue
        made = call(count, "", id=f"call_{count}", name=part.name)
        told.append(chunk(tool_calls=[made]))
        halves = in_pieces([json.dumps(dict(part.arguments)).encode()], 5)
        told += [chunk(tool_calls=[call(count, half.decode())]) for half in halves]
        count += 1
    told.append(chunk(finish="tool_calls" if count else "stop"))
    return in_pieces(events(*told, usage(prompt, len(parts))))
