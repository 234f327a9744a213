"""Wrong embedders."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from argent_hookspecs import ModelRejected
from argent_testing import EmbedderContract
from tests.mutants.declaring import caught_by, stubborn
from tests.mutants.model_stores import Store, a_store


class VectorContract(EmbedderContract):
    model = "m"


class TestRightEmbedder(VectorContract):
    plugin = a_store()


class Picky(Store):
    """It refuses what it cannot read, as it may."""

    def vectors(self, texts: Sequence[str]) -> list[Any]:
        if any(not text.strip("\0 \n\ud83d") or len(text) > 10_000 for text in texts):
            raise ModelRejected("that is no text")
        return super().vectors(texts)


class TestRightPickyEmbedder(VectorContract):
    plugin = a_store(Picky)


class OneMissing(Store):
    def vectors(self, texts: Sequence[str]) -> list[Any]:
        return super().vectors(texts)[:-1]


@caught_by("test_each_text_has_its_vector", "2 vectors came for 3 texts")
class TestOneMissing(VectorContract):
    plugin = a_store(OneMissing)


class OtherLengths(Store):
    def vector(self, text: str) -> list[float]:
        return [1.0] * len(text)


@caught_by("test_each_text_has_its_vector", "the vectors have different lengths")
class TestOtherLengths(VectorContract):
    plugin = a_store(OtherLengths)


class EmptyVectors(Store):
    def vector(self, text: str) -> list[float]:
        return []


@caught_by("test_each_text_has_its_vector", "the vectors are empty")
class TestEmptyVectors(VectorContract):
    plugin = a_store(EmptyVectors)


class NoNumbers(Store):
    def vector(self, text: str) -> list[float]:
        return [float("nan"), 1.0]


@caught_by("test_each_text_has_its_vector", "nan in a vector is no number")
class TestNoNumbers(VectorContract):
    plugin = a_store(NoNumbers)


class LosesOrder(Store):
    def vectors(self, texts: Sequence[str]) -> list[Any]:
        return super().vectors(sorted(texts))


@caught_by("test_vectors_keep_the_order_of_the_texts", "depends on where it stands")
class TestLosesTheOrderOfTexts(VectorContract):
    plugin = a_store(LosesOrder)


class AllTheSame(Store):
    def vector(self, text: str) -> list[float]:
        return [1.0, 2.0]


@caught_by("test_vectors_keep_the_order_of_the_texts", "different texts have the same vector")
class TestAllTheSame(VectorContract):
    plugin = a_store(AllTheSame)


class OneForNothing(Store):
    def vectors(self, texts: Sequence[str]) -> list[Any]:
        return super().vectors(texts or [""])


@caught_by("test_no_texts_have_no_vectors", "1 vectors came for no text")
class TestOneForNothing(VectorContract):
    plugin = a_store(OneForNothing)


class MixesUp(Store):
    """It keeps in one place what is asked, by whomever."""

    asked: Sequence[str]

    async def embed(self, model: str, texts: Sequence[str]) -> Any:
        self.demand(model)
        self.asked = texts
        await asyncio.sleep(0)
        return self.vectors(self.asked)


@caught_by("test_texts_are_turned_side_by_side", "mix up their vectors")
class TestMixesUp(VectorContract):
    plugin = a_store(MixesUp)


class EmbedsOn(Store):
    async def embed(self, model: str, texts: Sequence[str]) -> Any:
        await stubborn()
        return self.vectors(texts)


@caught_by("test_it_can_be_cancelled", "did not end within")
class TestEmbedsOn(VectorContract):
    plugin = a_store(EmbedsOn)


class EmbedsAnything(Store):
    def demand(self, model: str) -> None:
        return


@caught_by("test_an_unknown_model_is_refused", "should raise a ModelError")
class TestEmbedsAnything(VectorContract):
    plugin = a_store(EmbedsAnything)


class LongerTogether(Store):
    def vectors(self, texts: Sequence[str]) -> list[Any]:
        return [[*vector, 0.0] if len(texts) > 5 else vector for vector in super().vectors(texts)]


@caught_by("test_all_vectors_of_a_model_have_one_length", "lengths differ between requests")
class TestLongerTogether(VectorContract):
    plugin = a_store(LongerTogether)


class NoneForBlank(Store):
    def vectors(self, texts: Sequence[str]) -> list[Any]:
        return super().vectors([text for text in texts if text.strip()])


@caught_by("test_any_text_has_a_vector", "should have one vector of 27 numbers, not []")
class TestNoneForBlank(VectorContract):
    plugin = a_store(NoneForBlank)


class Encodes(Store):
    def vector(self, text: str) -> list[float]:
        text.encode()
        return super().vector(text)


@caught_by("test_any_text_has_a_vector", "raises UnicodeEncodeError")
class TestEncodes(VectorContract):
    plugin = a_store(Encodes)


class OnlyShortCharacters(Store):
    def vector(self, text: str) -> list[float]:
        if "\u200d" in text:
            raise ModelRejected("that is no text")
        return super().vector(text)


@caught_by("test_any_text_has_a_vector", "raises ModelRejected")
class TestOnlyShortCharacters(VectorContract):
    plugin = a_store(OnlyShortCharacters)


class ChokesOnLength(Store):
    def vector(self, text: str) -> list[float]:
        if len(text) > 10_000:
            raise OverflowError("too many tokens")
        return super().vector(text)


@caught_by("test_a_very_long_text_does_no_harm", "should raise a ModelError")
class TestChokesOnLength(VectorContract):
    plugin = a_store(ChokesOnLength)


class NeverRecovers(Store):
    broken = False

    def vector(self, text: str) -> list[float]:
        self.broken = self.broken or len(text) > 10_000
        if self.broken:
            raise ModelRejected("the context is full")
        return super().vector(text)


@caught_by("test_a_very_long_text_does_no_harm", "after a very long text it says")
class TestNeverRecovers(VectorContract):
    plugin = a_store(NeverRecovers)
