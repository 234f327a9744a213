"""The models of one address, as the server lists them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from argent_hookspecs import Clock, ModelError, ModelInfo, ModelRejected
from argent_openai.models import (
    known_model,
    openai_models,
    read_list,
    serves_only_these,
    unknown_model,
)
from argent_openai.settings import Endpoint

_FRESH_SECONDS = 600.0
_AGAIN_SECONDS = 15.0
_NAMES_SHOWN = 5


class Catalogue:
    """What a server says about its models, kept for ten minutes.

    Args:
        endpoint: The address.
        get: Fetches a JSON document of it. Raises ``ModelError``.
        clock: By which the list grows old.
    """

    def __init__(
        self, endpoint: Endpoint, get: Callable[[str], Awaitable[Any]], clock: Clock
    ) -> None:
        self._endpoint = endpoint
        self._get = get
        self._clock = clock
        self._lock = asyncio.Lock()
        self._models: dict[str, ModelInfo] = {}
        self._only_these = False
        self._asked_at = float("-inf")
        self._failed = False
        self._table_read = False

    async def models(self) -> list[ModelInfo]:
        """Fetch the list. Raises ``ModelError``."""
        async with self._lock:
            await self._fetch()
            return list(self._models.values())

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known about a model, without failing and without asking twice."""
        await self._read_table()
        known = known_model(model, self._endpoint)
        if known is not None and self._endpoint.at_openai:
            return known
        await self._look(model)
        return self._models.get(model) or known or unknown_model(model, self._endpoint)

    async def refuses(self, model: str) -> ModelRejected | None:
        """Say why a model cannot be asked, if the server would let another one answer for it."""
        if not self._endpoint.here:
            return None
        await self._look(model)
        if not self._only_these or self._failed or model in self._models:
            return None
        names = sorted(self._models)[:_NAMES_SHOWN]
        return ModelRejected(f"{self._endpoint.id} has no model {model}; it has {', '.join(names)}")

    async def _look(self, model: str) -> None:
        """Fetch the list if it is old, or if it does not have the model and may have grown."""
        async with self._lock:
            age = self._clock.monotonic() - self._asked_at
            patience = _AGAIN_SECONDS if self._failed else _FRESH_SECONDS
            if age < (patience if model in self._models or self._failed else _AGAIN_SECONDS):
                return
            try:
                await self._fetch()
            except ModelError:
                # Whoever asks for an answer is told; until then a guess will do.
                self._failed = True

    async def _fetch(self) -> None:
        self._asked_at = self._clock.monotonic()
        document = await self._get("models")
        await self._read_table()
        self._models = {info.id: info for info in read_list(document, self._endpoint)}
        self._only_these = serves_only_these(document)
        self._failed = False

    async def _read_table(self) -> None:
        if not self._table_read:
            await asyncio.to_thread(openai_models)
            self._table_read = True
