"""The contract of what turns texts into vectors for whoever compares them."""

from __future__ import annotations

import asyncio
import itertools
import math
from array import array
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from argent_core.guard import attempt_async
from argent_hookspecs import EMBEDDER, TextEmbedder
from argent_testing.contracts.services import ServiceContract
from argent_testing.specimen import Specimen

_TEXTS = (
    "The cat sat on the mat.",
    "Interest rates rose again in May.",
    "Where did Ann leave her violin?",
)
_ODD = (
    "",
    " ",
    "\0",
    "\ud800",
    "👩‍👩‍👧",
    "\u202e(((",
    "[SEP]",
    "%s {} \\",
    "x" * 100_000,
    "汉字" * 5000,
    "a " * 50_000,
)
_ALMOST = 1e-4


class TextEmbedderContract(ServiceContract):
    """Tries out a plugin's embedder, the service ``EMBEDDER``.

    Attributes:
        texts: Texts that mean different things.
        embed_seconds: Seconds that a few texts may take, after the first call.
    """

    texts: ClassVar[Sequence[str]] = _TEXTS
    embed_seconds: ClassVar[float] = 5.0

    @classmethod
    def covers(cls, record: Any) -> bool:
        """Tell whether it is the embedder."""
        return super().covers(record) and record.key == EMBEDDER

    def records(self, specimen: Specimen) -> list[Any]:
        """Return the embedder's record."""
        return [record for record in super().records(specimen) if record.key == EMBEDDER]

    async def test_it_says_what_its_vectors_are(self, specimen: Specimen) -> None:
        """It has a name, and says how long vectors and texts are; the same after a restart."""
        said = self._says(self._embedder(specimen))
        name, dimensions, longest, local, scripts = said
        assert isinstance(name, str), f"its id {name!r} is no text"
        assert name.strip() == name != "", f"its id {name!r} is not usable"
        assert isinstance(dimensions, int), f"dimensions {dimensions!r} is no number"
        assert dimensions > 0, f"vectors cannot have {dimensions} numbers"
        assert isinstance(longest, int), f"longest {longest!r} is no number"
        assert longest > 0, f"texts cannot have {longest} tokens"
        assert isinstance(local, bool), f"local {local!r} says neither yes nor no"
        assert not isinstance(scripts, str), f"scripts {scripts!r} is one text, no collection"
        assert all(isinstance(one, str) for one in scripts), f"scripts {scripts!r} are no texts"
        await self._restart(specimen)
        assert self._says(self._embedder(specimen)) == said, "a restart changes what it says"

    async def test_each_text_has_its_vector(self, specimen: Specimen) -> None:
        """One for each, of floats, as long as it says, of length 1; other texts have others."""
        vectors = await self._embed(specimen, self.texts)
        for vector in vectors:
            length = math.hypot(*vector)
            assert abs(length - 1) < _ALMOST, f"a vector has the length {length:.4g}, not 1"
        for one, other in itertools.pairwise(vectors):
            assert one != other, "different texts have the same vector"
        (question,) = await self._embed(specimen, self.texts[:1], query=True)
        assert math.isfinite(math.hypot(*question)), "the vector of a question has no length"

    async def test_vectors_keep_the_order_of_the_texts(self, specimen: Specimen) -> None:
        """A text has the same vector wherever it stands, now and after a restart."""
        vectors = await self._embed(specimen, self.texts)
        back = await self._embed(specimen, self.texts[::-1])
        assert _same(vectors, back[::-1]), "the vector of a text depends on where it stands"
        many = await self._embed(specimen, [*self.texts] * 100)
        assert _same(vectors * 100, many), "the vector of a text depends on how many there are"
        await self._restart(specimen)
        again = await self._embed(specimen, self.texts)
        assert _same(vectors, again), "a restart changes the vector of a text"

    async def test_no_texts_have_no_vectors(self, specimen: Specimen) -> None:
        """Asked for nothing, it returns nothing."""
        vectors = await self._embedder(specimen).embed([])
        assert len(vectors) == 0, f"{len(vectors)} vectors came for no text"

    async def test_any_text_has_a_vector(self, specimen: Specimen) -> None:
        """Empty, odd and very long ones too; what follows is not harmed."""
        vectors = await self._embed(specimen, self.texts)
        for text in _ODD:
            outcome = await attempt_async(partial(self._embed, specimen, [text]))
            assert outcome.error is None, f"the text {text!r:.30} raises {outcome.error!r:.200}"
            length = math.hypot(*outcome.get()[0])
            assert length == 0 or abs(length - 1) < _ALMOST, (
                f"the vector of {text!r:.30} has the length {length:.4g}, neither 1 nor 0"
            )
        again = await self._embed(specimen, self.texts)
        assert _same(vectors, again), "odd texts change the vectors of others"

    async def test_texts_are_turned_side_by_side(self, specimen: Specimen) -> None:
        """Several who ask at once get each their own."""
        alone = [(await self._embed(specimen, [text]))[0] for text in self.texts]
        together = await asyncio.gather(*(self._embed(specimen, [text]) for text in self.texts))
        assert _same(alone, [one for (one,) in together]), "questions at once mix up their vectors"

    async def test_it_can_be_cancelled(self, specimen: Specimen) -> None:
        """What nobody waits for any more ends after the piece at hand; others go on."""
        await self._embed(specimen, self.texts)
        work = partial(self._embedder(specimen).embed, [*self.texts] * 10_000)
        await self.assert_stops(asyncio.create_task(attempt_async(work)), what="embedding")
        await self._embed(specimen, self.texts)

    def _embedder(self, specimen: Specimen) -> TextEmbedder:
        return specimen.ctx.services.get(EMBEDDER)

    def _says(self, embedder: TextEmbedder) -> tuple[Any, ...]:
        facts = (embedder.id, embedder.dimensions, embedder.longest, embedder.local)
        return *facts, embedder.scripts

    async def _embed(
        self, specimen: Specimen, texts: Sequence[str], *, query: bool = False
    ) -> list[array[float]]:
        """Embed texts, and look at the shape of what comes."""
        embedder = self._embedder(specimen)
        seconds = self.embed_seconds + len(texts) / 100
        work = embedder.embed(texts, query=query)
        vectors = [*await self.soon(work, what=f"embedding {len(texts)} texts", seconds=seconds)]
        assert len(vectors) == len(texts), f"{len(vectors)} vectors came for {len(texts)} texts"
        for vector in vectors:
            assert isinstance(vector, array), f"a vector is a {type(vector).__name__}, no array"
            assert vector.typecode == "f", f"a vector has the type {vector.typecode!r}, not 'f'"
            assert len(vector) == embedder.dimensions, (
                f"a vector has {len(vector)} numbers, and it says {embedder.dimensions}"
            )
            assert all(map(math.isfinite, vector)), (
                "there is something in a vector that no number is"
            )
        return vectors


def _same(some: Sequence[array[float]], others: Sequence[array[float]]) -> bool:
    """Compare vectors, but for what rounding does."""
    return all(math.dist(one, other) < _ALMOST for one, other in zip(some, others, strict=True))
