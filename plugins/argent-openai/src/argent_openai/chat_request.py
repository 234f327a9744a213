"""Requests of Chat Completions: https://platform.openai.com/docs/api-reference/chat/create."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

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
from argent_openai.habits import Habits
from argent_openai.settings import Endpoint
from argent_openai.wording import (
    NO_PICTURE,
    NO_RESULT,
    arguments_json,
    data_url,
    result_text,
    system_text,
    to_json,
)

_USER = Role.USER


def chat_request(request: ModelRequest, *, endpoint: Endpoint, habits: Habits) -> bytes:
    """Return the body of a request."""
    limit = min(request.max_output_tokens, habits.largest or request.max_output_tokens)
    body: dict[str, Any] = {
        "model": request.model,
        "messages": _messages(request, endpoint.id, habits),
        "stream": True,
        habits.limit: limit,
    }
    if habits.usage:
        body["stream_options"] = {"include_usage": True}
    if habits.confidence:
        body["logprobs"], body["top_logprobs"] = True, 1
    body |= endpoint.settings.options
    if request.tools and endpoint.settings.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                },
            }
            for tool in request.tools
        ]
        if habits.no_effort:
            body["reasoning_effort"] = "none"
    return to_json(body)


def _messages(request: ModelRequest, provider: str, habits: Habits) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    system = system_text(request.system)
    if system:
        told.append({"role": "system", "content": system})
    add = told.append
    waiting: list[str] = []
    for message in request.messages:
        parts = message.parts
        if len(parts) == 1 and type(parts[0]) is Text and not waiting:
            # Most of a long conversation is of this kind.
            role = "user" if message.role is _USER else "assistant"
            add({"role": role, "content": parts[0].text})
        elif message.role is _USER:
            told += _from_user(parts, waiting, habits)
            waiting = []
        else:
            told += _without_result(waiting)
            add(_from_assistant(message, provider, habits))
            waiting = [part.id for part in parts if isinstance(part, ToolCall)]
    told += _without_result(waiting)
    return told


def _from_user(
    parts: Sequence[MessagePart], waiting: Sequence[str], habits: Habits
) -> Iterable[dict[str, Any]]:
    """Tell the results first, in messages of their own, each after the call that it belongs to."""
    results = {part.call_id: part for part in parts if isinstance(part, ToolResult)}
    for call in waiting:
        text = result_text(results.pop(call)) if call in results else NO_RESULT
        yield {"role": "tool", "tool_call_id": call, "content": text}
    words: list[dict[str, Any]] = [
        {"type": "text", "text": f"Result of {stray.name}: {result_text(stray)}"}
        for stray in results.values()
    ]
    for part in parts:
        if isinstance(part, Text):
            words.append({"type": "text", "text": part.text})
        elif isinstance(part, Image) and habits.images:
            words.append({"type": "image_url", "image_url": {"url": data_url(part)}})
        elif isinstance(part, Image):
            words.append({"type": "text", "text": NO_PICTURE})
    if len(words) == 1 and words[0]["type"] == "text":
        yield {"role": "user", "content": words[0]["text"]}
    elif words or not waiting:
        yield {"role": "user", "content": words or ""}


def _without_result(waiting: Iterable[str]) -> Iterable[dict[str, Any]]:
    return [{"role": "tool", "tool_call_id": call, "content": NO_RESULT} for call in waiting]


def _from_assistant(message: Message, provider: str, habits: Habits) -> dict[str, Any]:
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    told: dict[str, Any] = {"role": "assistant", "content": message.text or (None if calls else "")}
    if calls:
        told["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": arguments_json(call.arguments)},
            }
            for call in calls
        ]
    if habits.thoughts:
        told |= _thoughts(message.parts, provider)
    return told


def _thoughts(parts: Iterable[MessagePart], provider: str) -> dict[str, Any]:
    """Tell what was thought in the same fields in which the server had told it."""
    told: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, Thinking) and part.provider == provider and part.replay:
            if part.replay.startswith("["):
                told["reasoning_details"] = orjson.loads(part.replay)
            elif part.replay.isidentifier():
                told[part.replay] = told.get(part.replay, "") + part.text
    return told
