"""Fetching a model: https://docs.ollama.com/api/pull."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argent_hookspecs import ModelUnavailable, PullProgress

_DONE = "success"


class Pull:
    """A model on its way; it comes in layers, whose bytes are added up.

    Args:
        model: Its name.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._layers: dict[str, tuple[int, int]] = {}
        self._status = ""

    def take(self, document: Mapping[str, Any]) -> PullProgress:
        """Take the next document and return how far the whole is."""
        self._status = str(document.get("status") or "")
        layer, total = document.get("digest"), document.get("total")
        if isinstance(layer, str) and type(total) is int:
            done = document.get("completed")
            self._layers[layer] = (done if type(done) is int else 0, total)
        return PullProgress(
            status=self._status,
            done=sum(done for done, _ in self._layers.values()),
            total=sum(total for _, total in self._layers.values()) or None,
        )

    def end(self) -> None:
        """Make sure that all has come. Raises ``ModelUnavailable``."""
        if self._status != _DONE:
            raise ModelUnavailable(
                f"the download of {self._model} broke off; what is there is kept: ask again"
            )
