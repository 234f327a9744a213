"""A look at a model's answer: whether a better model should be asked."""

from __future__ import annotations

from argent_core.loop.model_stream import ModelAnswer
from argent_core.loop.tools import Tools
from argent_hookspecs import FinishReason, ToolError

UNSURE = 0.5
"""Mean probability of the tokens of an answer below which it counts as a guess."""


async def flaw(answer: ModelAnswer, tools: Tools | None) -> str | None:
    """Return what is wrong with an answer, or None.

    Args:
        tools: Those that the answer may ask for, if it may ask for any.
    """
    if answer.reason is FinishReason.REFUSAL:
        return None  # a more able model refuses it too
    if answer.shortened and answer.reason is FinishReason.LENGTH:
        return None  # the budget has cut it; another would only cost more
    if not answer.text.strip() and not (answer.calls and tools is not None):
        return "it is empty"
    if answer.reason is FinishReason.LENGTH:
        return "it is cut off"
    if tools is not None:
        try:
            for call in answer.calls:
                await tools.demand_fit(call)
        except ToolError as error:
            return f"it asks for a tool in the wrong way: {error}"
    if answer.confidence is not None and answer.confidence < UNSURE:
        return f"the model is unsure of it ({answer.confidence:.2f})"
    return None
