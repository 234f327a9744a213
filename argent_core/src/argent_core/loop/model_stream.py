"""The model's stream: one call to a model, from request to collected answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, nullcontext
from functools import partial
from math import inf
from typing import Any

from attrs import astuple, define, field, frozen

from argent_core.guard import Guard
from argent_core.hosted_plugin import Registered
from argent_core.outcome import shown
from argent_hookspecs import (
    Finish,
    FinishReason,
    MessagePart,
    ModelClient,
    ModelPart,
    ModelRequest,
    ModelUnavailable,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
    Usage,
)

_DRAFT_SECONDS = 0.03
_LETTERS_A_TOKEN = 100
_LETTERS_AT_LEAST = 100_000
_LETTERS_A_PART = 100
"""For how many letters a part without any counts: nobody has an endless number of them."""
_MOST_TOKENS = 2**53


@frozen(kw_only=True)
class ModelAnswer:
    """What a model said and what it used.

    Args:
        parts: Its words, its thoughts and the tools it wants, in order.
        tier: Id of the tier that it serves.
        shortened: Whether the budget left room for a shorter answer only than was wanted.
    """

    parts: tuple[MessagePart, ...]
    reason: FinishReason = FinishReason.STOP
    usage: Usage = field(factory=Usage)
    confidence: float | None = None
    tier: str = ""
    shortened: bool = False

    @property
    def text(self) -> str:
        """Its words."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def calls(self) -> list[ToolCall]:
        """The tools it wants."""
        return [part for part in self.parts if isinstance(part, ToolCall)]


@define(eq=False, repr=False)
class ModelStream:
    """Calls models."""

    guard: Guard

    async def answer(
        self,
        provider: Registered,
        request: ModelRequest,
        *,
        on_text: Callable[[str], None],
        on_first: Callable[[], None],
        patience: float = inf,
    ) -> ModelAnswer:
        """Make one call and collect its stream.

        Args:
            on_text: Told the answer so far, a few times a second.
            on_first: Called when the first part comes.
            patience: Seconds of silence after which it is given up, if the provider's own limit is
                not shorter.

        Raises:
            ModelError: As the provider says; ``ModelUnavailable`` also when the answer breaks off
                or takes longer than the provider's timeout.
            PluginError: The provider broke the contract.
        """
        collected = _Collector(on_text)
        parts = self.guard.stream(
            provider.plugin,
            partial(_sound, provider.live, request),
            what=f"model {request.model}",
            idle_timeout=min(provider.record.idle_timeout, patience),
            expects=ModelPart,
        )
        try:
            async with asyncio.timeout(None) as deadline:
                try:
                    async for part in parts:
                        if deadline.when() is None:
                            on_first()
                            # Until the first part comes the model may have to be fetched.
                            now = asyncio.get_running_loop().time()
                            deadline.reschedule(now + provider.record.timeout)
                        collected.add(part)
                finally:
                    collected.tell()
                    await parts.aclose()
        except TimeoutError as error:
            seconds = provider.record.timeout
            raise ModelUnavailable(f"{request.model} took longer than {seconds:g} s") from error
        return collected.answer(request.model)


async def _sound(client: ModelClient, request: ModelRequest) -> AsyncGenerator[Any]:
    """Pass on what a model streams, and look at it while that is still its own doing."""
    room = _LETTERS_A_TOKEN * request.max_output_tokens + _LETTERS_AT_LEAST
    parts: Any = client.stream(request)
    closing = aclosing(parts) if isinstance(parts, AsyncGenerator) else nullcontext()
    async with closing:
        async for part in parts:
            room -= (
                len(part.text) if isinstance(part, TextDelta | Thinking) else 0
            ) or _LETTERS_A_PART
            if room < 0:
                raise ValueError(f"it says more than {request.max_output_tokens} tokens")
            if isinstance(part, Finish) and not _is_usage(part.usage):
                raise TypeError(f"its usage is {shown(part.usage)}")
            yield part
            if isinstance(part, Finish):
                return  # whatever comes after the last part


def _is_usage(usage: object) -> bool:
    counts: tuple[float, ...] = astuple(usage) if isinstance(usage, Usage) else (inf,)
    return max(counts) < _MOST_TOKENS


class _Collector:
    def __init__(self, on_text: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._parts: list[Thinking | ToolCall | list[str]] = []
        self._finish: Finish | None = None
        self._told_at = 0.0
        self._untold = False

    def add(self, part: ModelPart) -> None:
        if isinstance(part, TextDelta):
            self._add_words(part.text)
        elif isinstance(part, Finish):
            self._finish = part
        else:
            self._parts.append(part)

    def tell(self) -> None:
        """Tell the answer so far, unless it is known already."""
        if self._untold:
            self._untold, self._told_at = False, time.monotonic()
            runs = [_joined(part) for part in self._parts if isinstance(part, list)]
            self._on_text("".join(runs))

    def answer(self, model: str) -> ModelAnswer:
        if self._finish is None:
            raise ModelUnavailable(f"the answer of {model} broke off")
        return ModelAnswer(
            parts=tuple(
                Text(_joined(part)) if isinstance(part, list) else part for part in self._parts
            ),
            reason=self._finish.reason,
            usage=self._finish.usage,
            confidence=self._finish.confidence,
        )

    def _add_words(self, text: str) -> None:
        last = self._parts[-1] if self._parts else None
        if isinstance(last, list):
            last.append(text)
        else:
            self._parts.append([text])
        self._untold = True
        if time.monotonic() - self._told_at > _DRAFT_SECONDS:
            self.tell()


def _joined(words: list[str]) -> str:
    # Half of a surrogate pair could be neither stored nor sent.
    return "".join(words).encode(errors="replace").decode()
