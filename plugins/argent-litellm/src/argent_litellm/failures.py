"""What LiteLLM's errors mean."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from argent_hookspecs import ContextTooLong, ModelError, ModelRejected, ModelUnavailable
from argent_hookspecs.http import retry_after

_TOO_LONG = re.compile(
    r"maximum context|context.length.exceeded|context window|prompt is too long", re.IGNORECASE
)
_PASSING = (408, 409, 425, 429)
_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$", re.IGNORECASE)
_SHORTEST_SECRET = 8
_LONGEST = 300
_DEPTH = 12
_LOST = {
    "Timeout", "APITimeoutError", "APIConnectionError", "MidStreamFallbackError",
    "ReadTimeout", "ReadError", "RemoteProtocolError", "ServerDisconnectedError",
}  # fmt: skip
_NEVER_THERE = {
    "ConnectError", "ConnectTimeout", "PoolTimeout", "ClientConnectorError",
    "ConnectionTimeoutError", "ConnectionRefusedError", "gaierror",
}  # fmt: skip


def failure(
    error: Exception, *, model: str, hidden: str, now: datetime, begun: bool = False
) -> ModelError:
    """Return the contract's error for one of LiteLLM.

    Args:
        model: Whom it concerns.
        hidden: The key, which the message must not show.
        now: For dates until which to wait.
        begun: Whether a part of the answer had come.
    """
    said = str(getattr(error, "message", "")) or str(error) or type(error).__name__
    words = " ".join(hide(said, hidden).split())[:_LONGEST]
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
    if 300 <= status < 400:
        return ModelRejected(
            f"{about} sends elsewhere ({status}), where nobody said that it may be asked; correct "
            "plugins.litellm.addresses"
        )
    if status and status < 500 and status not in _PASSING:
        return ModelRejected(f"{about} refused the request ({status}): {words}")
    return ModelUnavailable(
        f"{about} failed: {words}", retry_after=_wait(error, now), may_cost=begun or _is_lost(error)
    )


def hide(words: str, hidden: str) -> str:
    """Take the key out of what is told, and those that LiteLLM finds in the environment."""
    found = (value for name, value in os.environ.items() if _SECRET.search(name))
    for key in (hidden, *(value for value in found if len(value) >= _SHORTEST_SECRET)):
        words = words.replace(key, "…") if key else words
    return words


def _is_lost(error: BaseException) -> bool:
    """Say whether the server may have had the request when something went wrong."""
    names = set(_names(error))
    return bool(names & _LOST) and not names & _NEVER_THERE


def _names(error: BaseException | None) -> Iterator[str]:
    """Yield what kinds of errors led to this one."""
    for _ in range(_DEPTH):
        if error is None:
            return
        yield type(error).__name__
        error = error.__cause__ or error.__context__


def _wait(error: Exception, now: datetime) -> float | None:
    """Return the seconds that the server asks to wait, where it does."""
    response = getattr(error, "response", None)
    places = [getattr(error, name, None) for name in ("litellm_response_headers", "headers")]
    for headers in (*places, getattr(response, "headers", None)):
        if isinstance(headers, Mapping):
            told = {str(name): str(value) for name, value in headers.items()}
            if (wait := retry_after(told, now=now)) is not None:
                return wait
    return None
