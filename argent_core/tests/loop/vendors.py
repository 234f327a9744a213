"""Vendors of models: providers with a tier, a price and a script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import nullcontext
from typing import Any, TypeAlias

from argent_hookspecs import (
    Finish,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRequest,
    ModelTier,
    Notice,
    Observer,
    Price,
    TextDelta,
    Usage,
)
from argent_testing import MadePlugin, hang

BELOW = {"local": 0.3, "fast": 0.5, "balanced": 0.8, "powerful": 2.0}
PENNY = Price(input=0.0, output=10_000.0)
"""A cent for each token of an answer, and nothing for the question."""

Part: TypeAlias = str | ModelPart | Exception | Callable[..., Any]
Step: TypeAlias = str | Exception | Sequence[Part]


class Vendor:
    """A model that keeps to a script.

    Args:
        tier: Name of the tier that it serves.
        script: The answers, in order: words, or parts, errors and what never ends.
        price: None if it does not tell.
        patience: Seconds of silence after which it is given up.
    """

    def __init__(
        self,
        tier: str,
        *script: Step,
        price: Price | None = PENNY,
        local: bool = False,
        most_output: int = 100,
        patience: float = 0.2,
    ) -> None:
        self.name = f"{tier}-vendor"
        self.tier = tier
        self.script = list(script)
        self.price = price
        self.local = local
        self.most_output = most_output
        self.patience = patience
        self.others: tuple[str, ...] = ()
        self.requests: list[ModelRequest] = []
        self.on_request: Callable[[], None] = lambda: None

    def plugin(self) -> MadePlugin:
        """Return a plugin that brings it."""
        return MadePlugin(
            self.name,
            ModelProvider(
                id=self.name,
                open=lambda: nullcontext(self),
                idle_timeout=self.patience,
                local=self.local,
            ),
            *(
                ModelTier(
                    id=tier,
                    name=tier,
                    below=BELOW[tier],
                    provider=self.name,
                    model=f"{tier}-1",
                    max_output_tokens=self.most_output,
                )
                for tier in (self.tier, *self.others)
            ),
        )

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """Answer with the next step of the script; an answer uses ten tokens."""
        self.requests.append(request)
        self.on_request()
        step = self.script.pop(0)
        for part in [step] if isinstance(step, (str, Exception)) else step:
            if part is hang:
                await hang()
            if isinstance(part, Exception):
                raise part
            yield TextDelta(part) if isinstance(part, str) else part
            if isinstance(part, Finish):
                return
        yield Finish(usage=Usage(input_tokens=10, output_tokens=10))

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known about the model."""
        return ModelInfo(id=model, context_window=32_768, price=self.price)


class Watcher:
    """Keeps the notices of some kinds."""

    def __init__(self, *kinds: type[Any]) -> None:
        self.seen: list[Any] = []
        self._kinds = kinds

    def plugin(self) -> MadePlugin:
        """Return a plugin that brings it."""
        return MadePlugin("watcher", Observer(id="watcher", notify=self._notify, kinds=self._kinds))

    async def _notify(self, notice: Notice) -> None:
        self.seen.append(notice)


def starting_with(tier: str, *, attempts: int = 1, **budget: Any) -> dict[str, Any]:
    """Return a configuration in which a tier is asked first, and failures come to light."""
    return {
        "models": {"default": tier, "routing": {"enabled": False}},
        "budget": {"perDay": None, "perMonth": None, **budget},
        "loop": {"maxAttempts": attempts},
    }
