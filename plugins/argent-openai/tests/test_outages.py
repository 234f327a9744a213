"""The provider with servers that fail, in both APIs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from argent_testing import ModelOutageContract
from argent_testing.wire.chat import call, chunk, events, usage
from argent_testing.wire.streams import sse

FRAMES = (
    b"{oh dear",
    b"7",
    b"[1]",
    b'"a"',
    b"null",
    b"\xff\xfe",
    b'{"error": {"message": "Oh dear.", "code": 502}}',
)


def spoilt(*frames: bytes) -> list[bytes]:
    return [b"data: %b\n\n" % frame for frame in (*FRAMES, *frames)]


class Lab(ModelOutageContract):
    """What both share."""

    plugin = "argent_openai"
    provider = "lab"
    model = "m"
    api: ClassVar[str]

    def settings_at(self, url: str, *, silence: float | None = None) -> Mapping[str, Any]:
        lab = {"baseUrl": f"{url}/v1", "api": self.api, "silence": silence}
        return {"endpoints": {"lab": lab}}


class TestChat(Lab):
    api = "chat"
    path = "/v1/chat/completions"
    recorded = b"".join(
        events(
            chunk(role="assistant", content=""),
            chunk(reasoning_content="Hm."),
            chunk(content="Wait — "),
            chunk(content="wörld 🙂"),
            chunk(tool_calls=[call(0, '{"times":', id="a", name="coin")]),
            chunk(tool_calls=[call(0, " 2}"), call(1, "{}", id="b", name="time")]),
            chunk(finish="tool_calls"),
            usage(),
        )
    )
    decisive = b'"finish_reason":"tool_calls"'
    spoilt = spoilt(
        b'{"choices": {"a": 1}}',
        b'{"choices": [7]}',
        b'{"choices": [{"delta": "a"}]}',
        b'{"choices": [{"delta": {"tool_calls": [7]}}]}',
        b'{"choices": [{"delta": {"tool_calls": 7}}]}',
        b'{"choices": [{"delta": {"content": {"a": 1}}}]}',
        b'{"choices": [{"delta": {}, "finish_reason": ["stop"]}]}',
        b'{"choices": [{"delta": {}, "logprobs": {"content": [7]}}]}',
    )


class TestResponses(Lab):
    api = "responses"
    path = "/v1/responses"
    recorded = b"".join(
        sse(
            [
                {"type": "response.created", "response": {"object": "response"}},
                {"type": "response.reasoning_summary_text.delta", "delta": "Hm."},
                {"type": "response.output_text.delta", "delta": "Wait — "},
                {"type": "response.output_text.delta", "delta": "wörld 🙂"},
                {
                    "type": "response.output_item.done",
                    "item": {
                        "type": "function_call",
                        "call_id": "a",
                        "name": "coin",
                        "arguments": '{"times": 2}',
                    },
                },
                {
                    "type": "response.completed",
                    "response": {
                        "object": "response",
                        "status": "completed",
                        "usage": {"input_tokens": 50, "output_tokens": 6, "total_tokens": 56},
                    },
                },
            ]
        )
    )
    decisive = b"response.completed"
    spoilt = spoilt(
        b'{"type": "response.output_text.delta"}',
        b'{"type": "response.output_item.done", "item": 7}',
        b'{"type": "response.failed", "response": {"error": {"code": "server_error"}}}',
    )
