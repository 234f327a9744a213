"""Answers, out of the chunks that LiteLLM makes of every provider's stream."""

from __future__ import annotations

import json
import math
import time
import uuid
from typing import Any

from attrs import define

from argent_hookspecs import (
    Finish,
    FinishReason,
    ModelPart,
    ModelUnavailable,
    TextDelta,
    Thinking,
    ToolCall,
    Usage,
)

NO_OBJECT = "(not a JSON object)"
"""Where the arguments of a call are that are none. No tool takes this, so the model is told."""
_REASONS = {
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.REFUSAL,
}
_PAUSE = 0.25
_CHARACTERS_A_TOKEN = 4


@define
class _Call:
    """A tool call whose arguments come in pieces."""

    id: str = ""
    name: str = ""
    written: str = ""

    def finished(self) -> ToolCall:
        found = self.arguments
        arguments = {NO_OBJECT: self.written} if found is None else found
        return ToolCall(self.id or f"call_{uuid.uuid4().hex}", self.name, arguments)

    @property
    def arguments(self) -> dict[str, Any] | None:
        """The arguments, or None if they are no JSON object."""
        try:
            found = json.loads(self.written.strip() or "{}")
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


class Answer:
    """An answer in the making.

    Args:
        provider: Id of the provider.
        asked: Characters of the request, by which its tokens are estimated if none are counted.
    """

    def __init__(self, provider: str, asked: int) -> None:
        self._provider = provider
        self._asked = asked
        self._written = 0
        self._calls: dict[int, _Call] = {}
        self._thoughts = ""
        self._blocks: list[dict[str, Any]] = []
        self._told_at = 0.0
        self._reason: FinishReason | None = None
        self._usage: Any = None

    def take(self, chunk: Any) -> list[ModelPart]:
        """Take the next chunk and return the parts that are whole."""
        self._usage = getattr(chunk, "usage", None) or self._usage
        if not chunk.choices:
            return []
        choice = chunk.choices[0]
        parts = self._think(choice.delta)
        if text := choice.delta.content:
            self._written += len(text)
            parts += [*self._flush(), TextDelta(text)]
        for piece in choice.delta.tool_calls or ():
            call = self._calls.setdefault(piece.index, _Call())
            call.id = call.id or piece.id or ""
            call.name = call.name or piece.function.name or ""
            call.written += piece.function.arguments or ""
        if choice.finish_reason:
            self._reason = _REASONS.get(choice.finish_reason, FinishReason.STOP)
        return parts

    def end(self) -> list[ModelPart]:
        """Return the last parts. Raises ``ModelUnavailable`` if the answer is not whole."""
        if self._reason is None:
            raise ModelUnavailable("LiteLLM: the answer was cut off on its way", may_cost=True)
        calls = [call for call in self._calls.values() if call.name]
        if self._reason is FinishReason.LENGTH:
            calls = [call for call in calls if call.arguments is not None]
        elif calls and self._reason is FinishReason.STOP:
            self._reason = FinishReason.TOOL_CALLS
        self._written += sum(len(call.written) for call in calls)
        record = [Thinking("", self._provider, json.dumps(self._blocks))] if self._blocks else []
        finish = Finish(reason=self._reason, usage=self._counted())
        return [*self._flush(), *record, *(call.finished() for call in calls), finish]

    def _think(self, delta: Any) -> list[ModelPart]:
        for block in getattr(delta, "thinking_blocks", None) or ():
            self._keep(dict(block))
        thought = getattr(delta, "reasoning_content", None)
        if not thought:
            return []
        self._written += len(thought)
        self._thoughts += thought
        return self._flush() if time.monotonic() - self._told_at > _PAUSE else []

    def _keep(self, piece: dict[str, Any]) -> None:
        """Put the pieces of a signed thought together, which its provider wants to see again."""
        last = self._blocks[-1] if self._blocks else None
        if last is None or last.get("type") != piece.get("type") or last.get("signature"):
            self._blocks.append(piece)
            return
        last["thinking"] = (last.get("thinking") or "") + (piece.get("thinking") or "")
        if piece.get("signature"):
            last["signature"] = piece["signature"]

    def _flush(self) -> list[ModelPart]:
        if not self._thoughts:
            return []
        text, self._thoughts, self._told_at = self._thoughts, "", time.monotonic()
        return [Thinking(text, self._provider)]

    def _counted(self) -> Usage:
        """Return what was counted, or an estimate: nothing is for nothing."""
        read, written = (
            _count(self._usage, "prompt_tokens"),
            _count(self._usage, "completion_tokens"),
        )
        if not read and not written:
            return Usage(
                input_tokens=math.ceil(self._asked / _CHARACTERS_A_TOKEN),
                output_tokens=max(1, math.ceil(self._written / _CHARACTERS_A_TOKEN)),
            )
        details = getattr(self._usage, "prompt_tokens_details", None)
        kept = _count(details, "cached_tokens")
        put = _count(self._usage, "cache_creation_input_tokens")
        return Usage(
            input_tokens=max(0, read - kept - put),
            output_tokens=written,
            cache_read_tokens=kept,
            cache_write_tokens=put,
        )


def _count(figures: Any, name: str) -> int:
    value = getattr(figures, name, None)
    return value if type(value) is int and value > 0 else 0
