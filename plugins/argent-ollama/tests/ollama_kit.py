"""What the tests of this plugin share: a context of its own, and ways to ask."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from played_ollama import SMALL

import argent_ollama
from argent_hookspecs import ModelPart, ModelRequest, ToolSpec
from argent_ollama.settings import OllamaSettings
from argent_testing import FakeContext, FakeSecrets, answers

COIN = ToolSpec(
    "coin",
    "Toss a coin.",
    {
        "type": "object",
        "properties": {
            "how": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
            "where": {"type": "object", "properties": {"x": {"type": "number"}}},
        },
        "additionalProperties": False,
    },
)

ask = partial(answers.ask, model=SMALL)


def context(url: str, *, secrets: Mapping[str, str] | None = None, **settings: Any) -> FakeContext:
    """A context whose settings lead to a server."""
    found = OllamaSettings(base_url=url, **settings)
    return FakeContext(argent_ollama, found, FakeSecrets(dict(secrets or {})))


async def answer(
    url: str, request: ModelRequest, *, secrets: Mapping[str, str] | None = None, **settings: Any
) -> list[ModelPart]:
    """Ask a server once."""
    async with context(url, secrets=secrets, **settings).open() as client:
        return await answers.collect(client, request)
