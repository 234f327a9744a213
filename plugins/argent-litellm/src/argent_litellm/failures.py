"""What LiteLLM's errors mean."""

from __future__ import annotations

import re

from argent_hookspecs import ContextTooLong, ModelError, ModelRejected, ModelUnavailable

_TOO_LONG = re.compile(
    r"maximum context|context.length.exceeded|context window|prompt is too long", re.IGNORECASE
)
_PASSING = (408, 409, 425, 429)
_CUT = ("Timeout", "APIConnectionError")
_LONGEST = 300


def failure(error: Exception, *, model: str, hidden: str) -> ModelError:
    """Return the contract's error for one of LiteLLM.

    Args:
        model: Whom it concerns.
        hidden: The key, which the message must not show.
    """
    said = str(getattr(error, "message", "")) or str(error) or type(error).__name__
    words = " ".join((said.replace(hidden, "…") if hidden else said).split())[:_LONGEST]
    about = f"{model} through LiteLLM"
    if type(error).__name__ == "ContextWindowExceededError" or _TOO_LONG.search(said):
        return ContextTooLong(f"the request does not fit the window of {about}: {words}")
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) else 0
    if status in (401, 403):
        vendor = str(getattr(error, "llm_provider", "") or model.partition("/")[0])
        return ModelRejected(
            f"{about} does not take the key: {words}. Give it one: argent secrets set {vendor}, "
            f"then argent config set plugins.litellm.keys.{vendor} store:{vendor}"
        )
    if status and status < 500 and status not in _PASSING:
        return ModelRejected(f"{about} refused the request ({status}): {words}")
    cut = type(error).__name__ in _CUT
    return ModelUnavailable(f"{about} failed: {words}", retry_after=_wait(error), may_cost=cut)


def _wait(error: Exception) -> float | None:
    """Return the seconds that the server asks to wait, where it does."""
    response = getattr(error, "response", None)
    places = [getattr(error, name, None) for name in ("litellm_response_headers", "headers")]
    for headers in (*places, getattr(response, "headers", None)):
        try:
            return max(0.0, float((headers or {}).get("retry-after", "")))
        except (TypeError, ValueError, AttributeError):
            continue
    return None
