"""Requests of ``/api/chat``: https://docs.ollama.com/api/chat."""

from __future__ import annotations

import base64
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
from argent_ollama.models import Traits
from argent_ollama.settings import OllamaSettings

NO_PICTURE = "(A picture, which this model cannot see.)"
NO_RESULT = "(There is no result of this call.)"


def chat_request(
    request: ModelRequest, *, provider: str, traits: Traits, settings: OllamaSettings
) -> dict[str, Any]:
    """Return the body of a request.

    By itself the server would leave out the beginning of what does not fit the window, without a
    word; it is asked to refuse instead.
    """
    options = {**settings.options, "num_predict": request.max_output_tokens}
    if not traits.remote:
        options["num_ctx"] = traits.window
    body: dict[str, Any] = {
        "model": request.model,
        "messages": _messages(request, provider, traits),
        "stream": True,
        "truncate": False,
        "shift": False,
        "options": options,
        **keep_alive(settings),
    }
    if traits.thinks and settings.thinking != "auto":
        body["think"] = {"on": True, "off": False}.get(settings.thinking, settings.thinking)
    if settings.confidence:
        body["logprobs"] = True
    if request.tools and request.may_call and traits.tools and settings.tools:
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
    return body


def keep_alive(settings: OllamaSettings) -> dict[str, Any]:
    """Return how long the model stays in memory; numbers without a unit are seconds."""
    wish = settings.keep_alive
    if wish is None:
        return {}
    try:
        return {"keep_alive": float(wish)}
    except ValueError:
        return {"keep_alive": wish}


def _messages(request: ModelRequest, provider: str, traits: Traits) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    system = "\n\n".join(block.text for block in request.system if block.text)
    if system:
        told.append({"role": "system", "content": system})
    waiting: list[ToolCall] = []
    for message in request.messages:
        parts = message.parts
        if len(parts) == 1 and type(parts[0]) is Text and not waiting:
            # Most of a long conversation is of this kind.
            told.append({"role": message.role.value, "content": parts[0].text})
        elif message.role is Role.USER:
            told += _from_user(parts, waiting, traits)
            waiting = []
        else:
            told += (_result(call, NO_RESULT) for call in waiting)
            waiting = [part for part in parts if isinstance(part, ToolCall)]
            told.append(_from_assistant(message, waiting, provider))
    told += (_result(call, NO_RESULT) for call in waiting)
    return told


def _from_user(
    parts: Sequence[MessagePart], waiting: Iterable[ToolCall], traits: Traits
) -> Iterable[dict[str, Any]]:
    """Tell the results first, in messages of their own, in the order of the calls."""
    results = {part.call_id: part for part in parts if isinstance(part, ToolResult)}
    called = False
    for call in waiting:
        called = True
        found = results.pop(call.id, None)
        yield _result(call, NO_RESULT if found is None else _text(found))
    words = [f"Result of {stray.name}: {_text(stray)}" for stray in results.values()]
    words += [part.text for part in parts if isinstance(part, Text)]
    pictures = [part for part in parts if isinstance(part, Image)]
    if pictures and not traits.images:
        words += [NO_PICTURE] * len(pictures)
        pictures = []
    if words or pictures or not called:
        told: dict[str, Any] = {"role": "user", "content": "\n\n".join(words)}
        if pictures:
            told["images"] = [base64.b64encode(picture.data).decode() for picture in pictures]
        yield told


def _from_assistant(message: Message, calls: Iterable[ToolCall], provider: str) -> dict[str, Any]:
    told: dict[str, Any] = {"role": "assistant", "content": message.text}
    thoughts = "".join(
        part.text
        for part in message.parts
        if isinstance(part, Thinking) and part.provider == provider
    )
    if thoughts:
        told["thinking"] = thoughts
    wishes = [
        {"id": call.id, "function": {"name": call.name, "arguments": dict(call.arguments)}}
        for call in calls
    ]
    if wishes:
        told["tool_calls"] = wishes
    return told


def _result(call: ToolCall, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_name": call.name, "tool_call_id": call.id, "content": text}


def _text(result: ToolResult) -> str:
    """Return a result; the API has no mark for those of tools that failed."""
    return f"{result.name} failed: {result.text}" if result.is_error else result.text
