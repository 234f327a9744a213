"""What the tests of this plugin share: a context of its own, and what to ask for."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import argent_anthropic
from argent_anthropic.settings import AnthropicSettings
from argent_hookspecs import (
    Message,
    MessagePart,
    ModelPart,
    Role,
    Secret,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
    ToolSpec,
)
from argent_testing import FakeClock, FakeContext, FakeSecrets, answers

OPUS = "claude-opus-5-5"
SONNET = "claude-sonnet-5-5"
HAIKU = "claude-haiku-4-5"
KEY = "sk-ant-1234567890"
NAMED = Secret("env:ANTHROPIC_API_KEY")
COIN = ToolSpec(
    "coin",
    "Toss a coin some times.",
    {
        "type": "object",
        "properties": {"times": {"type": "integer"}},
        "required": ["times"],
        "additionalProperties": False,
    },
)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

ask = partial(answers.ask, model=OPUS)


def context(url: str, **settings: Any) -> FakeContext:
    """A context whose settings lead to a server, with a key unless they name another, or none."""
    secrets = FakeSecrets({NAMED.ref: KEY})
    found = AnthropicSettings(base_url=url, **{"api_key": NAMED, **settings})
    return FakeContext(argent_anthropic, found, secrets, FakeClock(NOON))


def said(parts: list[ModelPart]) -> Message:
    """The message that the kernel makes of an answer: the parts in order, calls by its own ids."""
    told: list[MessagePart] = []
    for part in parts:
        if isinstance(part, TextDelta):
            last = told[-1] if told else None
            if isinstance(last, Text):
                told[-1] = Text(last.text + part.text)
            else:
                told.append(Text(part.text))
        elif isinstance(part, ToolCall):
            number = sum(isinstance(one, ToolCall) for one in told)
            told.append(ToolCall(f"c00001{number:03}", part.name, part.arguments))
        elif isinstance(part, Thinking):
            told.append(part)
    return Message(Role.ASSISTANT, tuple(told))
