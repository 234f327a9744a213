"""From the chunks of a chat completion to the parts of a stream."""

from __future__ import annotations

from typing import Any

from argent_hookspecs import (
    ContextTooLong,
    Finish,
    FinishReason,
    ModelError,
    ModelRejected,
    ModelUnavailable,
    ToolCall,
    Usage,
)
from argent_llama.tool_calls import AnswerReader


class Answer:
    """An answer in the making, out of the chunks of a chat completion.

    Args:
        reader: What finds the reply or the tool call in it, where tools are offered.
    """

    def __init__(self, reader: AnswerReader | None) -> None:
        self._reader = reader
        self._reason = FinishReason.STOP
        self.figures: dict[str, Any] = {}

    def take(self, chunk: dict[str, Any]) -> str:
        """Take a chunk and return the words in it for the person, maybe none."""
        if "error" in chunk:
            raise error_of(chunk["error"])
        if usage := chunk.get("usage"):
            timings = chunk.get("timings", {})
            self.figures = {
                "input_tokens": usage["prompt_tokens"],
                "output_tokens": usage["completion_tokens"],
                "cached_tokens": usage.get("prompt_tokens_details", {}).get("cached_tokens", 0),
                "tokens_per_second": round(timings.get("predicted_per_second") or 0.0, 1),
            }
        words = ""
        for choice in chunk.get("choices", ()):
            if choice.get("finish_reason") == "length":
                self._reason = FinishReason.LENGTH
            words += choice["delta"].get("content") or ""
        return self._reader.feed(words) if self._reader and words else words

    def call(self) -> ToolCall | None:
        """Return the tool call, if the answer is one."""
        return self._reader.call() if self._reader else None

    def finish(self, *, called: bool) -> Finish:
        """Return the last part."""
        usage = Usage(
            input_tokens=self.figures.get("input_tokens", 0),
            output_tokens=self.figures.get("output_tokens", 0),
        )
        return Finish(reason=FinishReason.TOOL_CALLS if called else self._reason, usage=usage)


def error_of(error: dict[str, Any]) -> ModelError:
    """Return the contract's error for one of llama.cpp."""
    message = str(error.get("message", error))
    if "too large to process" in message:
        return ContextTooLong(
            f"a text is longer than the model takes at once: {message}; a larger "
            "plugins.llama.context helps, where the model and the memory allow it"
        )
    if error.get("type") == "exceed_context_size_error":
        asked, window = error.get("n_prompt_tokens"), error.get("n_ctx")
        return ContextTooLong(
            f"the request has {asked} tokens and the window {window}; a larger "
            "plugins.llama.context helps, where the model and the memory allow it"
        )
    if int(error.get("code", 500)) < 500:
        return ModelRejected(f"the model cannot take this request: {message}")
    return ModelUnavailable(f"the model failed: {message}")
