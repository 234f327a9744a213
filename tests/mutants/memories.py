"""Wrong memories."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from attrs import evolve

from argent_hookspecs import MEMORY, Memory, MemoryFilter, NewMemory, Service
from argent_testing import MadePlugin, MemoryContract, hang
from tests.mutants.declaring import bringing, caught_by, stubborn
from tests.mutants.notebook import Notebook


def holding(notebook: Notebook) -> MadePlugin:
    return bringing(Service(key=MEMORY, open=notebook.open))


class Memories(MemoryContract):
    """Each test begins with nothing."""

    notebook: ClassVar[Notebook]

    @pytest.fixture(autouse=True)
    def _with_nothing(self) -> None:
        self.notebook.begin()


class TestRightMemory(Memories):
    notebook = Notebook()
    plugin = holding(notebook)


class Picky(Notebook):
    """It finds only what has every word of a question, and repeats nothing."""

    def matching(self, query: str) -> Iterator[Memory]:
        asked = self.words(query) - {"where"}
        return (m for m in super().matching(query) if len(self.words(m.text) & asked) > 0)

    def known(self, memory: NewMemory) -> int | None:
        again = (id for id, one in self.kept.items() if evolve(one, key=memory.key) == memory)
        found = super().known(memory)
        return next(again, None) if found is None else found


class TestRightMemoryThatMergesWhatIsTheSame(Memories):
    notebook = Picky()
    plugin = holding(notebook)


class Losing(Notebook):
    """It forgets when it is closed."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Notebook]:
        self.begin()
        yield self


@caught_by("test_it_is_kept_over_restarts", "forgets over a restart")
class TestLosesAllOverARestart(Memories):
    notebook = Losing()
    plugin = holding(notebook)


class Keyless(Notebook):
    def known(self, memory: NewMemory) -> int | None:
        return None


@caught_by("test_a_key_is_kept_once", "what has one key was kept 4 times")
class TestIgnoresKeys(Memories):
    notebook = Keyless()
    plugin = holding(notebook)


class Slow(Notebook):
    """Two at the same time do not see each other."""

    async def add(self, memory: NewMemory) -> int:
        known = self.known(memory)
        await asyncio.sleep(0)
        if known is not None:
            return known
        self.kept[id := next(self.numbers)] = memory
        return id


@caught_by("test_a_key_is_kept_once", "what has one key was kept")
class TestKeepsTwiceSideBySide(Memories):
    notebook = Slow()
    plugin = holding(notebook)


class Overwriting(Notebook):
    async def add(self, memory: NewMemory) -> int:
        id = await super().add(memory)
        self.kept[id] = memory
        return id


@caught_by("test_a_key_is_kept_once", "what has one key is found as")
class TestOverwritesWhatHasAKey(Memories):
    notebook = Overwriting()
    plugin = holding(notebook)


class Gossiping(Notebook):
    def allows(self, wanted: MemoryFilter, one: Memory) -> bool:
        return super().allows(evolve(wanted, audiences=None), one)


@caught_by("test_only_what_is_allowed_is_found", "filtered by audiences, it finds 2 memories")
class TestTellsOtherAudiences(Memories):
    notebook = Gossiping()
    plugin = holding(notebook)


class Careless(Notebook):
    """It takes an empty filter for none."""

    def allows(self, wanted: MemoryFilter, one: Memory) -> bool:
        return super().allows(evolve(wanted, audiences=wanted.audiences or None), one)


@caught_by("test_only_what_is_allowed_is_found", "is found where none may come up")
class TestTellsAllToNobody(Memories):
    notebook = Careless()
    plugin = holding(notebook)


class Timeless(Notebook):
    def allows(self, wanted: MemoryFilter, one: Memory) -> bool:
        return super().allows(evolve(wanted, since=None, until=None), one)


@caught_by("test_only_what_is_allowed_is_found", "filtered by until, it finds 2 memories")
class TestIgnoresTimes(Memories):
    notebook = Timeless()
    plugin = holding(notebook)


class Outspoken(Notebook):
    def allows(self, wanted: MemoryFilter, one: Memory) -> bool:
        return super().allows(evolve(wanted, without_private=False), one)


@caught_by("test_only_what_is_allowed_is_found", "filtered by without_private, it finds 2")
class TestTellsWhatIsPrivate(Memories):
    notebook = Outspoken()
    plugin = holding(notebook)


class Merging(Notebook):
    """It takes the same words for the same memory, whoever they are for."""

    def known(self, memory: NewMemory) -> int | None:
        same = (id for id, one in self.kept.items() if one.text == memory.text)
        found = super().known(memory)
        return next(same, None) if found is None else found


@caught_by("test_what_differs_in_whom_it_is_of_or_for_stays_apart", "differ in their speaker")
class TestMergesAcrossPeople(Memories):
    notebook = Merging()
    plugin = holding(notebook)


class Blurring(Merging):
    def known(self, memory: NewMemory) -> int | None:
        found = super().known(memory)
        same = found is not None and self.kept[found].speaker == memory.speaker
        return found if same else Notebook.known(self, memory)


@caught_by("test_what_differs_in_whom_it_is_of_or_for_stays_apart", "differ in their audience")
class TestMergesAcrossAudiences(Memories):
    notebook = Blurring()
    plugin = holding(notebook)


class Promoting(Notebook):
    def told(self, id: int, new: NewMemory, shared: set[str], score: float) -> Memory:
        return evolve(super().told(id, new, shared, score), trust="owner")


@caught_by("test_what_is_kept_is_found", "trust was <Trust.PAIRED: 'paired'>, and is found as")
class TestTakesAllForTheOwners(Memories):
    notebook = Promoting()
    plugin = holding(notebook)


class Indiscreet(Notebook):
    def told(self, id: int, new: NewMemory, shared: set[str], score: float) -> Memory:
        return evolve(super().told(id, new, shared, score), private=False)


@caught_by("test_what_is_kept_is_found", "private was True, and is found as False")
class TestForgetsWhatIsPrivate(Memories):
    notebook = Indiscreet()
    plugin = holding(notebook)


class Silent(Notebook):
    def told(self, id: int, new: NewMemory, shared: set[str], score: float) -> Memory:
        return evolve(super().told(id, new, shared, score), why="")


@caught_by("test_what_is_kept_is_found", "it is not said how a memory was found")
class TestDoesNotSayWhy(Memories):
    notebook = Silent()
    plugin = holding(notebook)


class Blind(Notebook):
    def matching(self, query: str) -> Iterator[Memory]:
        return iter(())


@caught_by("test_what_is_kept_is_found", "does not find 'The violin lies")
class TestFindsNothing(Memories):
    notebook = Blind()
    plugin = holding(notebook)


class Generous(Notebook):
    def first(self, found: list[Memory], k: int) -> list[Memory]:
        return found


@caught_by("test_the_best_comes_first_and_no_more_than_are_wanted", "asked for 2 memories")
class TestReturnsMoreThanIsWanted(Memories):
    notebook = Generous()
    plugin = holding(notebook)


class Backwards(Notebook):
    def rank(self, memory: Memory) -> float:
        return memory.score


@caught_by("test_the_best_comes_first_and_no_more_than_are_wanted", "which fits less")
class TestWorstFirst(Memories):
    notebook = Backwards()
    plugin = holding(notebook)


class Hiding(Notebook):
    """It only hides what is forgotten, and shows it when it is opened again."""

    hidden: set[int]

    def begin(self) -> None:
        super().begin()
        self.hidden = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Notebook]:
        self.hidden = set()
        yield self

    def allows(self, wanted: MemoryFilter, one: Memory) -> bool:
        return one.id not in self.hidden and super().allows(wanted, one)

    async def forget(self, ids: Sequence[int]) -> int:
        there = set(ids) & set(self.kept) - self.hidden
        self.hidden |= there
        return len(there)


@caught_by("test_what_is_forgotten_is_gone", "what was forgotten is found")
class TestHidesWhatIsForgotten(Memories):
    notebook = Hiding()
    plugin = holding(notebook)


class Boasting(Notebook):
    async def forget(self, ids: Sequence[int]) -> int:
        await super().forget(ids)
        return len(ids)


@caught_by("test_what_is_forgotten_is_gone", "forgetting one memory says that 2 went")
class TestBoastsOfForgetting(Memories):
    notebook = Boasting()
    plugin = holding(notebook)


class Burning(Notebook):
    async def forget(self, ids: Sequence[int]) -> int:
        found = await super().forget(ids)
        self.kept.clear()
        return found


@caught_by("test_what_is_forgotten_is_gone", "more went than was to be forgotten")
class TestForgetsAll(Memories):
    notebook = Burning()
    plugin = holding(notebook)


class Refilling(Notebook):
    async def forget(self, ids: Sequence[int]) -> int:
        found = await super().forget(ids)
        self.numbers = itertools.count(max(self.kept, default=0) + 1)
        return found


@caught_by("test_what_is_forgotten_is_gone", "is given again")
class TestGivesIdsAgain(Memories):
    notebook = Refilling()
    plugin = holding(notebook)


class Stale(Notebook):
    async def add(self, memory: NewMemory) -> int:
        return await super().add(evolve(memory, supersedes=None))


@caught_by("test_what_is_no_longer_true_is_not_found", "superseded, it is found as")
class TestTellsWhatIsNoLongerTrue(Memories):
    notebook = Stale()
    plugin = holding(notebook)


class Reviving(Notebook):
    async def forget(self, ids: Sequence[int]) -> int:
        found = await super().forget(ids)
        self.old.clear()
        return found


@caught_by("test_what_is_no_longer_true_is_not_found", "comes back when what superseded it")
class TestBringsBackWhatWasSuperseded(Memories):
    notebook = Reviving()
    plugin = holding(notebook)


class Querying(Notebook):
    """It takes a question for an expression."""

    def words(self, text: str) -> set[str]:
        if text.count('"') % 2 or text.count("(") != text.count(")"):
            raise ValueError("fts5: syntax error")
        return super().words(text)


@caught_by("test_any_question_may_be_asked", "raises ValueError('fts5: syntax error')")
class TestTakesQuestionsForSyntax(Memories):
    notebook = Querying()
    plugin = holding(notebook)


class Obeying(Notebook):
    def matching(self, query: str) -> Iterator[Memory]:
        return iter(()) if "NOT" in query else super().matching(query)


@caught_by("test_any_question_may_be_asked", "signs in a question keep it from being answered")
class TestObeysQuestions(Memories):
    notebook = Obeying()
    plugin = holding(notebook)


class Encoding(Notebook):
    async def add(self, memory: NewMemory) -> int:
        f"{memory.text}{memory.speaker}".encode()
        return await super().add(memory)


@caught_by("test_any_text_may_be_kept", "raises UnicodeEncodeError")
class TestKeepsOnlySoundTexts(Memories):
    notebook = Encoding()
    plugin = holding(notebook)


class Thinking(Notebook):
    async def search(self, query: str, k: int = 10, **given: Any) -> Sequence[Memory]:
        await stubborn()
        return []


@caught_by("test_searching_can_be_cancelled", "a search did not end within")
class TestSearchesOn(Memories):
    notebook = Thinking()
    plugin = holding(notebook)


class Hanging(Notebook):
    async def search(self, query: str, k: int = 10, **given: Any) -> Sequence[Memory]:
        await hang()
        return []


@caught_by("test_what_is_kept_is_found", "a search took longer than")
class TestSearchesForEver(Memories):
    notebook = Hanging()
    plugin = holding(notebook)
