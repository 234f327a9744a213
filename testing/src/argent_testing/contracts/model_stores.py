"""The contracts of what a model provider can do besides: list, fetch, turn texts into vectors."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

import pytest

from argent_core.guard import attempt_async
from argent_hookspecs import (
    Embedder,
    ModelCatalogue,
    ModelError,
    ModelInfo,
    ModelLibrary,
    ModelProvider,
    PullProgress,
)
from argent_testing.contracts.base import RecordContract
from argent_testing.specimen import Specimen

_UNKNOWN = "no-such-model-of-anybody"
_GLANCE = 0.05
_NO_TEXT = ("", " \n", "\ud83d", "\0")
_ODD = (
    *_NO_TEXT,
    "\u202eevil\u200b",
    "👩‍👩‍👧‍👦" * 9,
    "z\u0335\u0321\u033b" * 50,
    "नमस्ते 世界 مرحبا",
    "<|im_end|>",
)
"""Half a character, text from right to left, one letter of many parts; and nothing at all."""
_LONG = "It rained all day long. " * 20_000


class _Ability(RecordContract):
    """Tries out those of a plugin's model providers that have an ability."""

    kind = ModelProvider
    ability: ClassVar[type[Any]]
    patience: ClassVar[float] = 60.0

    @classmethod
    def covers(cls, record: Any) -> bool:
        """Leave the record itself to ``ModelProviderContract``."""
        return False

    @pytest.fixture
    def able(self, specimen: Specimen) -> list[Any]:
        """The providers that have it, open."""
        opened = [specimen.live(record) for record in self.records(specimen)]
        found = [live for live in opened if isinstance(live, self.ability)]
        assert found, f"no model provider of {specimen.name} is a {self.ability.__name__}"
        return found

    async def _refuses(self, work: Any, *, what: str) -> None:
        outcome = await attempt_async(lambda: self.soon(work(), what=what))
        assert isinstance(outcome.error, ModelError), (
            f"{what}: an unknown model should raise a ModelError, not "
            f"{outcome.error or outcome.value!r:.200}"
        )
        self.discretion.check(str(outcome.error), what=f"the error of {what}")


class ModelCatalogueContract(_Ability):
    """Tries out how a plugin's model providers list their models."""

    ability = ModelCatalogue

    async def test_models_are_listed(self, able: list[Any]) -> None:
        """Each of them once, by a name, with a window."""
        for live in able:
            models = await self._models(live)
            assert models, "the catalogue is empty; name what can be used now"
            for info in models:
                assert isinstance(info, ModelInfo), f"the catalogue lists {info!r:.100}"
                assert info.id.strip(), "the catalogue lists a model without a name"
                assert info.context_window > 0, f"{info.id} has no context window"
            names = [info.id for info in models]
            twice = sorted({name for name in names if names.count(name) > 1})
            assert not twice, f"listed more than once: {', '.join(twice)}"

    async def test_the_list_and_the_description_agree(self, able: list[Any]) -> None:
        """What is listed can be described, as the same; at once, or when it is better known."""
        for live in able:
            for info in (await self._models(live))[:5]:
                found = await self._described(live, info)
                assert (found.id, found.context_window) == (info.id, info.context_window), (
                    f"{info.id} is listed with a window of {info.context_window}, and described "
                    f"as {found.id} with {found.context_window}"
                )

    async def test_the_list_can_be_read_again(self, able: list[Any]) -> None:
        """Side by side and again, it names the same models."""
        for live in able:
            first, second = await asyncio.gather(self._models(live), self._models(live))
            assert [m.id for m in first] == [m.id for m in second], "the list changes its order"

    async def test_listing_can_be_cancelled(self, able: list[Any]) -> None:
        """A list that nobody waits for any more ends."""
        for live in able:
            task = asyncio.create_task(attempt_async(live.models))
            await self.assert_stops(task, what="listing models")

    async def _described(self, live: Any, listed: ModelInfo) -> ModelInfo:
        """Return a model's description, after a while if it is not the listed one at first."""
        for _ in range(round(self.patience / _GLANCE)):
            what = f"description of {listed.id}"
            found: ModelInfo = await self.soon(live.describe(listed.id), what=what)
            if (found.id, found.context_window) == (listed.id, listed.context_window):
                break
            await asyncio.sleep(_GLANCE)
        return found

    async def _models(self, live: Any) -> list[Any]:
        return list(await self.soon(live.models(), what="the list of models"))


class ModelLibraryContract(_Ability):
    """Tries out how a plugin's model providers fetch models.

    Attributes:
        pulled: Name of a model that can be fetched.
    """

    ability = ModelLibrary
    pulled: ClassVar[str]

    async def test_a_model_is_fetched(self, able: list[Any]) -> None:
        """It tells how far it is, never less than before and never more than all, and ends."""
        for live in able:
            notes = await self._pull(live)
            assert notes, f"fetching {self.pulled} tells nothing of its progress"
            for note in notes:
                assert isinstance(note, PullProgress), f"fetching told {note!r:.100}"
                assert note.status.strip(), "a note of progress does not say what is done"
                whole = note.total is None or 0 <= note.done <= note.total
                assert whole, f"{note.done} bytes of {note.total} are there, it says"
            for before, after in pairwise(notes):
                back = before.status == after.status and after.done < before.done
                assert not back, f"progress went back from {before.done} to {after.done}"

    async def test_what_is_there_is_not_fetched_again(self, able: list[Any]) -> None:
        """Fetched twice, it is there, and no fault."""
        for live in able:
            await self._pull(live)
            await self._pull(live)

    async def test_fetching_can_be_given_up(self, able: list[Any]) -> None:
        """Closed after the first note, it stops at once, and can be begun again."""
        for live in able:
            notes = live.pull(self.pulled)
            await self.soon(anext(notes), what=f"the first note on {self.pulled}")
            closing = notes.aclose()
            await self.soon(closing, what="giving a model up", seconds=self.stop_seconds)
            await self._pull(live)

    async def test_fetching_can_be_cancelled(self, able: list[Any]) -> None:
        """Somebody who leaves ends it."""
        for live in able:
            task = asyncio.create_task(attempt_async(partial(self._pull, live)))
            await self.assert_stops(task, what=f"fetching {self.pulled}")

    async def test_an_unknown_model_cannot_be_fetched(self, able: list[Any]) -> None:
        """A model that does not exist raises ``ModelError``, and nothing else."""
        for live in able:
            await self._refuses(partial(_all_of, live.pull, _UNKNOWN), what="fetching")

    async def _pull(self, live: Any) -> list[Any]:
        fetching = _all_of(live.pull, self.pulled)
        return await self.soon(fetching, what=f"fetching {self.pulled}")


class EmbedderContract(_Ability):
    """Tries out how a plugin's model providers turn texts into vectors.

    Attributes:
        model: The provider's own name of a model that can.
        texts: What is turned into vectors; each is another text.
    """

    ability = Embedder
    model: ClassVar[str]
    texts: ClassVar[Sequence[str]] = ("The cat sat.", "Grüße, 🦉!", "A bank lends money to people.")

    async def test_each_text_has_its_vector(self, able: list[Any]) -> None:
        """One for each, of the same length, of finite numbers."""
        for live in able:
            vectors = await self._embed(live, self.texts)
            counts = (len(vectors), len(self.texts))
            assert counts[0] == counts[1], f"{counts[0]} vectors came for {counts[1]} texts"
            lengths = {len(vector) for vector in vectors}
            assert len(lengths) == 1, f"the vectors have different lengths: {sorted(lengths)}"
            assert lengths != {0}, "the vectors are empty"
            numbers = [number for vector in vectors for number in vector]
            odd = [n for n in numbers if not isinstance(n, (int, float)) or not math.isfinite(n)]
            assert not odd, f"{odd[0]!r} in a vector is no number"

    async def test_vectors_keep_the_order_of_the_texts(self, able: list[Any]) -> None:
        """A text has the same vector wherever it stands, and another text has another."""
        for live in able:
            there = await self._embed(live, self.texts)
            back = await self._embed(live, self.texts[::-1])
            for text, one, other in zip(self.texts, there, back[::-1], strict=True):
                assert _close(one, other), f"the vector of {text!r} depends on where it stands"
            assert not _close(there[0], there[-1]), "different texts have the same vector"

    async def test_all_vectors_of_a_model_have_one_length(self, able: list[Any]) -> None:
        """Asked for one text, for many, or for one text twice, it never has another."""
        for live in able:
            lengths = set()
            for texts in (self.texts[:1], [self.texts[0]] * 2, [*self.texts] * 10):
                lengths |= {len(vector) for vector in await self._embed(live, texts)}
            assert len(lengths) == 1, f"lengths differ between requests: {sorted(lengths)}"

    async def test_any_text_has_a_vector(self, able: list[Any]) -> None:
        """Whatever people write has one; what is no text may raise ``ModelError`` instead."""
        for live in able:
            (usual,) = await self._embed(live, self.texts[:1])
            for text in _ODD:
                outcome = await attempt_async(partial(self._embed, live, [text]))
                if isinstance(outcome.error, ModelError) and text in _NO_TEXT:
                    continue
                assert outcome.error is None, f"the text {text!r:.40} raises {outcome.error!r}"
                found = [len(vector) for vector in outcome.value or []]
                assert found == [len(usual)], (
                    f"the text {text!r:.40} should have one vector of {len(usual)} numbers, "
                    f"not {found}"
                )

    async def test_a_very_long_text_does_no_harm(self, able: list[Any]) -> None:
        """It has a vector or raises ``ModelError``; and the next text has one."""
        for live in able:
            outcome = await attempt_async(partial(self._embed, live, [_LONG]))
            sound = outcome.error is None or isinstance(outcome.error, ModelError)
            assert sound, f"a very long text should raise a ModelError, not {outcome.error!r:.200}"
            again = await attempt_async(partial(self._embed, live, self.texts))
            assert again.error is None, f"after a very long text it says {again.error!r:.200}"

    async def test_no_texts_have_no_vectors(self, able: list[Any]) -> None:
        """Asked for nothing, it returns nothing."""
        for live in able:
            found = await self._embed(live, [])
            assert found == [], f"{len(found)} vectors came for no text"

    async def test_texts_are_turned_side_by_side(self, able: list[Any]) -> None:
        """Two requests at the same time have each their own vectors."""
        for live in able:
            first, last = self.texts[:1], self.texts[-1:]
            alone = [await self._embed(live, texts) for texts in (first, last)]
            beside = await asyncio.gather(self._embed(live, first), self._embed(live, last))
            for one, other in zip(alone, beside, strict=True):
                assert _close(one[0], other[0]), "requests side by side mix up their vectors"

    async def test_it_can_be_cancelled(self, able: list[Any]) -> None:
        """A request that is cancelled ends, and the next one is answered."""
        for live in able:
            task = asyncio.create_task(attempt_async(partial(self._embed, live, self.texts)))
            await self.assert_stops(task, what="turning texts into vectors")
            assert await self._embed(live, self.texts)

    async def test_an_unknown_model_is_refused(self, able: list[Any]) -> None:
        """A model that does not exist raises ``ModelError``, and nothing else."""
        for live in able:
            await self._refuses(partial(live.embed, _UNKNOWN, self.texts), what="embed")

    async def _embed(self, live: Any, texts: Sequence[str]) -> list[Any]:
        work = live.embed(self.model, list(texts))
        return list(await self.soon(work, what="turning texts into vectors"))


async def _all_of(pull: Any, model: str) -> list[Any]:
    async with aclosing(pull(model)) as notes:
        return [note async for note in notes]


def _close(one: Sequence[float], other: Sequence[float]) -> bool:
    """Tell whether two vectors point the same way, but for what batches make of numbers."""
    product = math.fsum(a * b for a, b in zip(one, other, strict=True))
    return product > 0.999 * math.hypot(*one) * math.hypot(*other)
