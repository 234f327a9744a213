"""Model providers and tiers: who thinks, and what it costs."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from attrs import field, frozen
from attrs.validators import ge, instance_of, optional

from argent_hookspecs.context import ContextBlock
from argent_hookspecs.messages import Message, Thinking
from argent_hookspecs.tools import ToolCall, ToolSpec


@frozen(kw_only=True)
class Price:
    """Dollars per million tokens.

    Args:
        input: Tokens that are read anew.
        output: Tokens that are written, thinking included.
        cache_read: Tokens that are found in the provider's cache; as ``input`` if unknown.
        cache_write: Tokens that are put there; as ``input`` if unknown.
        above: Tokens of input, found in the cache or not, above which ``long`` holds instead.
        long: The price of a call with so long an input, where it is another.
    """

    input: float = field(validator=ge(0))
    output: float = field(validator=ge(0))
    cache_read: float | None = field(default=None, validator=optional(ge(0)))
    cache_write: float | None = field(default=None, validator=optional(ge(0)))
    above: int = field(default=0, validator=ge(0))
    long: Price | None = None

    def of(self, input_tokens: int) -> Price:
        """Return the price of a call with so much input."""
        return self.long if self.long is not None and input_tokens > self.above else self


FREE = Price(input=0.0, output=0.0)
"""The price of a model that runs on the person's own machine."""


@frozen(kw_only=True)
class Usage:
    """Tokens that a call used, as counted by the provider; each is counted once.

    Args:
        input_tokens: Read anew, at the full price.
        output_tokens: Written, thinking included.
        cache_read_tokens: Found in the provider's cache.
        cache_write_tokens: Put there.
    """

    input_tokens: int = field(default=0, validator=[instance_of(int), ge(0)])
    output_tokens: int = field(default=0, validator=[instance_of(int), ge(0)])
    cache_read_tokens: int = field(default=0, validator=[instance_of(int), ge(0)])
    cache_write_tokens: int = field(default=0, validator=[instance_of(int), ge(0)])


class FinishReason(enum.StrEnum):
    """Why a model stopped."""

    STOP = "stop"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"
    REFUSAL = "refusal"


@frozen
class TextDelta:
    """The next words of an answer."""

    text: str = field(validator=instance_of(str))


@frozen(kw_only=True)
class Finish:
    """The last part of a stream.

    Args:
        confidence: Mean probability that the model gave to the tokens it wrote, from 0 to 1, where
            the provider tells.
    """

    reason: FinishReason = field(converter=FinishReason, default=FinishReason.STOP)
    usage: Usage = field(factory=Usage)
    confidence: float | None = field(default=None, validator=optional(instance_of(float)))


ModelPart = TextDelta | Thinking | ToolCall | Finish
"""What a model's stream is made of. ``Finish`` comes once, last."""


@frozen(kw_only=True)
class ModelRequest:
    """What a model is asked.

    Args:
        model: The provider's own name of the model.
        system: Context that stays the same from turn to turn, in order. What comes from outside is
            marked as data in the text already, here and in the messages.
        messages: The conversation, oldest first; the last one is the user's.
        tools: What the model may call, the same in every request of a turn.
        may_call: Whether it may call them now. If not, they are shown all the same where that can
            be said: a prompt cache begins with them.
        max_output_tokens: It stops there.
        key: The same for every try of this call.
        stable: How many of the messages, from the first on, will be the same in the next turn: up
            to there a prompt cache holds.
    """

    model: str
    system: tuple[ContextBlock, ...] = ()
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    may_call: bool = True
    max_output_tokens: int = 4096
    key: str = ""
    stable: int = 0


@frozen(kw_only=True)
class ModelInfo:
    """What is known about a model.

    Args:
        id: The provider's own name.
        context_window: Tokens of input and output together.
        price: Unknown (None) counts as the dearest known one.
        good_for: One line for ``argent status``.
        advice: How to get a better one, if there is a way.
        max_output: Tokens that one answer may have, where the provider tells.
        takes_images: Whether messages may hold images.
    """

    id: str
    context_window: int = field(validator=instance_of(int))
    price: Price | None = None
    good_for: str = ""
    advice: str = ""
    max_output: int | None = None
    takes_images: bool = False


@frozen(kw_only=True)
class PullProgress:
    """How far a model's download is.

    Args:
        status: What is done now, for people.
        done: Bytes that are there.
        total: Bytes in all; None if unknown.
    """

    status: str
    done: int = 0
    total: int | None = None


@runtime_checkable
class ModelClient(Protocol):
    """A provider that is open.

    One that can list, fetch or embed is a ``ModelCatalogue``, ``ModelLibrary`` or ``Embedder`` too.
    """

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """Answer a request, part by part.

        Closing the iterator stops the model. Raises ``ModelUnavailable``, ``ContextTooLong`` or
        ``ModelRejected``.
        """
        ...

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known about a model, without loading it."""
        ...


@runtime_checkable
class ModelCatalogue(Protocol):
    """A provider that lists its models."""

    async def models(self) -> Sequence[ModelInfo]:
        """Return the models that can be used now. Raises ``ModelError``."""
        ...


@runtime_checkable
class ModelLibrary(Protocol):
    """A provider that fetches models to the person's own machine."""

    def pull(self, model: str) -> AsyncIterator[PullProgress]:
        """Fetch a model, telling how far it is. Raises ``ModelError``."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """A provider whose models turn texts into vectors."""

    async def embed(self, model: str, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return one vector for each text, all of the same length. Raises ``ModelError``."""
        ...


@frozen(kw_only=True)
class ModelProvider:
    """A place where models run.

    Args:
        id: Unique among providers; tiers refer to it.
        open: Yields the client and closes it.
        timeout: Seconds that one answer may take, from its first part on.
        idle_timeout: Seconds without any part after which it counts as hung, unless the plugin
            reports progress (``PluginContext.progress``) meanwhile: a download, say.
        local: Whether what it is told stays on the person's own machine.
    """

    id: str
    open: Callable[[], AbstractAsyncContextManager[ModelClient]]
    local: bool = False
    timeout: float = 600.0
    idle_timeout: float = 120.0
    order: int = 0


@frozen(kw_only=True)
class ModelTier:
    """A class of models by ability and price, and the model that serves it.

    Args:
        id: Unique among tiers.
        name: ``local``, ``fast``, ``balanced``, ``powerful``, or a further one.
        below: Scores below this (and at or above the next lower tier's) belong to the tier.
        provider: Id of the model provider.
        model: The provider's name of the model.
        max_output_tokens: Longest answer.
        order: Rank among tiers of the same name; the lowest that is installed serves it.
    """

    id: str
    name: str
    below: float = field(validator=instance_of((int, float)))
    provider: str
    model: str
    max_output_tokens: int = 4096
    order: int = 0
