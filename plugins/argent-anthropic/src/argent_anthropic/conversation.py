"""The messages of a request, as the API wants them: roles alternate, results come first."""

from __future__ import annotations

import hashlib
from typing import Any

from attrs import define, field

from argent_anthropic.encoding import encode
from argent_anthropic.thinking import KINDS, Block


@define(eq=False)
class Conversation:
    """The messages in the making; those of one role that follow each other become one.

    Args:
        head: What stands before them.
    """

    head: Any
    messages: list[dict[str, Any]] = field(factory=list)
    _last_role: str = ""
    _hasher: hashlib.blake2b | None = None
    _hashed: int = 0

    def add(self, role: str, blocks: list[Block]) -> None:
        """Add a message; none, if it has no blocks."""
        if not blocks:
            return
        if role == self._last_role:
            content = self.messages[-1]["content"]
            content += blocks
            content.sort(key=place)
        else:
            self.messages.append({"role": role, "content": blocks})
            self._last_role = role

    def last_block(self) -> Block | None:
        """Return the last block that can carry a mark of the cache."""
        content = self.messages[-1]["content"] if self.messages else []
        return next((block for block in reversed(content) if block["type"] not in KINDS), None)

    def fingerprint(self) -> str:
        """Return what tells these messages, and what stands before them, from others."""
        if self._hasher is None:
            self._hasher = hashlib.blake2b(encode(self.head), digest_size=8)
        if new := self.messages[self._hashed :]:
            self._hasher.update(encode(new)[1:-1] + b",")
            self._hashed = len(self.messages)
        return self._hasher.copy().hexdigest()

    @property
    def has_thinking(self) -> bool:
        """Whether it tells again what was thought."""
        return any(block["type"] in KINDS for one in self.messages for block in one["content"])

    @property
    def has_unthinking_calls(self) -> bool:
        """Whether a tool was called with no thought before."""
        return any(
            one["content"][0]["type"] not in KINDS
            and any(block["type"] == "tool_use" for block in one["content"])
            for one in self.messages
        )


def place(block: Block) -> int:
    """Sort results of tools to the front, where the API wants them."""
    return 0 if block["type"] == "tool_result" else 1
