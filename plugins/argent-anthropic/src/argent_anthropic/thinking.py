"""Thinking parts as the contract carries them, and back into the blocks that the API wants again.

The API takes a thinking block back only unchanged, at its place among the other blocks, and the
newer models only if nothing before it has changed since:
https://platform.claude.com/docs/en/build-with-claude/preserved-thinking
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from argent_anthropic.encoding import decode, encode
from argent_hookspecs import ContextBlock, Message, Text, Thinking, ToolCall

KINDS = ("thinking", "redacted_thinking")

Block = dict[str, Any]


@frozen
class Replay:
    """What is kept of a thinking block.

    Args:
        block: As the API gave it.
        prefix: Fingerprint of what stood before the answer.
    """

    block: Block
    prefix: str

    def part(self, provider: str) -> Thinking:
        """Return the part that carries it."""
        record = {"block": self.block, "prefix": self.prefix}
        return Thinking(str(self.block.get("thinking", "")), provider, encode(record).decode())

    @classmethod
    def of(cls, part: Thinking) -> Replay | None:
        """Read it from its part; None if it is not there."""
        try:
            record = decode(part.replay)
            return cls(record["block"], record["prefix"])
        except (ValueError, KeyError, TypeError):
            return None


def assistant_blocks(
    message: Message, *, provider: str, may_keep: Callable[[str], bool]
) -> list[Block]:
    """Write what a model said as the blocks that it came in.

    Args:
        provider: Whose thinking is told again.
        may_keep: Asked with the fingerprint of what stood before a thinking block.
    """
    blocks: list[Block] = []
    for part in message.parts:
        if isinstance(part, Text):
            blocks += text_blocks(part)
        elif isinstance(part, ToolCall):
            blocks.append(call_block(part))
        elif isinstance(part, Thinking) and part.provider == provider:
            replay = Replay.of(part)
            if replay is not None and may_keep(replay.prefix):
                blocks.append(replay.block)
    return blocks


def text_blocks(part: Text | ContextBlock) -> list[Block]:
    """Write a text; the API takes none that is blank."""
    text = part.text
    return [{"type": "text", "text": text}] if text and not text.isspace() else []


def call_block(call: ToolCall) -> Block:
    """Write a tool call."""
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": dict(call.arguments)}
