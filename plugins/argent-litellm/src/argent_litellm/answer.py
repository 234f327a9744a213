"""Answers, out of the chunks that LiteLLM makes of every provider's stream."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from attrs import define, field

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
_SIGNED_ID = "__thought__"


@define
class _Call:
    """A tool call whose arguments come in pieces."""

    id: str = ""
    name: str = ""
    written: str = ""
    signed: dict[str, Any] = field(factory=dict)

    def add(self, piece: Any) -> None:
        id, _, signature = (piece.id or "").partition(_SIGNED_ID)
        if signature:
            self.signed["provider_specific_fields"] = {"thought_signature": signature}
        for name in ("provider_specific_fields", "extra_content"):
            if isinstance(found := getattr(piece, name, None), dict):
                self.signed[name] = found
        self.id = self.id or id
        self.name = self.name or piece.function.name or ""
        self.written += piece.function.arguments or ""

    def is_before(self, piece: Any) -> bool:
        """Say whether a piece begins another call, though it has the same place."""
        id, _, _ = (piece.id or "").partition(_SIGNED_ID)
        if id and self.id and id != self.id:
            return True
        named = bool(piece.function.name and self.name)
        return named and bool(self.written.strip()) and self.arguments is not None

    def finished(self, model: str) -> ToolCall:
        found = self.arguments
        return ToolCall(
            self.id or f"call_{uuid.uuid4().hex}",
            self.name,
            {NO_OBJECT: self.written} if found is None else found,
            replay=json.dumps({"model": model, **self.signed}) if self.signed else "",
        )

    @property
    def arguments(self) -> dict[str, Any] | None:
        """The arguments, or None if they are no JSON object."""
        try:
            found = json.loads(self.written.strip() or "{}")
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


class Answer:
    """An answer in the making.

    Args:
        provider: Id of the provider.
        model: LiteLLM's name of the model.
    """

    def __init__(self, provider: str, model: str) -> None:
        self._provider = provider
        self._model = model
        self._calls: list[_Call] = []
        self._places: dict[int, _Call] = {}
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
            parts += [*self._flush(), TextDelta(text)]
        for piece in choice.delta.tool_calls or ():
            call = self._places.get(piece.index)
            if call is None or call.is_before(piece):
                call = self._places[piece.index] = _Call()
                self._calls.append(call)
            call.add(piece)
        if choice.finish_reason:
            self._reason = _REASONS.get(choice.finish_reason, FinishReason.STOP)
        return parts

    def end(self) -> list[ModelPart]:
        """Return the last parts. Raises ``ModelUnavailable`` if the answer is not whole."""
        if self._reason is None:
            raise ModelUnavailable("LiteLLM: the answer was cut off on its way", may_cost=True)
        calls = [call for call in self._calls if call.name]
        if self._reason is FinishReason.LENGTH:
            calls = [call for call in calls if call.arguments is not None]
        elif calls and self._reason is FinishReason.STOP:
            self._reason = FinishReason.TOOL_CALLS
        record = [Thinking("", self._provider, json.dumps(self._blocks))] if self._blocks else []
        finish = Finish(reason=self._reason, usage=self._counted())
        told = (call.finished(self._model) for call in calls)
        return [*self._flush(), *record, *told, finish]

    def _think(self, delta: Any) -> list[ModelPart]:
        for block in getattr(delta, "thinking_blocks", None) or ():
            self._keep(dict(block))
        thought = getattr(delta, "reasoning_content", None)
        if not thought:
            return []
        self._thoughts += thought
        return self._flush() if time.monotonic() - self._told_at > _PAUSE else []

    def _keep(self, piece: dict[str, Any]) -> None:
        """Put the pieces of a signed thought together, which its provider wants to see again.

        One that it told in a form which only itself can read comes whole.
        """
        last = self._blocks[-1] if self._blocks else {}
        kinds = {last.get("type"), piece.get("type")}
        if kinds != {"thinking"} or last.get("signature"):
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
        """Return what was counted; nothing where it was not, since that is no count."""
        read, written = (
            _count(self._usage, "prompt_tokens"),
            _count(self._usage, "completion_tokens"),
        )
        if not read and not written:
            return Usage()
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
