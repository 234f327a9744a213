"""Requests of the Responses API: https://platform.openai.com/docs/api-reference/responses/create."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from attrs import frozen

from argent_hookspecs import (
    Image,
    Message,
    ModelRejected,
    ModelRequest,
    Text,
    Thinking,
    ToolCall,
)
from argent_openai.conversation import conversation, output_limit
from argent_openai.habits import Habits
from argent_openai.settings import Endpoint
from argent_openai.wording import arguments_json, data_url, to_json

LEAST_OUTPUT = 16
"""OpenAI takes no lower limit of an answer: ``integer_below_min_value`` is what it says."""


def responses_request(request: ModelRequest, *, endpoint: Endpoint, habits: Habits) -> bytes:
    """Return the body of a request. Nothing of it is to be kept by the server.

    Raises:
        ModelRejected: The answer may be so short that the server refuses to begin it.
    """
    limit = output_limit(request, habits)
    if endpoint.at_openai and limit < LEAST_OUTPUT:
        raise ModelRejected(
            f"{endpoint.id} writes no answer of fewer than {LEAST_OUTPUT} tokens, and there is "
            f"room for {limit}"
        )
    form = ResponsesForm(endpoint.id, thoughts=habits.thoughts)
    body: dict[str, Any] = {
        **endpoint.settings.options,
        "model": request.model,
        "input": conversation(request, form, habits=habits),
        "stream": True,
        "store": False,
        "max_output_tokens": limit,
    }
    include = []
    if habits.thoughts:
        include.append("reasoning.encrypted_content")
    if habits.confidence:
        include.append("message.output_text.logprobs")
        body["top_logprobs"] = 1
    if include:
        body["include"] = include
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
        if not request.may_call:
            body["tool_choice"] = "none"
    return to_json(body)


@frozen
class ResponsesForm:
    """How the Responses API is told what a conversation is made of.

    Args:
        provider: Id of the provider, whose thoughts are told again.
        thoughts: Whether they are told at all.
    """

    provider: str
    thoughts: bool
    text_type: str = "input_text"

    def image(self, image: Image) -> dict[str, Any]:
        """Write a picture."""
        return {"type": "input_image", "image_url": data_url(image)}

    def result(self, call: str, text: str) -> dict[str, Any]:
        """Write a result."""
        return {"type": "function_call_output", "call_id": call, "output": text}

    def said(self, message: Message) -> Iterable[dict[str, Any]]:
        """Write an item for each part, in order."""
        for part in message.parts:
            if isinstance(part, Thinking):
                mine = part.provider == self.provider and part.replay.startswith("{")
                if mine and self.thoughts:
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
