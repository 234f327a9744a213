"""Services: what plugins offer to each other, met by type and not by name."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from attrs import field, frozen
from attrs.validators import ge, le

T = TypeVar("T")


@frozen
class ServiceKey(Generic[T]):
    """Name and protocol of a service; two plugins that know the same key can meet.

    Args:
        name: Unique over all services.
        protocol: What the service can do; a runtime-checkable protocol or a class.
    """

    name: str
    protocol: type[Any] = field(eq=False, repr=False)


@frozen(kw_only=True)
class Service(Generic[T]):
    """A service that a plugin offers.

    Args:
        key: What it is.
        open: Yields the service and closes it.
        timeout: Seconds that opening may take.
        order: Which one is found where several plugins offer it: the lowest that runs. Two of the
            same order conflict.
    """

    key: ServiceKey[T]
    open: Callable[[], AbstractAsyncContextManager[T]]
    timeout: float = 30.0
    order: int = 0

    @property
    def id(self) -> str:
        """The key's name."""
        return self.key.name


class Services(Protocol):
    """The services that a plugin can reach."""

    def get(self, key: ServiceKey[T]) -> T:
        """Return a service. Raises ``ServiceMissing`` if no running plugin offers it."""
        ...

    def find(self, key: ServiceKey[T]) -> T | None:
        """Return a service, or None."""
        ...


@frozen(kw_only=True)
class RouteSignals:
    """What a scorer knows about an event.

    Args:
        text: The words of the event.
        tokens: Estimate of input and expected output together.
        tools: Names of the tools that are likely needed.
        memory: Whether memory will be looked up.
        depth: Turns that the conversation had so far.
        creative: Whether creativity is required.
        time_sensitive: Whether a quick answer matters more than a good one.
        topics: What it is about, as far as that matters: ``code``, ``mathematics``.
        table: What the kernel's own table says, for a scorer that leans on it or defers to it.
    """

    text: str
    tokens: int
    tools: frozenset[str] = frozenset()
    memory: bool = False
    depth: int = 0
    creative: bool = False
    time_sensitive: bool = False
    topics: frozenset[str] = frozenset()
    table: Score | None = None


@frozen(kw_only=True)
class Score:
    """How much ability an event asks for, from 0 to 1.

    Args:
        value: The sum.
        factors: What each factor added, shown in the trace.
        cap: Name of the highest tier to use, if a factor limits it.
    """

    value: float = field(validator=[ge(0), le(1)])
    factors: Mapping[str, float] = field(factory=dict)
    cap: str | None = None


@runtime_checkable
class Scorer(Protocol):
    """Decides how much ability an event asks for."""

    async def score(self, signals: RouteSignals) -> Score:
        """Score an event."""
        ...


SCORER: ServiceKey[Scorer] = ServiceKey("scorer", Scorer)
"""A plugin that offers this service replaces the kernel's own scorer."""


@runtime_checkable
class TextEmbedder(Protocol):
    """Turns texts into vectors with one model, for whoever keeps and searches them.

    A provider of models that can do it for any of its models is an ``Embedder``.
    """

    @property
    def id(self) -> str:
        """Name and version of what makes the vectors; those of another cannot be compared."""
        ...

    @property
    def dimensions(self) -> int:
        """Numbers in each vector."""
        ...

    @property
    def longest(self) -> int:
        """Tokens that are read of a text; the rest of it does not count."""
        ...

    @property
    def local(self) -> bool:
        """Whether what it is given stays on the person's own machine."""
        ...

    @property
    def scripts(self) -> Collection[str]:
        """Scripts that it can read, as Unicode names letters: ``LATIN``; empty for all of them."""
        ...

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> Sequence[array[float]]:
        """Return one vector for each text, in order.

        Each is an ``array("f")`` of length 1, so that the dot product of two is their cosine; only
        a text in which there is nothing to read may have zeros instead. The work is done in
        pieces beside the event loop, and cancelling ends it after the piece at hand. The first
        call may take as long as a download; one that is cancelled does not end the download.

        Args:
            texts: Any text is taken, an empty one too, and what is too long is cut.
            query: Whether these are questions and not what is searched, for models that care.

        Raises:
            ModelUnavailable: Not now: no network, no room.
            ModelRejected: Never, until the person does what it says.
        """
        ...


EMBEDDER: ServiceKey[TextEmbedder] = ServiceKey("embedder", TextEmbedder)
"""A plugin that offers this service lets others compare texts by what they mean."""
