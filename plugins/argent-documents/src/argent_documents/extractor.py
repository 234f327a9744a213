"""The extractor: each document is read in a process of its own.

A document is not believed. One that would take for ever, or all memory, or that makes its reader
crash, takes nothing with it but that process.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import field, frozen

from argent_documents.kinds import KINDS
from argent_documents.settings import DocumentsSettings
from argent_hookspecs import ArgentError

_AT_ONCE = 2
_START = "import sys; sys.path[:] = sys.argv[5:]; from argent_documents.reading import main; main()"
_KEPT_VARIABLES = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_UNREADABLE = 2


@frozen(eq=False)
class DocumentExtractor:
    """Reads documents; the contract's ``TextExtractor``."""

    settings: DocumentsSettings
    _places: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(_AT_ONCE))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[DocumentExtractor]:
        """Be there for as long as the plugin runs."""
        yield self

    @property
    def media_types(self) -> frozenset[str]:
        """The types that it can read."""
        return frozenset(KINDS)

    async def extract(self, path: Path, media_type: str) -> str:
        """Return the text of a document, or its beginning. Raises ``ArgentError``."""
        if media_type not in KINDS:
            raise ArgentError(f"{media_type} is not a kind of document that can be read here")
        await asyncio.to_thread(self._check, path)
        async with self._places:
            code, said, complaint = await self._run(path, media_type)
        if code == 0:
            return said.decode(errors="replace")
        words = complaint.decode(errors="replace").strip()
        if code == _UNREADABLE and words:
            raise ArgentError(words)
        last = words.rpartition("\n")[2].partition(":")[0].strip() or f"exit {code}"
        raise ArgentError(f"the document is damaged, or asks for too much ({last[:80]})")

    def _check(self, path: Path) -> None:
        try:
            size = path.stat().st_size
        except OSError as error:
            raise ArgentError(f"the document cannot be opened: {error.strerror}") from error
        if size > self.settings.largest:
            most = f"{self.settings.largest / 1e6:.3g} MB"
            raise ArgentError(f"the document is larger than {most} (plugins.documents.largest)")

    async def _run(self, path: Path, media_type: str) -> tuple[int | None, bytes, bytes]:
        settings = self.settings
        given = (str(path), media_type, str(settings.characters), str(settings.megabytes))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-c",
            _START,
            *given,
            *filter(None, sys.path),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
        )
        try:
            async with asyncio.timeout(settings.seconds):
                said, complaint = await process.communicate()
        except TimeoutError as error:
            words = f"it takes longer than {settings.seconds:g} s to read the document"
            raise ArgentError(words) from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode, said, complaint
