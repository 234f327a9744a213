"""What the server says about its models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from argent_hookspecs import FREE, ModelInfo
from argent_ollama.settings import OLLAMA_CLOUD, OllamaSettings

_SAY_SO = (
    "If this Ollama is your own, say so, and its models cost nothing: argent config set "
    "plugins.ollama.local true"
)
_NUM_CTX = re.compile(r"^num_ctx\s+(\d+)", re.MULTILINE)


@frozen(kw_only=True)
class Traits:
    """What a model is like.

    Args:
        window: Tokens of input and output together, as it is run.
        tools: Whether it can use tools.
        thinks: Whether it can think before it speaks.
        images: Whether it sees pictures.
        remote: Where it really runs, if the server passes requests on.
    """

    window: int
    tools: bool = True
    thinks: bool = False
    images: bool = True
    remote: str = ""

    def is_free(self, settings: OllamaSettings) -> bool:
        """Say whether it costs nothing."""
        return settings.is_own and not self.remote

    def info(self, model: str, settings: OllamaSettings, *, good_for: str = "") -> ModelInfo:
        """Return it in the contract's words."""
        may_be_own = settings.local is None and settings.host != OLLAMA_CLOUD and not self.remote
        free = self.is_free(settings)
        return ModelInfo(
            id=model,
            context_window=self.window,
            price=FREE if free else None,
            good_for=good_for,
            advice=_SAY_SO if may_be_own and not free else "",
            takes_images=self.images,
        )


def read_show(document: Mapping[str, Any], settings: OllamaSettings) -> Traits:
    """Read what ``/api/show`` says. What is missing is taken to be the usual."""
    trained = _trained(document.get("model_info"))
    remote = str(document.get("remote_host") or "")
    able = document.get("capabilities")
    known = able if isinstance(able, list) else ["tools", "vision"]
    return Traits(
        window=_window(trained, document.get("parameters"), settings, remote=bool(remote)),
        tools="tools" in known,
        thinks="thinking" in known,
        images="vision" in known,
        remote=remote,
    )


def _trained(info: Any) -> int | None:
    """Return the tokens that the model was made for."""
    if not isinstance(info, Mapping):
        return None
    own = info.get(f"{info.get('general.architecture')}.context_length")
    any_of = (value for key, value in info.items() if str(key).endswith(".context_length"))
    found = own if own is not None else next(any_of, None)
    return found if type(found) is int and found > 0 else None


def _window(trained: int | None, parameters: Any, settings: OllamaSettings, *, remote: bool) -> int:
    """Return the window: what somebody wrote down for the model goes before the setting."""
    if remote and trained:
        return trained  # it takes no memory here
    written = _NUM_CTX.search(parameters) if isinstance(parameters, str) else None
    wanted = int(written[1]) if written else settings.context
    return max(1, min(wanted, trained or wanted))


def describe_size(listed: Mapping[str, Any]) -> str:
    """Say in a few words how large a model of the list is.

    >>> describe_size({"size": 2019393189, "details": {"parameter_size": "3.2B"}})
    '3.2B parameters, 2.0 GB'
    """
    details = listed.get("details")
    details = details if isinstance(details, Mapping) else {}
    parameters, size = details.get("parameter_size"), listed.get("size")
    words = [f"{parameters} parameters"] if parameters else []
    if isinstance(size, int) and size > 1 << 20:
        words.append(f"{size / 1e9:.1f} GB")
    return ", ".join(words)
