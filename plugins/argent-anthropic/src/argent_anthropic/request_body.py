"""From the contract's request to the body that the API takes.

See https://platform.claude.com/docs/en/api/messages/create.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from attrs import define, frozen

from argent_anthropic.catalogue import ModelFacts
from argent_anthropic.manner import manner
from argent_anthropic.settings import AnthropicSettings
from argent_anthropic.thinking import KINDS, Block, assistant_blocks, text_blocks
from argent_hookspecs import (
    Image,
    Message,
    ModelRejected,
    ModelRequest,
    Role,
    Text,
    ToolCall,
    ToolResult,
)

_MARK = {"type": "ephemeral"}
_SILENT = Text("(no words)")


@define(eq=False)
class _Conversation:
    """The messages in the making; those of one role that follow each other become one."""

    hasher: hashlib.blake2b
    messages: list[dict[str, Any]]
    hashed: int = 0

    def add(self, role: Role, blocks: list[Block]) -> None:
        if not blocks:
            return
        if self.messages and self.messages[-1]["role"] == role:
            blocks = _results_first(self.messages[-1]["content"] + blocks)
            self.messages[-1]["content"] = blocks
        else:
            self.messages.append({"role": str(role), "content": _results_first(blocks)})

    def fingerprint(self) -> str:
        for message in self.messages[self.hashed :]:
            self.hasher.update(encode(message))
        self.hashed = len(self.messages)
        return self.hasher.copy().hexdigest()

    def last_block(self) -> Block | None:
        """Return the last block that can carry a mark of the cache."""
        content = self.messages[-1]["content"] if self.messages else []
        return next((block for block in reversed(content) if block["type"] not in KINDS), None)


@frozen(eq=False)
class RequestBody:
    """What is sent.

    Args:
        fields: As the API names them.
        conversation: The messages among them.
        marks: Blocks up to which the prompt cache holds what stands before; four at most.
    """

    fields: dict[str, Any]
    conversation: _Conversation
    marks: tuple[Block, ...]

    def encoded(self) -> bytes:
        """Return the bytes. Below a length of the model's own the API passes over the marks."""
        for block in self.marks:
            block["cache_control"] = _MARK
        try:
            return encode(self.fields)
        finally:
            for block in self.marks:
                block.pop("cache_control", None)

    def prefix(self) -> str:
        """Return the fingerprint of all that stands before the answer."""
        return self.conversation.fingerprint()

    def append(self, said: list[Block]) -> None:
        """Let a paused answer go on after what was said so far."""
        self.conversation.add(Role.ASSISTANT, said)

    @property
    def has_manner(self) -> bool:
        """Whether it says how the model is to answer."""
        return "thinking" in self.fields or "output_config" in self.fields

    @property
    def has_thinking(self) -> bool:
        """Whether it tells again what was thought."""
        messages = self.conversation.messages
        return any(block["type"] in KINDS for one in messages for block in one["content"])


def request_body(
    request: ModelRequest, *, facts: ModelFacts, settings: AnthropicSettings, provider: str
) -> RequestBody:
    """Write a request.

    What stays the same comes first, so that two requests of a conversation begin with the same
    bytes.
    """
    tools = _tools(request)
    system = [block for one in request.system for block in text_blocks(Text(one.text))]
    conversation = _Conversation(hashlib.blake2b(encode([tools, system]), digest_size=8), [])
    may_keep = _keeps_all if facts.thinks_by_budget else _unchanged_since(conversation)
    marks: list[Block | None] = [*tools[-1:], *system[-1:]]
    for n, message in enumerate(request.messages, start=1):
        if message.role is Role.USER:
            conversation.add(Role.USER, _user_blocks(message))
        else:
            blocks = assistant_blocks(message, provider=provider, may_keep=may_keep)
            conversation.add(Role.ASSISTANT, blocks)
        # The next call of a turn with tools begins with all of this one.
        if n == request.stable or n == len(request.messages) > request.stable + 1:
            marks.append(conversation.last_block())
    if not conversation.messages:
        raise ModelRejected("there is nothing to answer: the request has no message")
    most = min(request.max_output_tokens, facts.max_output or request.max_output_tokens)
    fields = {
        "model": request.model,
        **manner(facts, settings, room=most, messages=conversation.messages),
        **({"tools": tools} if tools else {}),
        **({} if request.tools or not tools else {"tool_choice": {"type": "none"}}),
        **({"system": system} if system else {}),
        "messages": conversation.messages,
        "max_tokens": most,
        "stream": True,
    }
    marked = [block for block in marks if block is not None] if settings.cache else []
    return RequestBody(fields, conversation, tuple(marked))


def encode(value: Any) -> bytes:
    """Write JSON. Half of a surrogate pair, which no text can hold, becomes a question mark."""
    try:
        return orjson.dumps(value, default=_plain)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, default=_plain).encode(errors="replace")


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _keeps_all(_: str) -> bool:
    return True


def _unchanged_since(conversation: _Conversation) -> Callable[[str], bool]:
    return lambda prefix: conversation.fingerprint() == prefix


def _tools(request: ModelRequest) -> list[Block]:
    """Write the tools; where none may be called any more, those that were are named at least."""
    if request.tools:
        return [
            {
                "name": tool.name,
                "description": tool.description,
                "input_schema": {"type": "object", **tool.parameters},
            }
            for tool in request.tools
        ]
    parts = [part for message in request.messages for part in message.parts]
    names = dict.fromkeys(part.name for part in parts if isinstance(part, ToolCall | ToolResult))
    return [{"name": name, "input_schema": {"type": "object"}} for name in names]


def _user_blocks(message: Message) -> list[Block]:
    blocks: list[Block] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            blocks.append(_result_block(part))
        elif isinstance(part, Image):
            blocks.append(_image_block(part))
        elif isinstance(part, Text):
            blocks += text_blocks(part)
    return blocks or text_blocks(_SILENT)


def _result_block(result: ToolResult) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": result.call_id}
    if result.text.strip():
        block["content"] = result.text
    if result.is_error:
        block["is_error"] = True
    return block


def _image_block(image: Image) -> Block:
    data = base64.b64encode(image.data).decode()
    source = {"type": "base64", "media_type": image.media_type, "data": data}
    return {"type": "image", "source": source}


def _results_first(blocks: list[Block]) -> list[Block]:
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")
