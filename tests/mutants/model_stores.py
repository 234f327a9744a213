"""Wrong catalogues and libraries."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from typing import Any

from attrs import evolve

from argent_hookspecs import ModelInfo, ModelProvider, ModelRejected, PullProgress
from argent_testing import (
    MadePlugin,
    ModelCatalogueContract,
    ModelLibraryContract,
    hang,
)
from tests.mutants.declaring import bringing, caught_by, stubborn
from tests.mutants.minds import Mind


class Store(Mind):
    """A provider that lists, fetches and embeds."""

    async def models(self) -> Any:
        await asyncio.sleep(0)
        return self.known()

    def known(self) -> list[Any]:
        return [ModelInfo(id=id, context_window=8192) for id in ("m", "n")]

    async def pull(self, model: str) -> AsyncIterator[Any]:
        self.demand(model)
        for note in self.notes():
            await asyncio.sleep(0)
            yield note

    def notes(self) -> list[Any]:
        return [PullProgress(status="fetching", done=done, total=100) for done in (0, 50, 100)]

    async def embed(self, model: str, texts: Sequence[str]) -> Any:
        self.demand(model)
        await asyncio.sleep(0)
        return self.vectors(texts)

    def vectors(self, texts: Sequence[str]) -> list[Any]:
        return [self.vector(text) for text in texts]

    def vector(self, text: str) -> list[float]:
        return [float(text.count(letter)) for letter in "abcdefghijklmnopqrstuvwxyzü"]

    def demand(self, model: str) -> None:
        if model != "m":
            raise ModelRejected(f"there is no model {model!r}")


def a_store(client: type[Any] = Store) -> MadePlugin:
    return bringing(ModelProvider(id="p", open=lambda: nullcontext(client())))


class LibraryContract(ModelLibraryContract):
    pulled = "m"


class TestRightCatalogue(ModelCatalogueContract):
    plugin = a_store()


class TestRightLibrary(LibraryContract):
    plugin = a_store()


# Catalogues


@caught_by("test_models_are_listed", "no model provider of mutant is a ModelCatalogue")
class TestNoCatalogue(ModelCatalogueContract):
    plugin = a_store(Mind)


class ListsNothing(Store):
    def known(self) -> list[Any]:
        return []


@caught_by("test_models_are_listed", "the catalogue is empty")
class TestListsNothing(ModelCatalogueContract):
    plugin = a_store(ListsNothing)


class ListsNames(Store):
    def known(self) -> list[Any]:
        return ["m"]


@caught_by("test_models_are_listed", "the catalogue lists 'm'")
class TestListsNames(ModelCatalogueContract):
    plugin = a_store(ListsNames)


class ListsTwice(Store):
    def known(self) -> list[Any]:
        return super().known() * 2


@caught_by("test_models_are_listed", "listed more than once: m, n")
class TestListsTwice(ModelCatalogueContract):
    plugin = a_store(ListsTwice)


class ListsNoWindow(Store):
    def known(self) -> list[Any]:
        return [evolve(info, context_window=0) for info in super().known()]


@caught_by("test_models_are_listed", "m has no context window")
class TestListsNoWindow(ModelCatalogueContract):
    plugin = a_store(ListsNoWindow)


class Boasts(Store):
    def known(self) -> list[Any]:
        return [evolve(info, context_window=1_000_000) for info in super().known()]


@caught_by("test_the_list_and_the_description_agree", "is listed with a window of 1000000")
class TestBoasts(ModelCatalogueContract):
    plugin = a_store(Boasts)


class Shuffles(Store):
    numbers = itertools.count()

    def known(self) -> list[Any]:
        return super().known()[:: 1 if next(self.numbers) % 2 else -1]


@caught_by("test_the_list_can_be_read_again", "the list changes its order")
class TestShuffles(ModelCatalogueContract):
    plugin = a_store(Shuffles)


class ListsOn(Store):
    async def models(self) -> Any:
        await stubborn()


@caught_by("test_listing_can_be_cancelled", "did not end within")
class TestListsOn(ModelCatalogueContract):
    plugin = a_store(ListsOn)


# Libraries


class TellsNothing(Store):
    def notes(self) -> list[Any]:
        return []


@caught_by("test_a_model_is_fetched", "tells nothing of its progress")
class TestTellsNothing(LibraryContract):
    plugin = a_store(TellsNothing)


class GoesBack(Store):
    def notes(self) -> list[Any]:
        return super().notes()[::-1]


@caught_by("test_a_model_is_fetched", "progress went back from 100 to 50")
class TestGoesBack(LibraryContract):
    plugin = a_store(GoesBack)


class MoreThanAll(Store):
    def notes(self) -> list[Any]:
        return [PullProgress(status="fetching", done=200, total=100)]


@caught_by("test_a_model_is_fetched", "200 bytes of 100 are there, it says")
class TestMoreThanAll(LibraryContract):
    plugin = a_store(MoreThanAll)


class TellsNumbers(Store):
    def notes(self) -> list[Any]:
        return [0, 50, 100]


@caught_by("test_a_model_is_fetched", "fetching told 0")
class TestTellsNumbers(LibraryContract):
    plugin = a_store(TellsNumbers)


class FetchesAnything(Store):
    def demand(self, model: str) -> None:
        return


@caught_by("test_an_unknown_model_cannot_be_fetched", "should raise a ModelError")
class TestFetchesAnything(LibraryContract):
    plugin = a_store(FetchesAnything)


class FetchesOnce(Store):
    def __init__(self) -> None:
        super().__init__()
        self.there = False

    def notes(self) -> list[Any]:
        if self.there:
            raise FileExistsError("m is there already")
        self.there = True
        return super().notes()


@caught_by("test_what_is_there_is_not_fetched_again", "m is there already")
class TestFetchesOnce(LibraryContract):
    plugin = a_store(FetchesOnce)


class FetchesOn(Store):
    async def pull(self, model: str) -> AsyncIterator[Any]:
        for note in self.notes():
            yield note
            await stubborn()


@caught_by("test_fetching_can_be_cancelled", "did not end within")
class TestFetchesOn(LibraryContract):
    plugin = a_store(FetchesOn)


class HoldsOn(Store):
    async def pull(self, model: str) -> AsyncIterator[Any]:
        try:
            for note in self.notes():
                yield note
        finally:
            await hang()


@caught_by("test_fetching_can_be_given_up", "giving a model up took longer than")
class TestHoldsOn(LibraryContract):
    plugin = a_store(HoldsOn)
