"""Requests, in the form of Chat Completions that LiteLLM translates for each provider."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

from argent_hookspecs import (
    Image,
    Message,
    MessagePart,
    ModelRequest,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

NO_RESULT = "(There is no result of this call.)"


def completion(request: ModelRequest, *, provider: str) -> dict[str, Any]:
    """Return the arguments of ``litellm.acompletion`` that tell what is asked."""
    told: dict[str, Any] = {
        "model": request.model,
        "messages": _messages(request, provider),
        "max_tokens": request.max_output_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        told["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in request.tools
        ]
        if not request.may_call:
            told["tool_choice"] = "none"
    return told


def _messages(request: ModelRequest, provider: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    system = "\n\n".join(block.text for block in request.system if block.text)
    if system:
        told.append({"role": "system", "content": system})
    waiting: list[ToolCall] = []
    for message in request.messages:
        if message.role is Role.USER:
            told += _from_user(message.parts, waiting)
            waiting = []
        else:
            told += (_result(call, NO_RESULT) for call in waiting)
            waiting = [part for part in message.parts if isinstance(part, ToolCall)]
            told.append(_from_assistant(message, waiting, provider, request.model))
    told += (_result(call, NO_RESULT) for call in waiting)
    return told


def _from_user(parts: Sequence[MessagePart], waiting: list[ToolCall]) -> Iterable[dict[str, Any]]:
    """Tell the results first, in messages of their own, in the order of the calls."""
    results = {part.call_id: part for part in parts if isinstance(part, ToolResult)}
    for call in waiting:
        found = results.pop(call.id, None)
        yield _result(call, NO_RESULT if found is None else _text(found))
    words: list[dict[str, Any]] = [
        {"type": "text", "text": f"Result of {stray.name}: {_text(stray)}"}
        for stray in results.values()
    ]
    for part in parts:
        if isinstance(part, Text):
            words.append({"type": "text", "text": part.text})
        elif isinstance(part, Image):
            data = f"data:{part.media_type};base64,{base64.b64encode(part.data).decode()}"
            words.append({"type": "image_url", "image_url": {"url": data}})
    if len(words) == 1 and words[0]["type"] == "text":
        yield {"role": "user", "content": words[0]["text"]}
    elif words or not waiting:
        yield {"role": "user", "content": words or ""}


def _from_assistant(
    message: Message, calls: Iterable[ToolCall], provider: str, model: str
) -> dict[str, Any]:
    told: dict[str, Any] = {"role": "assistant", "content": message.text}
    wishes = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
            **_signed(call, model),
        }
        for call in calls
    ]
    if wishes:
        told["tool_calls"] = wishes
    for part in message.parts:
        if isinstance(part, Thinking) and part.provider == provider and part.replay:
            told["thinking_blocks"] = json.loads(part.replay)
    return told


def _signed(call: ToolCall, model: str) -> dict[str, Any]:
    """Return what the model's provider added to its own call, such as a signature."""
    record: dict[str, Any] = json.loads(call.replay or "{}")
    return record if record.pop("model", None) == model else {}


def _result(call: ToolCall, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call.id, "name": call.name, "content": text}


def _text(result: ToolResult) -> str:
    return f"{result.name} failed: {result.text}" if result.is_error else result.text
