"""Answers of the Responses API: https://platform.openai.com/docs/api-reference/responses-streaming."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from argent_hookspecs import FinishReason, ModelPart, Thinking, Usage
from argent_openai.answer import Answer, CallInTheMaking, count
from argent_openai.complaints import Complaint, complaint_in

_THOUGHTS = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
_ENDS = ("response.completed", "response.incomplete")


class ResponsesAnswer(Answer):
    """An answer out of the events of a response, or out of a whole one."""

    def __init__(self, provider: str, asked: int) -> None:
        super().__init__(provider, asked)
        self._calls: list[CallInTheMaking] = []
        self._usage: dict[str, Any] | None = None
        self._refused = False

    def take(self, document: Any) -> Sequence[ModelPart]:
        """Take the next event."""
        kind = document.get("type")
        if kind == "response.output_text.delta":
            self.weigh(document.get("logprobs") or ())
            return self.say(document["delta"]) if document["delta"] else ()
        if kind == "response.refusal.delta":
            self._refused = True
            return self.say(document["delta"])
        if kind in _THOUGHTS:
            self.thoughts.add(document["delta"], "")
            return self.thoughts.now()
        if kind == "response.output_item.done":
            return self._item(document["item"])
        if kind in _ENDS:
            self._finish(document["response"])
            return ()
        if document.get("object") == "response":
            return self._whole(document)
        if complaint := complaint_in(document.get("response")) or complaint_in(document):
            raise complaint
        return ()

    def calls(self) -> Iterable[CallInTheMaking]:
        """Return the tool calls, in order."""
        return self._calls

    def usage(self) -> Usage | None:
        """Return what was counted."""
        if self._usage is None:
            return None
        read, written = count(self._usage, "input_tokens"), count(self._usage, "output_tokens")
        details = self._usage.get("input_tokens_details") or {}
        cached, kept = count(details, "cached_tokens"), count(details, "cache_write_tokens")
        return Usage(
            input_tokens=max(0, read - cached - kept),
            output_tokens=written,
            cache_read_tokens=cached,
            cache_write_tokens=kept,
        )

    def _item(self, item: dict[str, Any]) -> Sequence[ModelPart]:
        if item["type"] == "function_call":
            call = CallInTheMaking(item.get("call_id") or "", item["name"])
            call.pieces.append(item.get("arguments") or "")
            self._calls.append(call)
        elif item["type"] == "reasoning":
            said = self.thoughts.end()
            record = {name: value for name, value in item.items() if name != "status"}
            return [*said, Thinking("", self.provider, orjson.dumps(record).decode())]
        return ()

    def _whole(self, response: dict[str, Any]) -> Sequence[ModelPart]:
        """Take a response that came all at once."""
        found: list[ModelPart] = []
        for item in response.get("output") or ():
            found += self._item(item)
            for part in item.get("content") or () if item["type"] == "message" else ():
                self._refused = self._refused or part["type"] == "refusal"
                found += self.say(part.get("text") or part.get("refusal") or "")
        self._finish(response)
        return found

    def _finish(self, response: dict[str, Any]) -> None:
        self._usage = response.get("usage") or None
        if response.get("status") in ("failed", "cancelled"):
            raise complaint_in(response) or Complaint("the server could not finish its answer")
        self.reason = FinishReason.REFUSAL if self._refused else FinishReason.STOP
        if response.get("status") == "incomplete":
            why = (response.get("incomplete_details") or {}).get("reason")
            filtered = why == "content_filter"
            self.reason = FinishReason.REFUSAL if filtered else FinishReason.LENGTH
