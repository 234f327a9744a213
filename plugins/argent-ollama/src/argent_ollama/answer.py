"""Answers of ``/api/chat``: https://docs.ollama.com/api/chat."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Mapping
from typing import Any

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
_PAUSE = 0.25
_CHARACTERS_A_TOKEN = 4


class Answer:
    """An answer in the making.

    Args:
        provider: Id of the provider.
        asked: Characters of the request, by which its tokens are estimated if none are counted;
            None for a model that may cost something, of which nothing is estimated.
    """

    def __init__(self, provider: str, asked: int | None) -> None:
        self._provider = provider
        self._asked = asked
        self._written = 0
        self._thoughts: list[str] = []
        self._told_at = 0.0
        self._called = False
        self._sure: list[float] = []
        self._last: Mapping[str, Any] | None = None

    def take(self, document: Mapping[str, Any]) -> list[ModelPart]:
        """Take the next document and return the parts that are whole.

        Raises:
            TypeError, AttributeError, KeyError, ValueError, RecursionError: It is not as agreed.
        """
        message = document.get("message") or {}
        parts = self._think(message.get("thinking") or "")
        if text := message.get("content"):
            parts += [*self._flush(), TextDelta(text)]
            self._written += len(text)
        for call in message.get("tool_calls") or ():
            parts += [*self._flush(), self._call(call)]
        for token in document.get("logprobs") or ():
            self._sure.append(min(1.0, math.exp(token["logprob"])))
        if document.get("done"):
            self._last = document
        return parts

    @property
    def is_done(self) -> bool:
        """Whether the last document has come."""
        return self._last is not None

    def end(self) -> list[ModelPart]:
        """Return the last parts. Raises ``ModelUnavailable`` if the answer is not whole."""
        if self._last is None:
            raise ModelUnavailable("Ollama: the answer was cut off on its way", may_cost=True)
        reason = FinishReason.STOP
        if self._last.get("done_reason") == "length":
            reason = FinishReason.LENGTH
        elif self._called:
            reason = FinishReason.TOOL_CALLS
        sure = sum(self._sure) / len(self._sure) if self._sure else None
        return [*self._flush(), Finish(reason=reason, usage=self._usage(), confidence=sure)]

    def _think(self, thought: str) -> list[ModelPart]:
        if not thought:
            return []
        self._thoughts.append(thought)
        self._written += len(thought)
        return self._flush() if time.monotonic() - self._told_at > _PAUSE else []

    def _flush(self) -> list[ModelPart]:
        if not self._thoughts:
            return []
        text = "".join(self._thoughts)
        self._thoughts, self._told_at = [], time.monotonic()
        return [Thinking(text, self._provider)]

    def _call(self, call: Mapping[str, Any]) -> ToolCall:
        function = call["function"]
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            arguments = _object(arguments)
        self._called = True
        self._written += len(str(arguments))
        if not isinstance(arguments, Mapping):
            arguments = {} if arguments is None else {NO_OBJECT: str(arguments)}
        id = call.get("id")
        given = id if isinstance(id, str) and id else f"call_{uuid.uuid4().hex}"
        return ToolCall(given, function["name"], arguments)

    def _usage(self) -> Usage:
        """Return what was counted; what was not is estimated, where it costs nothing."""
        assert self._last is not None
        read, written = _count(self._last, "prompt_eval_count"), _count(self._last, "eval_count")
        if self._asked is None:
            whole = read and (written or not self._written)
            return Usage(input_tokens=read, output_tokens=written) if whole else Usage()
        return Usage(
            input_tokens=read or math.ceil(self._asked / _CHARACTERS_A_TOKEN),
            output_tokens=written or math.ceil(self._written / _CHARACTERS_A_TOKEN),
        )


def _count(document: Mapping[str, Any], name: str) -> int:
    value = document.get(name)
    return value if type(value) is int and value > 0 else 0


def _object(written: str) -> Any:
    try:
        return json.loads(written or "{}")
    except (ValueError, RecursionError):
        return written
