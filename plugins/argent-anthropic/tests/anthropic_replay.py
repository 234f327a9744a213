"""A server that plays back the documented form of the Messages API.

What it is sent, and the events that it sends, are checked against the types of the ``anthropic``
package.
"""

from __future__ import annotations

from typing import Any

from anthropic.types import (
    ContentBlockParam,
    ModelInfo,
    RawMessageStreamEvent,
    TextBlockParam,
    ThinkingConfigParam,
    ToolParam,
)
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from attrs import define, field
from pydantic import TypeAdapter, ValidationError

from argent_testing import Asked, ModelServer, PlayedReply, json_reply
from argent_testing.wire.messages import Event, events, message, text

_BLOCK = TypeAdapter(ContentBlockParam)
_EVENT = TypeAdapter(RawMessageStreamEvent)
_SYSTEM = TypeAdapter(TextBlockParam)
_TOOL = TypeAdapter(ToolParam)
_THINKING = TypeAdapter(ThinkingConfigParam)
_MODEL = TypeAdapter(ModelInfo)
_MOST_MARKS = 4


@define(eq=False, kw_only=True)
class ReplayServer(ModelServer):
    """Without a script it counts, as many words as it may, and knows ``models``.

    Args:
        models: Those that it lists.
        page: How many of them at once.
        strict: Whether it complains of what the API would not take.
    """

    path: str = "/v1/messages"
    models: list[dict[str, Any]] = field(factory=list)
    page: int = 1000
    strict: bool = True
    _not_of_the_api: list[str] = field(factory=list, init=False)

    @property
    def complaints(self) -> list[str]:
        """What was sent, in either way, and is not of the API."""
        found = [complaint for body in self.bodies for complaint in wrong_with(body)]
        return [*self._not_of_the_api, *found] if self.strict else []

    def answer(self, *told: Event, **options: Any) -> None:
        """Script a stream of events of the API."""
        for event in told:
            if event["type"] in ("ping", "error", "something_new"):
                continue
            try:
                _EVENT.validate_python(event)
            except ValidationError as error:
                self._not_of_the_api.append(f"not an event of the API: {event}: {error}")
        self.play(stream(sse(told), **options))

    def by_itself(self, asked: Asked) -> PlayedReply:
        """List models, or count."""
        if asked.method == "GET":
            return self._about_models(asked.path)
        if asked.body["model"] not in [model["id"] for model in self.models]:
            return failure(404, "not_found_error", f"model: {asked.body['model']}")
        words = [f"{n} " for n in range(1, asked.body["max_tokens"] + 1)][:20]
        limited = len(words) == asked.body["max_tokens"]
        stop = "max_tokens" if limited else "end_turn"
        read = len(asked.raw) // 4
        return stream(sse(message(text(*words), stop=stop, output=len(words), input_tokens=read)))

    def _about_models(self, path: str) -> PlayedReply:
        path, _, query = path.partition("?")
        asked = dict(pair.split("=") for pair in query.split("&") if pair)
        if path == "/v1/models":
            ids = [model["id"] for model in self.models]
            start = ids.index(asked["after_id"]) + 1 if "after_id" in asked else 0
            found = self.models[start : start + self.page]
            last = found[-1]["id"] if found else None
            more = start + self.page < len(ids)
            return json_reply({"data": found, "has_more": more, "last_id": last})
        for model in self.models:
            if path == f"/v1/models/{model['id']}":
                return json_reply(model)
        return failure(404, "not_found_error", path)


def wrong_with(body: Any) -> list[str]:
    """Say what the API would not take."""
    found = [f"no such field: {key}" for key in set(body) - _fields()]
    parts = [(_TOOL, tool) for tool in body.get("tools", ())]
    parts += [(_SYSTEM, block) for block in body.get("system", ())]
    parts += [(_BLOCK, block) for one in body["messages"] for block in one["content"]]
    if "thinking" in body:
        parts.append((_THINKING, body["thinking"]))
    for adapter, part in parts:
        try:
            adapter.validate_python(part)
        except ValidationError as error:
            found.append(f"{part}: {error}")
        if part.get("type") == "text" and not part["text"].strip():
            found.append("text content blocks must contain non-whitespace text")
    roles = [one["role"] for one in body["messages"]]
    if roles != ["user", "assistant"] * (len(roles) // 2) + ["user"]:
        found.append(f"roles do not alternate: {roles}")
    marks = sum("cache_control" in part for _, part in parts)
    return found + ([f"{marks} breakpoints"] if marks > _MOST_MARKS else [])


def _fields() -> set[str]:
    kind = MessageCreateParamsStreaming
    return set(kind.__required_keys__ | kind.__optional_keys__)


def sse(told: Any) -> bytes:
    """Events as they stand in a stream."""
    return b"".join(events(told))


def stream(data: bytes, *, chunk: int = 0, **options: Any) -> PlayedReply:
    """A response of server-sent events, whole or in pieces of so many bytes."""
    size = chunk or max(1, len(data))
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return PlayedReply(pieces=pieces, **options)


def failure(status: int, kind: str, said: str, **headers: str) -> PlayedReply:
    """A response that is an error of the API."""
    error = {"type": kind, "message": said}
    return json_reply({"type": "error", "error": error}, status=status, **headers)


def model(id: str, *, window: int = 200_000, **more: Any) -> dict[str, Any]:
    """An entry of the list of models."""
    entry = {
        "type": "model",
        "id": id,
        "display_name": id.title(),
        "created_at": "2026-09-22T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": window,
        "max_tokens": 64_000,
        **more,
    }
    _MODEL.validate_python(entry)
    return entry


def capabilities(*thinking: str, images: bool = False) -> dict[str, Any]:
    """What the list of models says of one that can think in these ways, and little else."""
    yes, no = {"supported": True}, {"supported": False}
    ways = ("adaptive", "between_tools", "disabled", "enabled")
    levels = ("low", "medium", "high", "xhigh", "max")
    others = ("batch", "citations", "code_execution", "pdf_input", "structured_outputs")
    return {
        **dict.fromkeys((*others, "context_management"), no),
        "image_input": {"supported": images},
        "server_tools": {**no, "code_execution": no, "web_search": no},
        "effort": {**no, **dict.fromkeys(levels, no)},
        "thinking": {**yes, "types": {way: yes if way in thinking else no for way in ways}},
    }
