"""The contract of a memory: what is kept is found where it may be, what is forgotten is not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from attrs import evolve

from argent_core.guard import attempt_async
from argent_hookspecs import (
    MEMORY,
    Memory,
    MemoryFilter,
    MemoryKind,
    MemoryStore,
    NewMemory,
    Trust,
)
from argent_testing.contracts.services import ServiceContract
from argent_testing.specimen import Specimen

_DAY = datetime(2025, 3, 1, 12, tzinfo=UTC)
_KEPT = NewMemory(
    text="The violin lies in the attic of the old mill.",
    kind=MemoryKind.FACT,
    key="e1/0",
    speaker="Ann",
    said_at=_DAY,
    source="e1",
    trust=Trust.PAIRED,
    audience="irc:#home",
    private=True,
    importance=0.75,
)
_QUESTION = "Where is the violin?"
_SAME = ("text", "kind", "speaker", "said_at", "source", "trust", "audience", "private")
_BESIDE = (
    "The violin was mended in spring by a man from Cremona.",
    "Nobody has played the violin since Uncle Bob left.",
    "The cellar of the mill is wet.",
)
_ODD = (
    "",
    " \n\t",
    "\0",
    "\ud83d",
    '"',
    "'",
    "violin AND",
    "OR NOT violin",
    "NEAR(violin, 5)",
    "text:violin",
    "violin*",
    "^violin",
    '"violin" OR "',
    "(violin",
    "violin)",
    "{violin} : -violin +violin",
    "%s %d {} \\",
    "; DROP TABLE items; --",
    "\u202eviolin\u200b",
    "👩‍👩‍👧‍👦🎻",
    "小提琴在哪里？",
    "أين الكمان؟",
    "violin " * 20_000,
    "x" * 100_000,
)


class MemoryContract(ServiceContract):
    """Tries out a plugin's memory, the service ``MEMORY``.

    Attributes:
        search_seconds: Seconds that one search may take among few memories: every turn waits.
    """

    search_seconds: ClassVar[float] = 1.0

    @classmethod
    def covers(cls, record: Any) -> bool:
        """Tell whether it is the memory."""
        return super().covers(record) and record.key == MEMORY

    def records(self, specimen: Specimen) -> list[Any]:
        """Return the memory's record."""
        return [record for record in super().records(specimen) if record.key == MEMORY]

    async def test_what_is_kept_is_found(self, specimen: Specimen) -> None:
        """As it was, with how well it answers and how it was found."""
        await self._fill(specimen)
        id = await self._add(specimen, _KEPT)
        found = [one for one in await self._search(specimen, _QUESTION) if one.id == id]
        assert found, f"{_QUESTION!r} does not find {_KEPT.text!r}"
        for name in _SAME:
            was, became = getattr(_KEPT, name), getattr(found[0], name)
            assert was == became, f"{name} was {was!r}, and is found as {became!r}"
        assert found[0].why.strip(), "it is not said how a memory was found"

    async def test_the_best_comes_first_and_no_more_than_are_wanted(
        self, specimen: Specimen
    ) -> None:
        """Best first, by their scores; ``k`` at most."""
        await self._fill(specimen)
        await self._add(specimen, _KEPT)
        found = await self._search(specimen, "violin attic old mill", 2)
        assert 1 <= len(found) <= 2, f"asked for 2 memories, it returned {len(found)}"
        assert found[0].text == _KEPT.text, f"the first is {found[0].text!r}, which fits less"
        scores = [one.score for one in found]
        assert scores == sorted(scores, reverse=True), f"the scores are not in order: {scores}"
        none = await self._search(specimen, "violin", 0)
        assert not none, f"asked for no memory, it returned {len(none)}"

    async def test_a_key_is_kept_once(self, specimen: Specimen) -> None:
        """However often, and side by side, something with one key is added."""
        ids = await asyncio.gather(*(self._add(specimen, _KEPT) for _ in range(3)))
        ids.append(await self._add(specimen, evolve(_KEPT, text="The violin is sold.")))
        assert len(set(ids)) == 1, f"what has one key was kept {len(set(ids))} times"
        found = await self._texts(specimen, "violin sold attic")
        assert found == [_KEPT.text], f"what has one key is found as {found}"

    async def test_it_is_kept_over_restarts(self, specimen: Specimen) -> None:
        """A plugin that is stopped and started remembers, and knows its keys."""
        id = await self._add(specimen, _KEPT)
        await self._restart(specimen)
        assert await self._texts(specimen, _QUESTION) == [_KEPT.text], "it forgets over a restart"
        again = await self._add(specimen, _KEPT)
        assert again == id, "what has one key is kept again after a restart"

    async def test_only_what_is_allowed_is_found(self, specimen: Specimen) -> None:
        """Each part of a filter holds; without one, all may be found."""
        other = evolve(
            _KEPT,
            key="e2/0",
            kind=MemoryKind.PREFERENCE,
            speaker="Bob",
            said_at=_DAY + timedelta(days=40),
            trust=Trust.OWNER,
            audience="owner",
            private=False,
        )
        mine, theirs = await self._add(specimen, _KEPT), await self._add(specimen, other)
        between = _DAY + timedelta(days=20)
        wanted: dict[str, tuple[Any, set[int]]] = {
            "audiences": ((_KEPT.audience,), {mine}),
            "kinds": ((MemoryKind.FACT,), {mine}),
            "speaker": ("Ann", {mine}),
            "trust": ((Trust.PAIRED,), {mine}),
            "until": (between, {mine}),
            "since": (between, {theirs}),
            "without_private": (True, {theirs}),
        }
        for name, (value, ids) in wanted.items():
            filters = MemoryFilter(**{name: value})
            found = {one.id for one in await self._search(specimen, _QUESTION, filters=filters)}
            assert found == ids, f"filtered by {name}, it finds {len(found)} memories, not the one"
        nowhere = MemoryFilter(audiences=())
        assert not await self._search(specimen, _QUESTION, filters=nowhere), (
            "a memory is found where none may come up"
        )

    async def test_what_differs_in_whom_it_is_of_or_for_stays_apart(
        self, specimen: Specimen
    ) -> None:
        """The same words, told elsewhere, by another, or less trusted, are another memory."""
        first = await self._add(specimen, _KEPT)
        others: dict[str, Any] = {
            "speaker": "Bob",
            "audience": "owner",
            "trust": Trust.OUTSIDE,
            "private": False,
        }
        for n, (name, value) in enumerate(others.items()):
            other = evolve(_KEPT, key=f"e{n}/other", **{name: value})
            id = await self._add(specimen, other)
            assert id != first, f"two memories that differ in their {name} became one"

    async def test_what_is_forgotten_is_gone(self, specimen: Specimen) -> None:
        """It is found no more, later neither; all else is."""
        await self._fill(specimen)
        id = await self._add(specimen, _KEPT)
        gone = await self._forget(specimen, [id, 10**12])
        assert gone == 1, f"forgetting one memory says that {gone} went"
        again = await self._forget(specimen, [id])
        assert again == 0, f"forgetting what is gone says that {again} went"
        for _ in range(2):
            found = await self._texts(specimen, _KEPT.text)
            assert _KEPT.text not in found, "what was forgotten is found"
            assert _BESIDE[0] in found, "more went than was to be forgotten"
            await self._restart(specimen)
        back = await self._add(specimen, evolve(_KEPT, key="e9/0"))
        assert back != id, "the id of what was forgotten is given again"

    async def test_what_is_no_longer_true_is_not_found(self, specimen: Specimen) -> None:
        """What supersedes it is; and forgetting that brings nothing back."""
        old = await self._add(specimen, _KEPT)
        now = evolve(_KEPT, key="e2/0", text="The violin lies in the bank.", supersedes=old)
        new = await self._add(specimen, now)
        found = await self._texts(specimen, _QUESTION)
        assert found == [now.text], f"superseded, it is found as {found}"
        await self._forget(specimen, [new])
        left = await self._texts(specimen, _QUESTION)
        assert not left, "what was superseded comes back when what superseded it is forgotten"

    async def test_any_question_may_be_asked(self, specimen: Specimen) -> None:
        """None of it is syntax, and none is too odd or too long."""
        await self._add(specimen, _KEPT)
        for text in _ODD:
            outcome = await attempt_async(partial(self._search, specimen, text))
            assert outcome.error is None, f"the question {text!r:.40} raises {outcome.error!r:.200}"
        assert await self._texts(specimen, _QUESTION), "after odd questions it finds nothing"
        found = await self._texts(specimen, '"violin" OR (NOT attic)')
        assert found == [_KEPT.text], "signs in a question keep it from being answered"

    async def test_any_text_may_be_kept(self, specimen: Specimen) -> None:
        """Whatever people say, and whatever they are called."""
        for n, text in enumerate(_ODD):
            odd = NewMemory(text=text, key=f"odd/{n}", speaker=text[:100], audience="owner")
            outcome = await attempt_async(partial(self._add, specimen, odd))
            assert outcome.error is None, f"the text {text!r:.40} raises {outcome.error!r:.200}"
        await self._add(specimen, _KEPT)
        found = await self._texts(specimen, _KEPT.text)
        assert _KEPT.text in found, "among odd texts it is lost"

    async def test_searching_can_be_cancelled(self, specimen: Specimen) -> None:
        """A search that nobody waits for any more ends, and the next one is answered."""
        await self._add(specimen, _KEPT)
        searching = partial(self._memory(specimen).search, _QUESTION)
        task = asyncio.create_task(attempt_async(searching))
        await self.assert_stops(task, what="a search")
        assert await self._texts(specimen, _QUESTION), "after a cancelled search it finds nothing"

    def _memory(self, specimen: Specimen) -> MemoryStore:
        return specimen.ctx.services.get(MEMORY)

    async def _fill(self, specimen: Specimen) -> None:
        for text in _BESIDE:
            await self._add(specimen, NewMemory(text=text, speaker="Carl", said_at=_DAY))

    async def _add(self, specimen: Specimen, memory: NewMemory) -> int:
        work = self._memory(specimen).add(memory)
        return await self.soon(work, what="keeping a memory")

    async def _forget(self, specimen: Specimen, ids: Sequence[int]) -> int:
        return await self.soon(self._memory(specimen).forget(ids), what="forgetting")

    async def _search(
        self, specimen: Specimen, query: str, k: int = 10, **given: Any
    ) -> list[Memory]:
        work = self._memory(specimen).search(query, k, **given)
        return list(await self.soon(work, what="a search", seconds=self.search_seconds))

    async def _texts(self, specimen: Specimen, query: str) -> list[str]:
        return [one.text for one in await self._search(specimen, query)]
