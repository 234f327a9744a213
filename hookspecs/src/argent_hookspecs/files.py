"""Files: attachments, kept by the kernel by what is in them."""

from __future__ import annotations

from collections.abc import AsyncIterable
from pathlib import Path
from typing import Protocol, runtime_checkable

from argent_hookspecs.attachments import File
from argent_hookspecs.services import ServiceKey


class Files(Protocol):
    """The store of attachments. What nothing refers to any more is taken away after a while."""

    @property
    def largest(self) -> int:
        """Bytes that one file may have."""
        ...

    async def add(self, data: bytes | AsyncIterable[bytes], *, name: str = "") -> File:
        """Keep a file; the same content is kept once.

        Args:
            data: All of it, or pieces as they come.
            name: As its sender named it; folders in it are taken off.

        Raises:
            FileRefused: It is too large, or there is no room.
        """
        ...

    async def read(self, file: File) -> bytes:
        """Return the content. Raises ``FileMissing``."""
        ...

    def path(self, file: File) -> Path:
        """Return where the content is, to be read only. Raises ``FileMissing``."""
        ...


@runtime_checkable
class TextExtractor(Protocol):
    """Finds the words in documents."""

    @property
    def media_types(self) -> frozenset[str]:
        """The types that it can read."""
        ...

    async def extract(self, path: Path, media_type: str) -> str:
        """Return the text of a document. Raises ``ArgentError`` if it cannot be read."""
        ...


TEXT_EXTRACTOR: ServiceKey[TextExtractor] = ServiceKey("text-extractor", TextExtractor)
"""A plugin that offers this service lets the agent read documents."""
