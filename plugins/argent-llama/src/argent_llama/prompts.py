"""From a request to what the model reads: chat messages, and a grammar where tools are offered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from argent_hookspecs import (
    ContextBlock,
    Image,
    Message,
    MessagePart,
    ModelRequest,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from argent_llama.catalogue import CatalogueModel
from argent_llama.tool_calls import call_as_json, describe_tools

ChatMessage = dict[str, str]
"""A message with ``role`` and ``content``."""

_CONTROL = re.compile(
    r"(?:<(?=[|｜][^<>\s]{1,64}>)|<(?=/?s>|(?:start|end)_of_turn>|[be]os>)|\[(?=/?INST\]))"
)
_LATELY = 128
_INVISIBLE = "\u2060"


def chat_messages(
    request: ModelRequest, *, tools: tuple[ToolSpec, ...] = (), manner: str = ""
) -> list[ChatMessage]:
    """Turn a request into chat messages.

    The system message comes first and is the same from turn to turn as long as its blocks and the
    tools are. Neighbours with the same role become one message, since many templates ask for that.

    Args:
        request: What is asked.
        tools: The tools that are offered; none for models that do not call them properly.
        manner: What a very small model must be told, first and last, to answer sanely.
    """
    messages: list[ChatMessage] = []
    system = "\n\n".join(filter(None, _system(request.system, tools, manner)))
    if system:
        messages.append({"role": "system", "content": system})
    for message in request.messages:
        content = _content(message, tools)
        if messages and messages[-1]["role"] == message.role.value:
            messages[-1]["content"] += f"\n\n{content}"
        else:
            messages.append({"role": message.role.value, "content": content})
    return messages


def sampling(entry: CatalogueModel | None, *, temperature: float) -> dict[str, Any]:
    """Say how the next word is chosen.

    Args:
        entry: What is known of a model that talks freely, held by no grammar. Its ``loops_after``
            is for DRY sampling (https://github.com/oobabooga/text-generation-webui/pull/5677).
        temperature: Randomness; 0 takes the likeliest word.
    """
    if entry is None or entry.loops_after is None:
        return {"temperature": temperature}
    return {
        "temperature": temperature,
        "repeat_penalty": entry.variety,
        "repeat_last_n": _LATELY,
        "dry_multiplier": 0.8,
        "dry_allowed_length": entry.loops_after,
        "dry_penalty_last_n": 512,
        "dry_sequence_breakers": ["\x01"],
    }


def _system(
    blocks: tuple[ContextBlock, ...], tools: tuple[ToolSpec, ...], manner: str
) -> Iterator[str]:
    yield manner
    for block in blocks:
        yield _plain(block.text)
    if tools:
        yield describe_tools(tools)
    if blocks:
        yield manner


def _content(message: Message, tools: tuple[ToolSpec, ...]) -> str:
    told = (_part(part, tools) for part in message.parts)
    return "\n\n".join(text for text in told if text)


def _part(part: MessagePart, tools: tuple[ToolSpec, ...]) -> str:
    """Write one part. Earlier replies are not put in the form that answers have where tools are
    offered: a model that sees many replies in that form goes on to reply instead of using a tool.
    """
    match part:
        case Text(text):
            return _plain(text)
        case ToolCall(_, name, arguments) if tools:
            return _plain(call_as_json(name, arguments))
        case ToolCall(_, name, arguments):
            return _plain(f"(used {name} with {json.dumps(dict(arguments), ensure_ascii=False)})")
        case ToolResult(_, name, text, is_error):
            return _plain(f"{name} failed: {text}" if is_error else f"Result of {name}: {text}")
        case Image():
            return "(A picture, which you cannot see.)"
        case Thinking():
            return ""


def _plain(text: str) -> str:
    """Keep text from being read as one of the marks that separate messages."""
    whole = text.encode("utf-8", "replace").decode()
    return _CONTROL.sub(lambda found: found[0] + _INVISIBLE, whole)
