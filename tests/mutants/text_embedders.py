"""Wrong embedders, of those that others compare texts with."""

from __future__ import annotations

import asyncio
import math
import zlib
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from argent_hookspecs import EMBEDDER, ModelRejected, Service, TextEmbedder
from argent_testing import MadePlugin, TextEmbedderContract, hang
from tests.mutants.declaring import bringing, caught_by, stubborn


class Letters:
    """It counts letters; a right one."""

    id = "letters"
    dimensions = 8
    longest = 1000
    local = True
    scripts: Sequence[str] = ()

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> Sequence[Any]:
        vectors = []
        for start in range(0, len(texts), 500):
            vectors += [self.vector(text) for text in texts[start : start + 500]]
            await asyncio.sleep(0)
        return vectors

    def vector(self, text: str) -> Any:
        numbers = [0.0] * 8
        for word in text[:1000].split():
            numbers[zlib.crc32(word.encode(errors="replace")) % 8] += 1.0
        length = math.hypot(*numbers) or 1.0
        return array("f", [number / length for number in numbers])


def offering(embedder: Any) -> MadePlugin:
    """Return a plugin that offers an embedder; a new one each time it is opened."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[TextEmbedder]:
        yield embedder()

    return bringing(Service(key=EMBEDDER, open=opened))


class TestRightEmbedder(TextEmbedderContract):
    plugin = offering(Letters)


class NoName(Letters):
    id = " "


@caught_by("test_it_says_what_its_vectors_are", "its id ' ' is not usable")
class TestNoName(TextEmbedderContract):
    plugin = offering(NoName)


class NewName(Letters):
    count = 0

    def __init__(self) -> None:
        NewName.count += 1
        self.id = f"letters {NewName.count}"


@caught_by("test_it_says_what_its_vectors_are", "a restart changes what it says")
class TestNewName(TextEmbedderContract):
    plugin = offering(NewName)


class Somewhere(Letters):
    local: Any = "http://localhost"


@caught_by("test_it_says_what_its_vectors_are", "says neither yes nor no")
class TestSomewhere(TextEmbedderContract):
    plugin = offering(Somewhere)


class OneScript(Letters):
    scripts = "LATIN"


@caught_by("test_it_says_what_its_vectors_are", "is one text, no collection")
class TestOneScript(TextEmbedderContract):
    plugin = offering(OneScript)


class Shorter(Letters):
    dimensions = 9


@caught_by("test_each_text_has_its_vector", "has 8 numbers, and it says 9")
class TestShorter(TextEmbedderContract):
    plugin = offering(Shorter)


class Lists(Letters):
    def vector(self, text: str) -> Any:
        return super().vector(text).tolist()


@caught_by("test_each_text_has_its_vector", "is a list, no array")
class TestLists(TextEmbedderContract):
    plugin = offering(Lists)


class Doubles(Letters):
    def vector(self, text: str) -> Any:
        return array("d", super().vector(text))


@caught_by("test_each_text_has_its_vector", "has the type 'd', not 'f'")
class TestDoubles(TextEmbedderContract):
    plugin = offering(Doubles)


class Counts(Letters):
    def vector(self, text: str) -> Any:
        return array("f", [2 * number for number in super().vector(text)])


@caught_by("test_each_text_has_its_vector", "has the length 2, not 1")
class TestCounts(TextEmbedderContract):
    plugin = offering(Counts)


class AllAlike(Letters):
    def vector(self, text: str) -> Any:
        return super().vector("alike")


@caught_by("test_each_text_has_its_vector", "different texts have the same vector")
class TestAllAlike(TextEmbedderContract):
    plugin = offering(AllAlike)


class OneMissing(Letters):
    async def embed(self, texts: Sequence[str], *, query: bool = False) -> Sequence[Any]:
        return (await super().embed(texts))[:-1]


@caught_by("test_each_text_has_its_vector", "2 vectors came for 3 texts")
class TestOneMissing(TextEmbedderContract):
    plugin = offering(OneMissing)


class NotFinite(Letters):
    def vector(self, text: str) -> Any:
        return array("f", [math.nan] * 8)


@caught_by("test_each_text_has_its_vector", "that no number is")
class TestNotFinite(TextEmbedderContract):
    plugin = offering(NotFinite)


class NoQuestions(Letters):
    async def embed(self, texts: Sequence[str], *, query: bool = False) -> Sequence[Any]:
        return [] if query else await super().embed(texts)


@caught_by("test_each_text_has_its_vector", "0 vectors came for 1 texts")
class TestNoQuestions(TextEmbedderContract):
    plugin = offering(NoQuestions)


class Sorts(Letters):
    async def embed(self, texts: Sequence[str], *, query: bool = False) -> Sequence[Any]:
        return await super().embed(sorted(texts))


@caught_by("test_vectors_keep_the_order_of_the_texts", "depends on where it stands")
class TestSorts(TextEmbedderContract):
    plugin = offering(Sorts)


class Tires(Letters):
    """In long lists it reads only the first word."""

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> Sequence[Any]:
        return await super().embed([t.split()[0] for t in texts] if len(texts) > 99 else texts)


@caught_by("test_vectors_keep_the_order_of_the_texts", "depends on how many there are")
class TestTires(TextEmbedderContract):
    plugin = offering(Tires)


class Salted(Letters):
    count = 0

    def __init__(self) -> None:
        Salted.count += 1
        self.salt = f" {Salted.count}" * Salted.count

    def vector(self, text: str) -> Any:
        return super().vector(text + self.salt)


@caught_by("test_vectors_keep_the_order_of_the_texts", "a restart changes the vector")
class TestSalted(TextEmbedderContract):
    plugin = offering(Salted)


class OneForNothing(Letters):
    async def embed(self, texts: Sequence[str], *, query: bool = False) -> Sequence[Any]:
        return await super().embed(texts or [""])


@caught_by("test_no_texts_have_no_vectors", "1 vectors came for no text")
class TestOneForNothing(TextEmbedderContract):
    plugin = offering(OneForNothing)


class Encodes(Letters):
    def vector(self, text: str) -> Any:
        text.encode()
        return super().vector(text)


@caught_by("test_any_text_has_a_vector", "raises UnicodeEncodeError")
class TestEncodes(TextEmbedderContract):
    plugin = offering(Encodes)


class RefusesLong(Letters):
    def vector(self, text: str) -> Any:
        if len(text) > 10_000:
            raise ModelRejected("too many tokens")
        return super().vector(text)


@caught_by("test_any_text_has_a_vector", "raises ModelRejected")
class TestRefusesLong(TextEmbedderContract):
    plugin = offering(RefusesLong)


class HalfForBlank(Letters):
    def vector(self, text: str) -> Any:
        return super().vector(text) if text.split() else array("f", [0.5] + [0.0] * 7)


@caught_by("test_any_text_has_a_vector", "has the length 0.5, neither 1 nor 0")
class TestHalfForBlank(TextEmbedderContract):
    plugin = offering(HalfForBlank)


class NeverRecovers(Letters):
    harmed = False

    def vector(self, text: str) -> Any:
        self.harmed = self.harmed or len(text) > 10_000
        return super().vector("harmed" if self.harmed else text)


@caught_by("test_any_text_has_a_vector", "odd texts change the vectors of others")
class TestNeverRecovers(TextEmbedderContract):
    plugin = offering(NeverRecovers)


class MixesUp(Letters):
    """It keeps in one place what is asked, by whomever."""

    asked: Sequence[str] = ()

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> Sequence[Any]:
        self.asked = texts
        await asyncio.sleep(0)
        return await super().embed(self.asked)


@caught_by("test_texts_are_turned_side_by_side", "mix up their vectors")
class TestMixesUp(TextEmbedderContract):
    plugin = offering(MixesUp)


class GoesOn(Letters):
    async def embed(self, texts: Sequence[str], *, query: bool = False) -> Sequence[Any]:
        if len(texts) > 1000:
            await stubborn()
        return await super().embed(texts)


@caught_by("test_it_can_be_cancelled", "did not end within")
class TestGoesOn(TextEmbedderContract):
    plugin = offering(GoesOn)


class Hangs(Letters):
    async def embed(self, texts: Sequence[str], *, query: bool = False) -> Sequence[Any]:
        await hang()
        return []


@caught_by("test_each_text_has_its_vector", "took longer than")
class TestHangs(TextEmbedderContract):
    plugin = offering(Hangs)
    embed_seconds = 0.3
