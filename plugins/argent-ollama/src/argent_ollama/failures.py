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
_PASSING = (408, 409, 425, 429)
_LONGEST = 300


def failure(
    status: int, body: str, *, model: str = "", retry_after: str | None = None
) -> ModelError:
    """Return the contract's error for one of the server.

    Args:
        status: Of HTTP; 0 for an error within a stream.
        body: What the server said.
        model: Whom it concerns.
        retry_after: The header of that name.
    """
    said = words_of(body)
    about = f"{model} in Ollama" if model else "Ollama"
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
        return ModelUnavailable(f"{about} failed: {said}", retry_after=_seconds(retry_after))
    return ModelRejected(f"{about} refused the request ({status}): {said}")


def not_pulled(model: str) -> ModelRejected:
    """Return the error for a model that the server does not have."""
    return ModelRejected(
        f"Ollama does not have the model {model}; fetch it with: argent models pull {model}"
    )


def not_running(address: str) -> ModelUnavailable:
    """Return the error for a server that nobody can reach."""
    return ModelUnavailable(
        f"Ollama does not answer at {address}. Start it with: ollama serve; or say where it is: "
        "argent config set plugins.ollama.baseUrl ADDRESS"
    )


def strange(what: str) -> ModelUnavailable:
    """Return the error for an answer that is not as agreed."""
    return ModelUnavailable(f"Ollama sent {what}")


def words_of(body: str) -> str:
    """Find what is meant for people in an error, which may hold another one.

    >>> words_of('{"error": "{\\\\"error\\\\": {\\\\"message\\\\": \\\\"too long\\\\"}}"}')
    'too long'
    """
    found: object = body
    for _ in range(4):
        if isinstance(found, str) and found.lstrip().startswith("{"):
            try:
                found = json.loads(found)
            except ValueError:
                break
        if not isinstance(found, dict):
            break
        found = found.get("error") or found.get("message") or str(found)
    words = " ".join(str(found).split())
    return words[:_LONGEST] or "it gave no reason"


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
