"""The contract of what reads documents."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from argent_core.guard import attempt_async
from argent_hookspecs import ArgentError, TextExtractor
from argent_testing.contracts.services import ServiceContract
from argent_testing.specimen import Specimen

_NONSENSE = (b"", b"PK\x03\x04" + bytes(200), bytes(range(256)))


class TextExtractorContract(ServiceContract):
    """Tries out a plugin's extractor of text.

    Attributes:
        documents: One document for each media type that it reads, and words that are in it.
        read_seconds: Seconds that reading one document may take.
    """

    only = ("text-extractor",)
    documents: ClassVar[Mapping[str, tuple[bytes, str]]]
    read_seconds: ClassVar[float] = 60.0

    async def test_every_type_is_tried(self, specimen: Specimen) -> None:
        """There is a document of each type that it says it reads."""
        untried = sorted(self._extractor(specimen).media_types - set(self.documents))
        assert not untried, f"there is no document of {', '.join(untried)} to try"

    async def test_finds_the_words(self, specimen: Specimen, tmp_path: Path) -> None:
        """The words of each document are in what it returns."""
        for media_type, (content, words) in self.documents.items():
            found = await self._extract(specimen, _kept(tmp_path, content), media_type)
            assert isinstance(found, str), f"{media_type}: it raised {found!r}"
            assert words in found, f"{media_type}: {words!r} is not in {found[:200]!r}"

    async def test_survives_what_is_broken(self, specimen: Specimen, tmp_path: Path) -> None:
        """Of a damaged document it returns some text or raises an ``ArgentError`` with a reason."""
        tried = [
            (media_type, broken)
            for media_type, (content, _) in self.documents.items()
            for broken in (*_NONSENSE, content[: len(content) // 2])
        ]
        asked = [self._extract(specimen, _kept(tmp_path, one), kind) for kind, one in tried]
        for found, (media_type, _) in zip(await asyncio.gather(*asked), tried, strict=True):
            assert isinstance(found, str) or str(found).strip(), f"{media_type}: no reason"

    async def test_refuses_what_is_gone(self, specimen: Specimen, tmp_path: Path) -> None:
        """A document that is not there is an ``ArgentError``."""
        for media_type in self.documents:
            found = await self._extract(specimen, tmp_path / "gone", media_type)
            assert isinstance(found, ArgentError), f"{media_type}: it found {found!r}"

    async def test_reads_several_at_once(self, specimen: Specimen, tmp_path: Path) -> None:
        """Documents are read side by side, each as it is alone."""
        asked = [
            self._extract(specimen, _kept(tmp_path, content), media_type)
            for media_type, (content, _) in self.documents.items()
        ]
        found = await asyncio.gather(*asked)
        for text, (media_type, (_, words)) in zip(found, self.documents.items(), strict=True):
            assert words in str(text), f"{media_type}: {words!r} is missing beside others"

    async def test_can_be_cancelled(self, specimen: Specimen, tmp_path: Path) -> None:
        """Reading that is cancelled ends."""
        for media_type, (content, _) in self.documents.items():
            work = partial(self._extractor(specimen).extract, _kept(tmp_path, content), media_type)
            await self.assert_stops(asyncio.create_task(attempt_async(work)), what=media_type)

    def _extractor(self, specimen: Specimen) -> TextExtractor:
        (record,) = self.records(specimen)
        live: TextExtractor = specimen.live(record)
        return live

    async def _extract(self, specimen: Specimen, path: Path, media_type: str) -> str | ArgentError:
        """Return what it finds, or the ``ArgentError`` that it raises."""
        work = partial(self._extractor(specimen).extract, path, media_type)
        outcome: Any = await attempt_async(
            lambda: self.soon(work(), what=media_type, seconds=self.read_seconds)
        )
        if outcome.error is None:
            found: object = outcome.get()
            assert isinstance(found, str), f"{media_type}: it returned {found!r:.100}, no text"
            return found
        assert isinstance(outcome.error, ArgentError), f"{media_type}: {outcome.error!r}"
        return outcome.error


def _kept(folder: Path, content: bytes) -> Path:
    """Write a document down as the kernel does: its name says nothing."""
    path = folder / f"{hash(content) & 0xFFFFFFFF:x}"
    path.write_bytes(content)
    return path
