"""What the tests of this plugin share: a context of its own, and a tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replay import replaying

import argent_openai
from argent_hookspecs import ModelPart, ToolSpec
from argent_openai.settings import EndpointSettings, OpenAISettings
from argent_testing import FakeContext, FakeSecrets, PlayedReply
from argent_testing.answers import ask, collect
from argent_testing.wire.chat import events

COIN = ToolSpec(
    "coin",
    "Toss a coin.",
    {
        "type": "object",
        "properties": {"times": {"type": "integer"}},
        "required": ["times"],
        "additionalProperties": False,
    },
)


def context(settings: OpenAISettings | None = None) -> FakeContext:
    """A context with these settings."""
    return FakeContext(argent_openai, settings or OpenAISettings())


def lab(url: str, *, secrets: Mapping[str, str] | None = None, **settings: Any) -> FakeContext:
    """A context with an address that is called ``lab``."""
    endpoint = EndpointSettings(base_url=url, **settings)
    found = OpenAISettings(endpoints={"lab": endpoint})
    return FakeContext(argent_openai, found, FakeSecrets(dict(secrets or {})))


async def told(*documents: Any, **settings: Any) -> list[ModelPart]:
    """Return the parts of an answer of these chunks."""
    async with (
        replaying(PlayedReply(pieces=events(*documents))) as server,
        lab(server.url, **settings).open("lab") as client,
    ):
        return await collect(client, ask("Hello."))
