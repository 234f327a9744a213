"""A server that plays back the documented form of the Messages API.

What it is sent, and the events that it sends, are checked against the types of the ``anthropic``
package.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
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
from attrs import define, field, frozen
from pydantic import TypeAdapter, ValidationError

_BLOCK = TypeAdapter(ContentBlockParam)
_EVENT = TypeAdapter(RawMessageStreamEvent)
_SYSTEM = TypeAdapter(TextBlockParam)
_TOOL = TypeAdapter(ToolParam)
_THINKING = TypeAdapter(ThinkingConfigParam)
_MODEL = TypeAdapter(ModelInfo)
_MOST_MARKS = 4

Event = dict[str, Any]


@frozen(kw_only=True)
class Reply:
    """One scripted response.

    Args:
        body: Its bytes, in pieces.
        status: Of the response.
        headers: Besides the usual ones.
        whole: Whether it has its end; otherwise the connection is cut.
        stays_open: Whether the server then waits until the client goes away.
    """

    body: Sequence[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(factory=dict)
    whole: bool = True
    stays_open: bool = False


@frozen
class Request:
    """What the server was sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@define(eq=False)
class ReplayServer:
    """Open it, script its replies, and look at what it was asked.

    Without a script it counts, as many words as it may, and knows ``models``.
    """

    replies: deque[Reply] = field(factory=deque)
    requests: list[Request] = field(factory=list)
    complaints: list[str] = field(factory=list)
    models: list[dict[str, Any]] = field(factory=list)
    page: int = 1000
    connections: int = 0
    client_left: asyncio.Event = field(factory=asyncio.Event)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> ReplayServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def asked(self) -> list[Any]:
        """The bodies of the requests for messages."""
        return [one.body for one in self.requests if one.path == "/v1/messages"]

    def answer(self, *events: Event, **options: Any) -> None:
        """Script a stream of events of the API."""
        for event in events:
            if event["type"] in ("ping", "error", "something_new"):
                continue
            try:
                _EVENT.validate_python(event)
            except ValidationError as error:
                self.complaints.append(f"not an event of the API: {event}: {error}")
        self.replies.append(stream(sse(events), **options))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                request = await _read(reader)
                self.requests.append(request)
                reply = self._reply(request)
                await self._send(reply, reader, writer)
                if not reply.whole or reply.stays_open:
                    break
        writer.close()

    def _reply(self, request: Request) -> Reply:
        if request.method == "GET":
            return self._about_models(request.path)
        self.complaints += wrong_with(request.body)
        if self.replies:
            return self.replies.popleft()
        if request.body["model"] not in [model["id"] for model in self.models]:
            return failure(404, "not_found_error", f"model: {request.body['model']}")
        words = [f"{n} " for n in range(1, request.body["max_tokens"] + 1)][:20]
        limited = len(words) == request.body["max_tokens"]
        stop = "max_tokens" if limited else "end_turn"
        return stream(sse(message(text(*words), stop=stop, output=len(words))))

    def _about_models(self, path: str) -> Reply:
        path, _, query = path.partition("?")
        asked = dict(pair.split("=") for pair in query.split("&") if pair)
        if path == "/v1/models":
            ids = [model["id"] for model in self.models]
            start = ids.index(asked["after_id"]) + 1 if "after_id" in asked else 0
            found = self.models[start : start + self.page]
            last = found[-1]["id"] if found else None
            more = start + self.page < len(ids)
            return as_json({"data": found, "has_more": more, "last_id": last})
        for model in self.models:
            if path == f"/v1/models/{model['id']}":
                return as_json(model)
        return failure(404, "not_found_error", path)

    async def _send(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        headers = {"transfer-encoding": "chunked", "request-id": "req_1", **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} Said", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for piece in reply.body:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        if reply.stays_open:
            try:
                await reader.read()
            finally:
                self.client_left.set()
        elif reply.whole:
            writer.write(b"0\r\n\r\n")
            await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
    raw = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, path, headers, raw)


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


def stream(data: bytes, *, chunk: int = 0, **options: Any) -> Reply:
    """A response of server-sent events, whole or in pieces of so many bytes."""
    size = chunk or max(1, len(data))
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    headers = {"content-type": "text/event-stream; charset=utf-8"}
    return Reply(body=pieces, headers=headers, **options)


def as_json(value: Any, *, status: int = 200, **headers: str) -> Reply:
    sent = {"content-type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(body=[json.dumps(value).encode()], status=status, headers=sent)


def failure(status: int, kind: str, said: str, **headers: str) -> Reply:
    """A response that is an error of the API."""
    error = {"type": kind, "message": said}
    return as_json({"type": "error", "error": error, "request_id": "r"}, status=status, **headers)


def sse(events: Iterable[Event]) -> bytes:
    """Events as they stand in a stream."""
    return b"".join(f"event: {one['type']}\ndata: {_compact(one)}\n\n".encode() for one in events)


def _compact(event: Event) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def message(
    *blocks: list[Event], stop: str | None = "end_turn", output: int = 9, **usage: int
) -> list[Event]:
    """The events of a message, out of those of its blocks."""
    start = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 1, **usage},
    }
    events: list[Event] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(blocks):
        events += [{**event, "index": index} for event in block]
    delta = {"stop_reason": stop, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": output}})
    return [*events, {"type": "message_stop"}]


def _block(start: Event, *deltas: Event) -> list[Event]:
    return [
        {"type": "content_block_start", "content_block": start},
        *({"type": "content_block_delta", "delta": delta} for delta in deltas),
        {"type": "content_block_stop"},
    ]


def text(*pieces: str) -> list[Event]:
    deltas = ({"type": "text_delta", "text": piece} for piece in pieces)
    return _block({"type": "text", "text": ""}, *deltas)


def tool_use(id: str, name: str, *pieces: str) -> list[Event]:
    deltas = ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)
    return _block({"type": "tool_use", "id": id, "name": name, "input": {}}, *deltas)


def thinking(*pieces: str, signature: str) -> list[Event]:
    deltas: list[Event] = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    deltas.append({"type": "signature_delta", "signature": signature})
    return _block({"type": "thinking", "thinking": "", "signature": ""}, *deltas)


def redacted(data: str) -> list[Event]:
    return _block({"type": "redacted_thinking", "data": data})


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
