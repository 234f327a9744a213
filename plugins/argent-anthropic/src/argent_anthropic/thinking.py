"""Thinking parts as the contract carries them, and back into the blocks that the API wants again.

The API takes a thinking block back only unchanged, at its place among the other blocks, and the
newer models only if nothing before it has changed since:
https://platform.claude.com/docs/en/build-with-claude/preserved-thinking
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from argent_anthropic.encoding import decode, encode
from argent_hookspecs import ContextBlock, Message, Text, Thinking, ToolCall

CALL = -1
"""Stands for a tool call where the numbers stand for texts of so many characters."""
KINDS = ("thinking", "redacted_thinking")

Block = dict[str, Any]


@frozen
class Replay:
    """What is kept of a thinking block.

    Args:
        block: As the API gave it.
        before: The blocks between this one and the thinking block before it, in order.
        prefix: Fingerprint of what stood before the answer.
    """

    block: Block
    before: Sequence[int]
    prefix: str

    def part(self, provider: str) -> Thinking:
        """Return the part that carries it."""
        record = {"block": self.block, "before": self.before, "prefix": self.prefix}
        return Thinking(str(self.block.get("thinking", "")), provider, encode(record).decode())

    @classmethod
    def of(cls, part: Thinking) -> Replay | None:
        """Read it from its part; None if it is not there."""
        try:
            record = decode(part.replay)
            return cls(record["block"], record["before"], record["prefix"])
        except (ValueError, KeyError, TypeError):
            return None


def assistant_blocks(
    message: Message, *, provider: str, may_keep: Callable[[str], bool]
) -> list[Block]:
    """Write what a model said as the blocks that it came in.

    Args:
        message: Holds thinking, words and calls, each kind in its own order.
        provider: Whose thinking is told again.
        may_keep: Asked with the fingerprint of what stood before a thinking block.
    """
    rest = _Rest(message.text, [part for part in message.parts if isinstance(part, ToolCall)])
    blocks: list[Block] = []
    for part in message.parts:
        if not isinstance(part, Thinking) or part.provider != provider:
            continue
        replay = Replay.of(part)
        if replay is None or not may_keep(replay.prefix):
            continue
        for size in replay.before:
            blocks += rest.take(size)
        blocks.append(replay.block)
    return blocks + rest.all()


class _Rest:
    """The words and calls of an answer that have no place yet."""

    def __init__(self, text: str, calls: list[ToolCall]) -> None:
        self._text = text
        self._calls = calls

    def take(self, size: int) -> list[Block]:
        if size == CALL:
            first, self._calls = self._calls[:1], self._calls[1:]
            return [call_block(call) for call in first]
        words, self._text = self._text[:size], self._text[size:]
        return text_blocks(Text(words))

    def all(self) -> list[Block]:
        return text_blocks(Text(self._text)) + [call_block(call) for call in self._calls]


def text_blocks(part: Text | ContextBlock) -> list[Block]:
    """Write a text; the API takes none that is blank."""
    text = part.text
    return [{"type": "text", "text": text}] if text and not text.isspace() else []


def call_block(call: ToolCall) -> Block:
    """Write a tool call."""
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": dict(call.arguments)}
