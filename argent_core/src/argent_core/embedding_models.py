"""Models of providers that turn texts into vectors, as plugins may use them: within the budget."""

from __future__ import annotations

import asyncio
import math
import uuid
from array import array
from collections.abc import Callable, Sequence
from functools import partial

from attrs import define, field

from argent_core.guard import Guard
from argent_core.host import PluginHost
from argent_core.hosted_plugin import Registered
from argent_core.loop.budget import ModelCall
from argent_core.loop.prices import WorstCase, cost
from argent_core.loop.tokens import estimate
from argent_core.loop.turn_account import is_free
from argent_core.loop.workshop import Workshop
from argent_hookspecs import (
    BudgetReached,
    Embedder,
    ModelError,
    ModelInfo,
    ModelProvider,
    ModelRejected,
    ModelUnavailable,
    PluginError,
    Transaction,
    Usage,
)

_STARTING = 1.0


@define(eq=False, repr=False)
class EmbeddingModels:
    """The providers' models that turn texts into vectors."""

    host: PluginHost
    guard: Guard
    shop: Workshop

    async def open(self, name: str, *, plugin: str) -> ProviderEmbedder:
        """Return a model, after asking it for the length of its vectors.

        Args:
            name: ``PROVIDER/MODEL``.
            plugin: Whose calls they are, for the budget.

        Raises:
            ModelError: There is none such, or it cannot be asked now.
        """
        found, model = self.find(name), name.partition("/")[2]
        try:
            info = await self.shop.router.describe(found, model)
        except PluginError as error:
            raise ModelUnavailable(str(error)) from error
        embedder = ProviderEmbedder(self, name, info, plugin)
        (vector,) = await embedder.embed(["a"])
        embedder.dimensions = len(vector)
        return embedder

    def find(self, name: str) -> Registered:
        """Return the provider of a model. Raises ``ModelError``."""
        provider = name.partition("/")[0]
        able = {f.record.id: f for f in self._providers() if isinstance(f.live, Embedder)}
        found = able.get(provider)
        if found is None:
            if self.host.starting:
                raise ModelUnavailable(
                    f"the provider {provider!r} is still starting", retry_after=_STARTING
                )
            known = f"; those that do: {', '.join(sorted(able))}" if able else ""
            raise ModelRejected(
                f"no provider {provider!r} runs that makes vectors{known}. A model for vectors is "
                "named PROVIDER/MODEL, such as ollama/nomic-embed-text"
            )
        if self._stays_here and not found.record.local:
            raise ModelRejected(
                f"{name} is not on this machine, and models.routing.profile is local-only"
            )
        return found

    @property
    def _stays_here(self) -> bool:
        return self.shop.router.config.models.routing.profile == "local-only"

    def _providers(self) -> Sequence[Registered]:
        return self.host.registered(ModelProvider)


@define(eq=False, repr=False)
class ProviderEmbedder:
    """One model; the contract's ``TextEmbedder``.

    Args:
        id: ``PROVIDER/MODEL``.
        info: What its provider says of it.
        plugin: Whose calls they are.
    """

    models: EmbeddingModels
    id: str
    info: ModelInfo
    plugin: str
    dimensions: int = 0
    scripts: tuple[str, ...] = field(init=False, default=())

    @property
    def longest(self) -> int:
        """Tokens that are read of a text."""
        return max(1, self.info.context_window)

    @property
    def local(self) -> bool:
        """Whether what it is given stays on the person's own machine."""
        provider = self.id.partition("/")[0]
        return any(
            found.record.local
            for found in self.models.host.registered(ModelProvider)
            if found.record.id == provider
        )

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> list[array[float]]:
        """Return one vector for each text; see ``TextEmbedder.embed``."""
        if not texts:
            return []
        found = self.models.find(self.id)
        some = [self._cut(text) for text in texts]
        # In a thread, for the first call reads the table.
        price = await asyncio.to_thread(self.models.shop.prices.of, found.record, self.info)
        most = sum(len(text.encode(errors="replace")) for text in some)  # as in ``most_tokens``
        worst = WorstCase(price=price.price, input_tokens=most, most_output=0, known=price.known)
        if worst.amount(0) == 0:
            return await self._ask(found, some)
        return await self._pay(found, some, worst)

    async def _pay(
        self, found: Registered, texts: Sequence[str], worst: WorstCase
    ) -> list[array[float]]:
        """Ask within the budget."""
        budget, clean = self.models.shop.budget, self.models.shop.clean
        call = self._call(found.record.id)
        write = self.models.shop.journal.database.write
        await write(lambda tx: budget.reserve(tx, call, worst=worst), durable=True)
        try:
            vectors = await self._ask(found, texts)
        except ModelError as error:
            reason, free = clean(str(error)), is_free(error, heard=False)
            await self._put_down(lambda tx: budget.fail(tx, call, reason=reason, free=free))
            raise
        usage = Usage(input_tokens=min(worst.input_tokens, sum(map(estimate, texts))))
        spent = cost(worst.price, usage)
        await self._put_down(lambda tx: budget.settle(tx, call, spent=spent, usage=usage))
        return vectors

    async def _put_down(self, work: Callable[[Transaction], list[BudgetReached]]) -> None:
        shop = self.models.shop
        for notice in await shop.journal.database.write(work, durable=True):
            shop.publish(notice)

    def _call(self, provider: str) -> ModelCall:
        return ModelCall(
            key=f"vectors-{uuid.uuid4().hex}",
            turn="",
            conversation=self.plugin,
            source=self.plugin,
            tier="",
            provider=provider,
            model=self.id.partition("/")[2],
        )

    def _cut(self, text: str) -> str:
        """Return as much of a text as the model reads."""
        tokens = estimate(text)
        return text if tokens <= self.longest else text[: len(text) * self.longest // tokens]

    async def _ask(self, found: Registered, texts: Sequence[str]) -> list[array[float]]:
        model = self.id.partition("/")[2]
        try:
            vectors: list[array[float]] = await self.models.guard.ask(
                found.plugin,
                partial(_embedded, found.live, model, texts=texts),
                what=f"vectors of {model}",
                timeout=found.record.timeout,
                expects=list,
            )
        except PluginError as error:
            raise ModelUnavailable(str(error), may_cost=True) from error
        return vectors


async def _embedded(live: Embedder, model: str, *, texts: Sequence[str]) -> list[array[float]]:
    """Ask a provider, and read what it gives while that is still its own doing."""
    vectors = [_unit(vector) for vector in await live.embed(model, texts)]
    if len(vectors) != len(texts) or len({len(vector) for vector in vectors}) > 1:
        raise ValueError(f"{len(vectors)} vectors for {len(texts)} texts, or of different lengths")
    return vectors


def _unit(vector: Sequence[float]) -> array[float]:
    length = math.hypot(*vector) or 1.0
    return array("f", [number / length for number in vector])
