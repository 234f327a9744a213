"""Ollama: https://docs.ollama.com/api/chat."""

from __future__ import annotations

from typing import Any

from argent_hookspecs import TextDelta
from argent_testing.wire.streams import in_pieces, json_lines


def said(content: str = "", **more: Any) -> dict[str, Any]:
    """Return a document of an answer."""
    message = {"role": "assistant", "content": content, **more}
    return {"model": "m", "created_at": "2026-11-20T00:00:00Z", "message": message, "done": False}


def done(reason: str = "stop", *, read: int = 11, written: int = 3, **more: Any) -> dict[str, Any]:
    """Return the last document of an answer."""
    counts = {"total_duration": 1, "prompt_eval_count": read, "eval_count": written}
    return {**said(**more), "done": True, "done_reason": reason, **counts}


def lines(*documents: Any) -> list[bytes]:
    """Return a stream of documents."""
    return json_lines(documents)


def answer(*words: str, prompt: int = 11) -> list[bytes]:
    """Return an answer of these words."""
    return lines(*(said(word) for word in words), done(read=prompt, written=len(words)))


def played(*parts: Any, prompt: int = 11) -> list[bytes]:
    """Return an answer of these ``TextDelta`` and ``ToolCall``, in pieces that cut letters."""
    told = []
    for part in parts:
        if isinstance(part, TextDelta):
            told.append(said(part.text))
        else:
            call = {"function": {"name": part.name, "arguments": dict(part.arguments)}}
            told.append(said(tool_calls=[call]))
    return in_pieces(lines(*told, done(read=prompt, written=len(parts))))
