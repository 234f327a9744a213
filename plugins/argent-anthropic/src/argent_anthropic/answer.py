"""From the events of a message's stream to the parts of the contract.

See https://platform.claude.com/docs/en/build-with-claude/streaming.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field

from argent_anthropic.encoding import decode
from argent_anthropic.thinking import KINDS, Block, Replay
from argent_hookspecs import (
    Finish,
    FinishReason,
    ModelPart,
    ModelUnavailable,
    TextDelta,
    ToolCall,
    Usage,
)

_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "tool_use": FinishReason.TOOL_CALLS,
    "max_tokens": FinishReason.LENGTH,
    # A tool of the server's own takes long; it is offered none.
    "pause_turn": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "refusal": FinishReason.REFUSAL,
}
_COUNTS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_input_tokens",
    "cache_write_tokens": "cache_creation_input_tokens",
}


@define(eq=False)
class _Growing:
    """A block in the making."""

    block: Block
    pieces: list[str] = field(factory=list)


@define(eq=False)
class Answer:
    """An answer in the making.

    Args:
        server: What the server is called.
        provider: Id of the model provider, for its thinking parts.
        prefix: Makes the fingerprint of what stands before the answer.
    """

    server: str
    provider: str
    prefix: Callable[[], str]
    stop_reason: str | None = None
    _growing: dict[int, _Growing] = field(factory=dict)
    _usage: dict[str, int] = field(factory=dict)
    _is_counted: bool = False
    _unreadable: list[ModelPart] = field(factory=list)
    _called: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the model has said why it stopped, and every block has its end."""
        return self.stop_reason is not None and not self._growing

    def take(self, event: dict[str, Any]) -> list[ModelPart]:
        """Take an event and return the parts that are complete with it.

        Raises:
            ModelUnavailable: It is not of the form that the API has.
        """
        try:
            return self._take(event)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelUnavailable(
                f"{self.server} sent an event that cannot be understood. Try again", may_cost=True
            ) from error

    def _take(self, event: dict[str, Any]) -> list[ModelPart]:
        match event.get("type"):
            case "message_start":
                self._count(event["message"].get("usage"))
            case "content_block_start":
                return self._begin(event["index"], dict(event["content_block"]))
            case "content_block_delta":
                return self._grow(self._growing[event["index"]], event["delta"])
            case "content_block_stop":
                return self._complete(self._growing.pop(event["index"]))
            case "message_delta":
                self._is_counted = self._count(event.get("usage")) or self._is_counted
                self.stop_reason = event["delta"].get("stop_reason") or self.stop_reason
        return []

    def end(self) -> list[ModelPart]:
        """Return the last parts. Raises ``ModelUnavailable`` if the answer broke off."""
        if not self.is_whole:
            words = f"the answer of {self.server} broke off. Try again"
            raise ModelUnavailable(words, may_cost=True)
        reason = _REASONS.get(
            str(self.stop_reason), FinishReason.TOOL_CALLS if self._called else FinishReason.STOP
        )
        # A call that was cut off is not one that the model got wrong.
        wrong = [] if reason is FinishReason.LENGTH else self._wrong()
        return [*wrong, Finish(reason=reason, usage=self._used())]

    def _begin(self, index: int, block: Block) -> list[ModelPart]:
        self._growing[index] = _Growing(block)
        begun = _words(block.setdefault("text", "")) if block["type"] == "text" else []
        return [*self._wrong(), *begun]

    def _wrong(self) -> list[ModelPart]:
        """Return the calls that cannot be read, once it is known that they were not cut off."""
        wrong, self._unreadable = self._unreadable, []
        return wrong

    def _grow(self, growing: _Growing, delta: dict[str, Any]) -> list[ModelPart]:
        match delta.get("type"):
            case "text_delta":
                return _words(delta["text"])
            case "input_json_delta":
                growing.pieces.append(delta["partial_json"])
            case "thinking_delta":
                growing.pieces.append(delta["thinking"])
            case "signature_delta":
                growing.block["signature"] = delta["signature"]
        return []

    def _complete(self, growing: _Growing) -> list[ModelPart]:
        block, said = growing.block, "".join(growing.pieces)
        if block["type"] == "tool_use":
            return self._call(block, said)
        if block["type"] == "thinking":
            block["thinking"] = block.get("thinking", "") + said
        if block["type"] in KINDS:
            return [Replay(block, self.prefix()).part(self.provider)]
        return []

    def _call(self, block: Block, said: str) -> list[ModelPart]:
        self._called = True
        try:
            arguments = decode(said) if said.strip() else block.get("input", {})
        except ValueError:
            arguments = None
        if not isinstance(arguments, dict):
            # No tool has a parameter of this name: the model is told, and sees what it wrote.
            wrong = ToolCall(block["id"], block["name"], {"INVALID_JSON": said})
            self._unreadable.append(wrong)
            return []
        return [ToolCall(block["id"], block["name"], arguments)]

    def _count(self, usage: dict[str, Any] | None) -> bool:
        """Note what was used so far; later figures include the earlier ones.

        Returns whether the tokens that were written are among them.
        """
        for name, there in _COUNTS.items():
            count = (usage or {}).get(there)
            if type(count) is int and count >= 0:
                self._usage[name] = max(count, self._usage.get(name, 0))
        return type((usage or {}).get("output_tokens")) is int

    def _used(self) -> Usage:
        """Return what was used; nothing, if what was written was not counted at the end."""
        return Usage(**self._usage) if self._is_counted else Usage()


def _words(text: str) -> list[ModelPart]:
    return [TextDelta(text)] if text else []
