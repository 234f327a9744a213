"""Requests of Chat Completions: https://platform.openai.com/docs/api-reference/chat/create."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from attrs import frozen

from argent_hookspecs import Image, Message, MessagePart, ModelRequest, Text, Thinking, ToolCall
from argent_openai.conversation import conversation, output_limit
from argent_openai.habits import Habits
from argent_openai.settings import Endpoint
from argent_openai.wording import arguments_json, data_url, from_json, to_json


def chat_request(request: ModelRequest, *, endpoint: Endpoint, habits: Habits) -> bytes:
    """Return the body of a request."""
    form = ChatForm(endpoint.id, thoughts=habits.thoughts)
    body: dict[str, Any] = {
        **endpoint.settings.options,
        "model": request.model,
        "messages": conversation(request, form, habits=habits),
        "stream": True,
        habits.limit: output_limit(request, habits),
    }
    if habits.usage:
        body["stream_options"] = {"include_usage": True}
    if habits.confidence:
        body["logprobs"], body["top_logprobs"] = True, 1
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
        if not request.may_call:
            body["tool_choice"] = "none"
        if habits.no_effort:
            body["reasoning_effort"] = "none"
    return to_json(body)


@frozen
class ChatForm:
    """How Chat Completions are told what a conversation is made of.

    Args:
        provider: Id of the provider, whose thoughts are told again.
        thoughts: Whether they are told at all.
    """

    provider: str
    thoughts: bool
    text_type: str = "text"

    def image(self, image: Image) -> dict[str, Any]:
        """Write a picture."""
        return {"type": "image_url", "image_url": {"url": data_url(image)}}

    def result(self, call: str, text: str) -> dict[str, Any]:
        """Write a result."""
        return {"role": "tool", "tool_call_id": call, "content": text}

    def said(self, message: Message) -> Iterable[dict[str, Any]]:
        """Write one message, with calls and thoughts in fields of it."""
        parts = message.parts
        if len(parts) == 1 and type(parts[0]) is Text:
            return ({"role": "assistant", "content": parts[0].text},)
        calls = [part for part in parts if isinstance(part, ToolCall)]
        content = message.text or (None if calls else "")
        told: dict[str, Any] = {"role": "assistant", "content": content}
        if calls:
            told["tool_calls"] = [_call(call, self.provider) for call in calls]
        if self.thoughts:
            told |= _thoughts(parts, self.provider)
        return (told,)


def _call(call: ToolCall, provider: str) -> dict[str, Any]:
    function = {"name": call.name, "arguments": arguments_json(call.arguments)}
    told = {"id": call.id, "type": "function", "function": function}
    return told | _record(call, provider) if call.replay else told


def _record(call: ToolCall, provider: str) -> dict[str, Any]:
    """Tell again what the server told with a call: the signatures that Gemini demands.

    See https://ai.google.dev/gemini-api/docs/thought-signatures.
    """
    try:
        record = from_json(call.replay)
    except ValueError:
        return {}
    mine = isinstance(record, dict) and provider in record
    return {"extra_content": record[provider]} if mine else {}


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
