"""Answers of the Responses API: https://platform.openai.com/docs/api-reference/responses-streaming."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from argent_hookspecs import FinishReason, ModelPart, Thinking, Usage
from argent_openai.answer import Answer, CallInTheMaking, count
from argent_openai.complaints import Complaint, complaint_in

_THOUGHTS = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
_ENDS = ("response.completed", "response.incomplete")


class ResponsesReader:
    """Reads the events of a response, or a whole one.

    Args:
        answer: What becomes of them.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def take(self, document: Any) -> Sequence[ModelPart]:
        """Take the next event."""
        kind = document.get("type")
        if kind == "response.output_text.delta":
            self.answer.weigh(document.get("logprobs") or ())
            return self.answer.say(document["delta"]) if document["delta"] else ()
        if kind == "response.refusal.delta":
            self.answer.refused = True
            return self.answer.say(document["delta"])
        if kind in _THOUGHTS:
            self.answer.thoughts.add(document["delta"], "")
            return self.answer.thoughts.now()
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

    def end(self) -> list[ModelPart]:
        """Return the last parts."""
        return self.answer.end()

    def _item(self, item: dict[str, Any]) -> Sequence[ModelPart]:
        if item["type"] == "function_call":
            call = CallInTheMaking(item.get("call_id") or "", item["name"])
            call.pieces.append(item.get("arguments") or "")
            if call.name and item.get("status") != "incomplete":
                return self.answer.call(call)
            self.answer.calls.append(call)
        elif item["type"] == "reasoning":
            said = self.answer.thoughts.end()
            record = {name: value for name, value in item.items() if name != "status"}
            return [*said, Thinking("", self.answer.provider, orjson.dumps(record).decode())]
        return ()

    def _whole(self, response: dict[str, Any]) -> Sequence[ModelPart]:
        """Take a response that came all at once."""
        found: list[ModelPart] = []
        for item in response.get("output") or ():
            found += self._item(item)
            for part in item.get("content") or () if item["type"] == "message" else ():
                self.answer.refused = self.answer.refused or part["type"] == "refusal"
                found += self.answer.say(part.get("text") or part.get("refusal") or "")
        self._finish(response)
        return found

    def _finish(self, response: dict[str, Any]) -> None:
        self.answer.usage = _usage(response.get("usage"))
        self.answer.over = True
        if response.get("status") in ("failed", "cancelled"):
            raise complaint_in(response) or Complaint("the server could not finish its answer")
        self.answer.reason = FinishReason.REFUSAL if self.answer.refused else FinishReason.STOP
        if response.get("status") == "incomplete":
            why = (response.get("incomplete_details") or {}).get("reason")
            filtered = why == "content_filter"
            self.answer.reason = FinishReason.REFUSAL if filtered else FinishReason.LENGTH


def _usage(figures: dict[str, Any] | None) -> Usage | None:
    if not figures:
        return None
    details = figures.get("input_tokens_details") or {}
    cached, kept = count(details, "cached_tokens"), count(details, "cache_write_tokens")
    return Usage(
        input_tokens=max(0, count(figures, "input_tokens") - cached - kept),
        output_tokens=count(figures, "output_tokens"),
        cache_read_tokens=cached,
        cache_write_tokens=kept,
    )
