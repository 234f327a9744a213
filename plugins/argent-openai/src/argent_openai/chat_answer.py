"""Answers of Chat Completions: https://platform.openai.com/docs/api-reference/chat/streaming."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from argent_hookspecs import FinishReason, ModelPart, TextDelta, Usage
from argent_openai.answer import Answer, CallInTheMaking, count
from argent_openai.complaints import Complaint, complaint_in
from argent_openai.marks import ThinkMarks
from argent_openai.wording import to_json

_REASONS = {
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.REFUSAL,
    "refusal": FinishReason.REFUSAL,
}
_FAILURES = ("error", "insufficient_system_resource", "abort")
_THOUGHTS = ("reasoning_content", "reasoning")


class ChatReader:
    """Reads the chunks of a chat completion, or a whole one.

    Args:
        answer: What becomes of them.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self._places: dict[object, CallInTheMaking] = {}
        self._marks = ThinkMarks()

    def take(self, document: Any) -> Sequence[ModelPart]:
        """Take the next chunk."""
        answer = self.answer
        if figures := document.get("usage"):
            answer.usage = _usage(figures)
        choices = document.get("choices")
        if not choices:
            if complaint := complaint_in(document):
                raise complaint
            return ()
        choice = choices[0]
        delta = choice.get("delta") or choice.get("message") or {}
        reason = choice.get("finish_reason")
        content = delta.get("content")
        logprobs = choice.get("logprobs")
        special = reason or logprobs or len(delta) > 1 or answer.thoughts.waiting or answer.halved
        if content.__class__ is str and self._marks.passed and not special:
            # Nearly all of a long answer is of this kind.
            return (TextDelta(content),) if content else ()
        found = [*self._think(delta), *self._speak(delta, content)]
        for piece in delta.get("tool_calls") or ():
            self._call(piece)
        if logprobs:
            answer.weigh(logprobs.get("content") or ())
        if reason:
            self._finish(reason, document)
        return found

    def end(self) -> list[ModelPart]:
        """Return the last parts, and what was held back as it might have been a mark."""
        return [*self._tell(*self._marks.end()), *self.answer.end()]

    def _think(self, delta: dict[str, Any]) -> Sequence[ModelPart]:
        if details := delta.get("reasoning_details"):
            self.answer.thoughts.add_details(details)
        for name in _THOUGHTS:
            text = delta.get(name)
            if isinstance(text, str) and text:
                self.answer.thoughts.add(text, name)
                return self.answer.thoughts.now()
        return ()

    def _speak(self, delta: dict[str, Any], content: Any) -> Sequence[ModelPart]:
        if isinstance(content, list):
            # Mistral's models think in parts of the content.
            for part in content:
                for thought in part.get("thinking") or ():
                    self.answer.thoughts.add(thought.get("text") or "", "")
            content = "".join(part.get("text") or "" for part in content)
        if refusal := delta.get("refusal"):
            self.answer.refused = True
            content = f"{content or ''}{refusal}"
        return self._tell(*self._marks.feed(content)) if content else ()

    def _tell(self, thought: str, said: str) -> list[ModelPart]:
        if thought:
            self.answer.thoughts.add(thought, "")
        return self.answer.say(said) if said else [*self.answer.thoughts.now()]

    def _call(self, piece: dict[str, Any]) -> None:
        """Take a piece of a call."""
        id, function = piece.get("id") or "", piece.get("function") or {}
        name = function.get("name") or ""
        place = piece.get("index")
        call = self._begun(place, id, name)
        if call is None:
            call = CallInTheMaking()
            self.answer.calls.append(call)
            self._places[place] = call
        call.id = call.id or id
        call.name = call.name or name
        if extra := piece.get("extra_content"):
            call.replay = to_json({self.answer.provider: extra}).decode()
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            arguments = to_json(arguments).decode()
        call.pieces.append(arguments or "")

    def _begun(self, place: object, id: str, name: str) -> CallInTheMaking | None:
        """Return the call that a piece belongs to, if it is not the first piece of one.

        Not all servers number them or give them ids; Gemini's numbers all of them 0.
        """
        call = self._places.get(place) if place is not None else None
        if place is None and self.answer.calls and (not id or self.answer.calls[-1].id == id):
            call = self.answer.calls[-1]
        if call is None or (id and id == call.id):
            return call
        renamed = bool(name and call.name and name != call.name)
        another = bool(id and call.id) or renamed or (name and call.is_whole)
        return None if another else call

    def _finish(self, reason: str, document: Any) -> None:
        if not document.get("usage"):
            early = self.answer.usage or self.answer.early_usage
            self.answer.usage, self.answer.early_usage = None, early
        if reason in _FAILURES:
            raise complaint_in(document) or Complaint("the server could not finish its answer")
        meant = _REASONS.get(reason, FinishReason.STOP)
        refused = self.answer.refused and meant is FinishReason.STOP
        self.answer.reason = FinishReason.REFUSAL if refused else meant


def _usage(figures: dict[str, Any]) -> Usage | None:
    """Return what was counted; thinking that was counted apart is output too."""
    read, written = count(figures, "prompt_tokens"), count(figures, "completion_tokens")
    details = figures.get("prompt_tokens_details") or {}
    cached = count(details, "cached_tokens") or count(figures, "prompt_cache_hit_tokens")
    # The second is what LiteLLM's proxy calls it.
    kept = count(details, "cache_write_tokens") or count(figures, "cache_creation_input_tokens")
    if not read and not written:
        return None
    return Usage(
        input_tokens=max(0, read - cached - kept),
        output_tokens=max(written, count(figures, "total_tokens") - read) if read else written,
        cache_read_tokens=cached,
        cache_write_tokens=kept,
    )
