"""What the tests of this plugin share: a context of its own, and a tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import argent_openai
from argent_hookspecs import ToolSpec
from argent_openai.settings import EndpointSettings, OpenAISettings
from argent_testing import FakeContext, FakeSecrets

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
