"""How a model is to answer: whether it thinks, and how much trouble it takes.

What each model accepts differs, and anything else is an error:
https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting
"""

from __future__ import annotations

from typing import Any

from argent_anthropic.catalogue import ModelFacts
from argent_anthropic.conversation import Conversation
from argent_anthropic.settings import AnthropicSettings

_OFF = ("disabled", "between_tools")
_LEAST_BUDGET = 1024
_ABOVE_HIGH = ("xhigh", "max")


def manner(
    facts: ModelFacts,
    settings: AnthropicSettings,
    *,
    room: int,
    conversation: Conversation,
) -> dict[str, Any]:
    """Return the fields of a request that say so; none for a model of which nothing is known.

    Args:
        room: Tokens of the longest answer, thoughts included.
        conversation: As it is sent.
    """
    fields: dict[str, Any] = {}
    effort = settings.effort if settings.effort in facts.efforts else None
    wanted = settings.thinking or effort in _ABOVE_HIGH
    thinking = _thinking(facts, settings, wanted=wanted, room=room)
    # A turn that began without thoughts ends without them: the API wants one before each call.
    if thinking and "budget_tokens" in thinking and conversation.has_unthinking_calls:
        thinking = {"type": "disabled"}
    if thinking:
        fields["thinking"] = thinking
    if effort:
        fields["output_config"] = {"effort": effort}
    return fields


def _thinking(
    facts: ModelFacts, settings: AnthropicSettings, *, wanted: bool, room: int
) -> dict[str, Any] | None:
    budget = min(settings.thinking_budget, room // 2)
    if wanted and "adaptive" in facts.thinking:
        return {"type": "adaptive"}
    if wanted and "enabled" in facts.thinking and budget >= _LEAST_BUDGET:
        return {"type": "enabled", "budget_tokens": budget}
    return next(({"type": off} for off in _OFF if off in facts.thinking), None)
