"""A right memory, to be made wrong."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from argent_hookspecs import Memory, MemoryFilter, NewMemory

_STOP = {"the", "is", "in", "of", "a"}


class Notebook:
    """It keeps all in a dictionary, and forgets nothing when it is closed."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.kept: dict[int, NewMemory] = {}
        self.old: set[int] = set()
        self.numbers = itertools.count(1)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Notebook]:
        yield self

    async def search(
        self, query: str, k: int = 10, *, filters: MemoryFilter | None = None
    ) -> Sequence[Memory]:
        found = [m for m in self.matching(query) if self.allows(filters or MemoryFilter(), m)]
        return self.first(sorted(found, key=self.rank), k)

    def matching(self, query: str) -> Iterator[Memory]:
        asked = self.words(query)
        for id, new in self.kept.items():
            shared = asked & self.words(new.text)
            if shared and id not in self.old:
                yield self.told(id, new, shared, len(shared) / len(asked))

    def told(self, id: int, new: NewMemory, shared: set[str], score: float) -> Memory:
        return Memory(
            id=id,
            text=new.text,
            kind=new.kind,
            speaker=new.speaker,
            said_at=new.said_at,  # type: ignore[arg-type]
            source=new.source,
            trust=new.trust,
            audience=new.audience,
            private=new.private,
            score=score,
            why=", ".join(sorted(shared)),
        )

    def rank(self, memory: Memory) -> float:
        return -memory.score

    def first(self, found: list[Memory], k: int) -> list[Memory]:
        return found[:k]

    def words(self, text: str) -> set[str]:
        return set(re.findall(r"\w+", text.lower())) - _STOP

    def allows(self, wanted: MemoryFilter, one: Memory) -> bool:
        return (
            (wanted.audiences is None or one.audience in wanted.audiences)
            and (not wanted.kinds or one.kind in wanted.kinds)
            and (not wanted.trust or one.trust in wanted.trust)
            and wanted.speaker in ("", one.speaker)
            and (wanted.since is None or one.said_at >= wanted.since)
            and (wanted.until is None or one.said_at < wanted.until)
            and not (wanted.without_private and one.private)
        )

    async def add(self, memory: NewMemory) -> int:
        known = self.known(memory)
        if known is not None:
            return known
        id = next(self.numbers)
        self.kept[id] = memory
        if memory.supersedes is not None:
            self.old.add(memory.supersedes)
        return id

    def known(self, memory: NewMemory) -> int | None:
        found = (id for id, one in self.kept.items() if one.key == memory.key is not None)
        return next(found, None)

    async def forget(self, ids: Sequence[int]) -> int:
        return len([self.kept.pop(id) for id in ids if id in self.kept])
