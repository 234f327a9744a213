"""Memory: what the agent keeps of what it was told, as other plugins reach it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from attrs import field, frozen
from attrs.validators import ge, le

from argent_hookspecs.services import ServiceKey
from argent_hookspecs.trust import Trust


class MemoryKind(enum.StrEnum):
    """What sort of thing a memory is."""

    EPISODIC = "episodic"
    """Something that was said or happened, as it was."""
    SEMANTIC = "semantic"
    """What several episodes come to."""
    PROCEDURAL = "procedural"
    """How something is done."""
    FACT = "fact"
    EVENT = "event"
    PREFERENCE = "preference"
    DECISION = "decision"
    PERSON = "person"


@frozen(kw_only=True)
class Memory:
    """One thing that is remembered.

    Args:
        text: The words.
        speaker: Who said it, as people call them; empty if nobody did.
        said_at: When it was said or happened.
        holds_from: Since when it holds, if it says so.
        holds_until: Until when, likewise.
        source: What it came from: an event's id, a file's name.
        trust: Whose word it is.
        audience: Where it may come up: ``owner`` for the owner's own chats, the name of a
            conversation for that one, ``everyone``.
        private: Whether it is for models of this machine only.
        importance: From 0 to 1, as it was when it was kept; what came of it since counts besides
            when it is searched for.
        count: How often it was said.
        score: How well it answers the query that found it; 0 if none did.
        sureness: How sure it is, from 0 to 1, that it has to do with that query at all.
        why: How it was found, for people.
    """

    id: int
    text: str
    kind: MemoryKind = field(converter=MemoryKind, default=MemoryKind.EPISODIC)
    speaker: str = ""
    said_at: datetime
    holds_from: datetime | None = None
    holds_until: datetime | None = None
    source: str = ""
    trust: Trust = field(converter=Trust, default=Trust.OUTSIDE)
    audience: str = "owner"
    private: bool = False
    importance: float = field(validator=[ge(0), le(1)], default=0.5)
    count: int = 1
    score: float = 0.0
    sureness: float = 0.0
    why: str = ""


@frozen(kw_only=True)
class MemoryFilter:
    """Which memories may be found.

    Args:
        audiences: Those where it may come up; None for all, which only the owner is shown.
        kinds: Only these; all, if empty.
        speaker: Only what this person said.
        since: Only what was said then or later.
        until: Only what was said before.
        trust: Only the word of these; all, if empty.
        asker: Who asks, as people call them: what they say of themselves is theirs.
        private: Whether the question is for models of this machine only.
        without_private: Whether what is for models of this machine only is left out, as if it were
            not there: it is not found, and nothing else is found by way of it.
    """

    audiences: tuple[str, ...] | None = None
    kinds: tuple[MemoryKind, ...] = ()
    speaker: str = ""
    since: datetime | None = None
    until: datetime | None = None
    trust: tuple[Trust, ...] = ()
    asker: str = ""
    private: bool = False
    without_private: bool = False


@runtime_checkable
class MemoryStore(Protocol):
    """A memory that is open."""

    async def search(
        self, query: str, k: int = 10, *, filters: MemoryFilter | None = None
    ) -> Sequence[Memory]:
        """Return the memories that answer a question best, best first; fewer where few fit.

        Args:
            query: Any text; none of it is syntax.
        """
        ...

    async def add(self, memory: NewMemory) -> int:
        """Keep something; return its id, or that of what it repeats. Raises ``StorageError``."""
        ...

    async def forget(self, ids: Sequence[int]) -> int:
        """Delete memories with all that was made of them; return how many went."""
        ...


@frozen(kw_only=True)
class NewMemory:
    """Something to be kept; the fields are those of ``Memory``.

    Args:
        key: Kept once, however often it is added: an event's id and a place within it.
        said_at: Now, if not given.
        supersedes: Id of what is no longer true by it, and is kept as its history.
    """

    text: str
    kind: MemoryKind = field(converter=MemoryKind, default=MemoryKind.EPISODIC)
    key: str | None = None
    speaker: str = ""
    said_at: datetime | None = None
    holds_from: datetime | None = None
    holds_until: datetime | None = None
    source: str = ""
    trust: Trust = field(converter=Trust, default=Trust.OUTSIDE)
    audience: str = "owner"
    private: bool = False
    importance: float = field(validator=[ge(0), le(1)], default=0.5)
    supersedes: int | None = None


MEMORY: ServiceKey[MemoryStore] = ServiceKey("memory", MemoryStore)
"""What the agent remembers."""
