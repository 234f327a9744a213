"""The provider with servers that fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from played_ollama import SMALL, PlayedOllama, refusal

from argent_testing import ModelOutageContract, ModelServer, PlayedReply
from argent_testing.wire.ollama import done, lines, said


class TestOutages(ModelOutageContract):
    plugin = "argent_ollama"
    model = SMALL
    path = "/api/chat"
    recorded = b"".join(
        lines(
            said("Wait — "),
            said("wörld 🙂"),
            said(tool_calls=[{"id": "a", "function": {"name": "coin", "arguments": {}}}]),
            done(),
        )
    )
    decisive = b'"done": true'
    media = "application/x-ndjson"
    frame_end = b"\n"
    spoilt = (
        b"<html>\n",
        b"[1]\n",
        b"\xff\xfe\n",
        b'{"message": 3}\n',
        b'{"message": {"tool_calls": [{}]}}\n',
        b'{"message": {"content": 5}}\n',
        b'{"error": "an error was encountered while running the model"}\n',
    )

    def settings_at(self, url: str, *, silence: float | None = None) -> Mapping[str, Any]:
        return {"baseUrl": url, "silence": silence or 300.0}

    def make_server(self) -> ModelServer:
        return PlayedOllama()

    def refusal(self, status: int, **headers: str) -> PlayedReply:
        return refusal(status, "Oh dear.", **headers)
