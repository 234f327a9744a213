"""Wrong extractors of text."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

from argent_hookspecs import TEXT_EXTRACTOR, ArgentError, Service
from argent_testing import MadePlugin, TextExtractorContract, hang
from tests.mutants.declaring import bringing, caught_by, stubborn


class Reader:
    """It reads notes, of two kinds."""

    media_types = frozenset({"text/x-note", "text/x-letter"})

    async def extract(self, path: Path, media_type: str) -> Any:
        """Return the words of a note, which begins with ``note:`` and ends with a full stop."""
        content = await self.content(path)
        if not content.startswith(b"note:") or not content.endswith(b"."):
            raise self.refusal()
        return self.words(content)

    async def content(self, path: Path) -> bytes:
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise ArgentError(f"it cannot be read: {error.strerror}") from error

    def refusal(self) -> Exception:
        return ArgentError("this is no note")

    def words(self, content: bytes) -> Any:
        return content[5:].decode()


def a_reader(reader: Any) -> MadePlugin:
    return bringing(Service(key=TEXT_EXTRACTOR, open=lambda: nullcontext(reader)))


class NoteContract(TextExtractorContract):
    documents: ClassVar[Any] = {
        "text/x-note": (b"note: the cat sat.", "the cat"),
        "text/x-letter": (b"note: dear aunt, thanks.", "dear aunt"),
    }


class TestRightReader(NoteContract):
    plugin = a_reader(Reader())


class ReadsMore(Reader):
    media_types = Reader.media_types | {"text/x-poem"}


@caught_by("test_every_type_is_tried", "there is no document of text/x-poem to try")
class TestReadsMoreThanItShows(NoteContract):
    plugin = a_reader(ReadsMore())


class FindsNothing(Reader):
    def words(self, content: bytes) -> Any:
        return ""


@caught_by("test_finds_the_words", "'the cat' is not in ''")
class TestFindsNothing(NoteContract):
    plugin = a_reader(FindsNothing())


class FindsBytes(Reader):
    def words(self, content: bytes) -> Any:
        return content


@caught_by("test_finds_the_words", "text/x-note: it returned")
class TestFindsBytes(NoteContract):
    plugin = a_reader(FindsBytes())


class Crashes(Reader):
    def refusal(self) -> Exception:
        return ValueError("not a note")


@caught_by("test_survives_what_is_broken", "ValueError('not a note')")
class TestCrashesOnNonsense(NoteContract):
    plugin = a_reader(Crashes())


class Silent(Reader):
    def refusal(self) -> Exception:
        return ArgentError("")


@caught_by("test_survives_what_is_broken", "no reason")
class TestRefusesInSilence(NoteContract):
    plugin = a_reader(Silent())


class Invents(Reader):
    async def content(self, path: Path) -> bytes:
        there = await asyncio.to_thread(path.exists)
        return await super().content(path) if there else b"note: nothing."


@caught_by("test_refuses_what_is_gone", "it found ' nothing.'")
class TestInventsADocument(NoteContract):
    plugin = a_reader(Invents())


class MixesUp(Reader):
    """It has one desk."""

    desk: Path

    async def content(self, path: Path) -> bytes:
        self.desk = path
        await asyncio.sleep(0.01)
        return await super().content(self.desk)


@caught_by("test_reads_several_at_once", "is missing beside others")
class TestMixesUpDocuments(NoteContract):
    plugin = a_reader(MixesUp())


class ReadsOn(Reader):
    async def content(self, path: Path) -> bytes:
        await stubborn()
        return b"note: at last."


@caught_by("test_can_be_cancelled", "did not end within")
class TestReadsOn(NoteContract):
    plugin = a_reader(ReadsOn())


class Endless(Reader):
    async def content(self, path: Path) -> bytes:
        return bytes(await hang())


@caught_by("test_finds_the_words", "text/x-note took longer than")
class TestReadsForEver(NoteContract):
    plugin = a_reader(Endless())
    read_seconds = 0.3
