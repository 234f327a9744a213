"""The provider with servers that fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anthropic_replay import ReplayServer, failure, model

from argent_testing import ModelOutageContract, ModelServer, PlayedReply
from argent_testing.wire.messages import events, message, redacted, text, thinking, tool_use

OPUS = "claude-opus-5-5"


class TestOutages(ModelOutageContract):
    plugin = "argent_anthropic"
    model = OPUS
    path = "/v1/messages"
    recorded = b"".join(
        events(
            message(
                thinking("hm", signature="s"),
                redacted("data"),
                text("Wait — ", "wörld 🪙"),
                tool_use("toolu_1", "coin", '{"ti', 'mes":3}'),
                tool_use("toolu_2", "coin", ""),
                stop="tool_use",
            )
        )
    )
    decisive = b'"type":"message_delta"'
    spoilt = (
        b"data: {no json}\n\n",
        b"data: [1, 2]\n\n",
        b"data: \xff\xfe\n\n",
        b'data: {"type": "message_start"}\n\n',
        b'data: {"type": "content_block_delta", "index": 7, "delta": {}}\n\n',
        b'data: {"type": "content_block_start", "index": 9, "content_block": 3}\n\n',
        b'data: {"type": "content_block_start", "index": 9, "content_block": {"text": ""}}\n\n',
        b'data: {"type": "message_delta", "delta": null}\n\n',
        b'event: error\ndata: {"error": {"type": "overloaded_error", "message": "Busy"}}\n\n',
    )

    def settings_at(self, url: str, *, silence: float | None = None) -> Mapping[str, Any]:
        return {"baseUrl": url, "local": False, "timeout": silence or 300.0}

    def make_server(self) -> ModelServer:
        return ReplayServer(models=[model(OPUS)])

    def refusal(self, status: int, **headers: str) -> PlayedReply:
        return failure(status, "api_error", "Oh dear.", **headers)
