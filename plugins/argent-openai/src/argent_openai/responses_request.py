"""Requests of the Responses API: https://platform.openai.com/docs/api-reference/responses/create."""

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

LEAST_OUTPUT = 16
"""OpenAI takes no lower limit of an answer."""


def responses_request(request: ModelRequest, *, endpoint: Endpoint, habits: Habits) -> bytes:
    """Return the body of a request. Nothing of it is to be kept by the server."""
    limit = min(request.max_output_tokens, habits.largest or request.max_output_tokens)
    body: dict[str, Any] = {
        "model": request.model,
        "input": list(_items(request, endpoint.id, habits)),
        "stream": True,
        "store": False,
        "max_output_tokens": max(limit, LEAST_OUTPUT) if endpoint.at_openai else limit,
    }
    include = []
    if habits.thoughts:
        include.append("reasoning.encrypted_content")
    if habits.confidence:
        include.append("message.output_text.logprobs")
        body["top_logprobs"] = 1
    if include:
        body["include"] = include
    body |= endpoint.settings.options
    if request.tools and endpoint.settings.tools:
        body["tools"] = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                "strict": False,
            }
            for tool in request.tools
        ]
    return to_json(body)


def _items(request: ModelRequest, provider: str, habits: Habits) -> Iterable[dict[str, Any]]:
    system = system_text(request.system)
    if system:
        yield {"role": "system", "content": system}
    waiting: list[str] = []
    for message in request.messages:
        parts = message.parts
        if message.role is Role.USER:
            yield from _from_user(parts, waiting, habits)
            waiting = []
        else:
            yield from _without_result(waiting)
            yield from _from_assistant(message, provider, habits)
            waiting = [part.id for part in parts if isinstance(part, ToolCall)]
    yield from _without_result(waiting)


def _from_user(
    parts: Sequence[MessagePart], waiting: Sequence[str], habits: Habits
) -> Iterable[dict[str, Any]]:
    results = {part.call_id: part for part in parts if isinstance(part, ToolResult)}
    for call in waiting:
        text = result_text(results.pop(call)) if call in results else NO_RESULT
        yield {"type": "function_call_output", "call_id": call, "output": text}
    words: list[dict[str, Any]] = [
        {"type": "input_text", "text": f"Result of {stray.name}: {result_text(stray)}"}
        for stray in results.values()
    ]
    for part in parts:
        if isinstance(part, Text):
            words.append({"type": "input_text", "text": part.text})
        elif isinstance(part, Image) and habits.images:
            words.append({"type": "input_image", "image_url": data_url(part)})
        elif isinstance(part, Image):
            words.append({"type": "input_text", "text": NO_PICTURE})
    if len(words) == 1 and words[0]["type"] == "input_text":
        yield {"role": "user", "content": words[0]["text"]}
    elif words or not waiting:
        yield {"role": "user", "content": words or ""}


def _without_result(waiting: Iterable[str]) -> Iterable[dict[str, Any]]:
    for call in waiting:
        yield {"type": "function_call_output", "call_id": call, "output": NO_RESULT}


def _from_assistant(message: Message, provider: str, habits: Habits) -> Iterable[dict[str, Any]]:
    for part in message.parts:
        if isinstance(part, Thinking):
            if habits.thoughts and part.provider == provider and part.replay.startswith("{"):
                yield orjson.loads(part.replay)
        elif isinstance(part, Text) and part.text:
            said = {"type": "output_text", "text": part.text}
            yield {"type": "message", "role": "assistant", "content": [said]}
        elif isinstance(part, ToolCall):
            yield {
                "type": "function_call",
                "call_id": part.id,
                "name": part.name,
                "arguments": arguments_json(part.arguments),
            }
