"""What an error of the server means, and what the person can do."""

from __future__ import annotations

import json
import re

from argent_hookspecs import ContextTooLong, ModelError, ModelRejected, ModelUnavailable

_TOO_LONG = re.compile(
    r"exceed_context_size|exceeds? the (?:available )?context|longer than the context",
    re.IGNORECASE,
)
_NO_SUCH_MODEL = re.compile(r"model .* not found", re.IGNORECASE)
_NOWHERE = re.compile(r"pull model manifest: file does not exist", re.IGNORECASE)
_HIDDEN = "…"
_PASSING = (408, 409, 425, 429)
_LONGEST = 300
_SHOWN = 80


def failure(
    status: int, body: str, *, model: str = "", hidden: str = "", wait: float | None = None
) -> ModelError:
    """Return the contract's error for one of the server.

    Args:
        status: Of HTTP; 0 for an error within a stream.
        body: What the server said.
        model: Whom it concerns.
        hidden: The key, which the message must not show.
        wait: Seconds after which the server wants to be asked again.
    """
    said = words_of(body, hidden=hidden)
    about = f"{model} in Ollama" if model else "Ollama"
    if 300 <= status < 400:
        return ModelRejected(
            f"{about} sends elsewhere ({status}), where nobody said that it may be asked; correct "
            "plugins.ollama.baseUrl"
        )
    if _TOO_LONG.search(body):
        return ContextTooLong(f"the request does not fit the window of {about}: {said}")
    if _NOWHERE.search(said):
        return ModelRejected(
            f"Ollama's library has no model {model}; look for its name at https://ollama.com/search"
        )
    if status == 404 and model and _NO_SUCH_MODEL.search(said):
        return not_pulled(model)
    if status in (401, 403):
        return ModelRejected(
            f"Ollama does not take the key ({status}): {said}. Give it one: argent secrets set "
            "ollama, then argent config set plugins.ollama.apiKey store:ollama"
        )
    if status == 0 or status in _PASSING or status >= 500:
        return ModelUnavailable(f"{about} failed: {said}", retry_after=wait, may_cost=status == 0)
    return ModelRejected(f"{about} refused the request ({status}): {said}")


def not_pulled(model: str) -> ModelRejected:
    """Return the error for a model that the server does not have."""
    return ModelRejected(
        f"Ollama does not have the model {model}; fetch it with: argent models pull {model} "
        "--provider ollama"
    )


def not_running(address: str) -> ModelUnavailable:
    """Return the error for a server that nobody can reach."""
    return ModelUnavailable(
        f"Ollama does not answer at {address}. Start it with: ollama serve; or say where it is: "
        "argent config set plugins.ollama.baseUrl ADDRESS"
    )


def strange(what: str, seen: str = "", *, hidden: str = "") -> ModelUnavailable:
    """Return the error for an answer that is not as agreed.

    Args:
        what: What it is.
        seen: The beginning of it, to show.
        hidden: The key, which the message must not show.
    """
    shown = f": {hide(seen, hidden)[:_SHOWN]!r}" if seen else ""
    return ModelUnavailable(f"Ollama sent {what}{shown}", may_cost=True)


def hide(words: str, hidden: str) -> str:
    """Take a key out of what is told."""
    return words.replace(hidden, _HIDDEN) if hidden else words


def words_of(body: str, *, hidden: str = "") -> str:
    """Find what is meant for people in an error, which may hold another one.

    Args:
        hidden: The key, which is left out.

    >>> words_of('{"error": "{\\\\"error\\\\": {\\\\"message\\\\": \\\\"too long\\\\"}}"}')
    'too long'
    """
    found: object = body
    for _ in range(4):
        if isinstance(found, str) and found.lstrip().startswith("{"):
            try:
                found = json.loads(found)
            except (ValueError, RecursionError):
                break
        if not isinstance(found, dict):
            break
        found = found.get("error") or found.get("message") or str(found)
    words = " ".join(hide(str(found), hidden).split())
    return words[:_LONGEST] or "it gave no reason"
