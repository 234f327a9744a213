"""From the contract's request to the body that the API takes.

See https://platform.claude.com/docs/en/api/messages/create.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from attrs import frozen

from argent_anthropic.catalogue import ModelFacts
from argent_anthropic.conversation import Conversation, place
from argent_anthropic.encoding import encode
from argent_anthropic.manner import manner
from argent_anthropic.settings import AnthropicSettings
from argent_anthropic.thinking import Block, assistant_blocks, text_blocks
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


@frozen(eq=False)
class RequestBody:
    """What is sent.

    Args:
        fields: As the API names them.
        conversation: The messages among them.
        marks: Blocks up to which the prompt cache holds what stands before; four at most.
    """

    fields: dict[str, Any]
    conversation: Conversation
    marks: tuple[Block, ...]

    def encoded(self) -> bytes:
        """Return the bytes. Below a length of the model's own the API passes over the marks."""
        for block in self.marks:
            block["cache_control"] = _MARK
        try:
            return encode(self.fields)
        finally:
            # They are no part of what the model is told, nor of its fingerprint.
            for block in self.marks:
                block.pop("cache_control", None)

    @property
    def has_manner(self) -> bool:
        """Whether it says how the model is to answer."""
        return "thinking" in self.fields or "output_config" in self.fields


def request_body(
    request: ModelRequest, *, facts: ModelFacts, settings: AnthropicSettings, provider: str
) -> RequestBody:
    """Write a request.

    What stays the same comes first, so that two requests of a conversation begin with the same
    bytes.

    Args:
        facts: About its model.
        provider: Whose thinking is told again.

    Raises:
        ModelRejected: It has no message.
    """
    tools, may_call = _tools(request), request.may_call and bool(request.tools)
    system = [block for one in request.system for block in text_blocks(one)]
    conversation = Conversation([tools, system])
    marked = _converse(request, conversation, _may_keep(conversation, facts), provider=provider)
    if not conversation.messages:
        raise ModelRejected("there is nothing to answer: the request has no message")
    most = min(request.max_output_tokens, facts.max_output or request.max_output_tokens)
    fields = {
        "model": request.model,
        **manner(facts, settings, room=most, conversation=conversation),
        **({"tools": tools} if tools else {}),
        **({"tool_choice": {"type": "none"}} if tools and not may_call else {}),
        **({"system": system} if system else {}),
        "messages": conversation.messages,
        "max_tokens": most,
        "stream": True,
    }
    marks = [*tools[-1:], *system[-1:], *marked] if settings.cache else []
    return RequestBody(fields, conversation, tuple(marks))


def _converse(
    request: ModelRequest,
    conversation: Conversation,
    may_keep: Callable[[str], bool],
    *,
    provider: str,
) -> list[Block]:
    """Write the messages; return the blocks up to which they will be the same in later requests.

    That is what is stable and, once a tool was used, all: the next call of the turn begins with it.
    """
    user, last = Role.USER, len(request.messages)
    ends = {request.stable, last if last > request.stable + 1 else 0}
    marked: list[Block | None] = []
    for n, message in enumerate(request.messages, start=1):
        is_users, parts = message.role is user, message.parts
        role = "user" if is_users else "assistant"
        if len(parts) == 1 and type(part := parts[0]) is Text and not _is_blank(part.text):
            conversation.add(role, [{"type": "text", "text": part.text}])
        elif is_users:
            conversation.add(role, _user_blocks(message))
        else:
            blocks = assistant_blocks(message, provider=provider, may_keep=may_keep)
            conversation.add(role, blocks)
        if n in ends:
            marked.append(conversation.last_block())
    return [block for block in marked if block is not None]


def _is_blank(text: str) -> bool:
    return not text or text.isspace()


def _may_keep(conversation: Conversation, facts: ModelFacts) -> Callable[[str], bool]:
    """Say which thoughts may be told again; models that think by budget take all of them."""
    if facts.thinks_by_budget:
        return lambda prefix: True
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
    blocks.sort(key=place)
    return blocks or text_blocks(_SILENT)


def _result_block(result: ToolResult) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": result.call_id}
    if not _is_blank(result.text):
        block["content"] = result.text
    if result.is_error:
        block["is_error"] = True
    return block


def _image_block(image: Image) -> Block:
    data = base64.b64encode(image.data).decode()
    source = {"type": "base64", "media_type": image.media_type, "data": data}
    return {"type": "image", "source": source}
