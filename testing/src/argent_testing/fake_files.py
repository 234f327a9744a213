"""A store of attachments without a kernel: it keeps, refuses and forgets."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterable
from pathlib import Path

from attrs import define, field

from argent_core.files import clean_name
from argent_core.media_types import media_type
from argent_hookspecs import File, FileMissing, FileRefused


@define(eq=False, weakref_slot=True)
class FakeFiles:
    """Keeps attachments in a folder that goes when the test ends.

    Args:
        largest: Bytes that one file may have.
        refuse: Why nothing is kept, if nothing is to be.
    """

    largest: int = 20_000_000
    refuse: str = ""
    _folder: Path | None = field(default=None, init=False)

    async def add(self, data: bytes | AsyncIterable[bytes], *, name: str = "") -> File:
        """Keep a file. Raises ``FileRefused``."""
        content = bytearray()
        if isinstance(data, AsyncIterable):
            async for piece in data:
                self._demand_room(len(content) + len(piece))
                content += piece
        else:
            content += data
        self._demand_room(len(content))
        id = hashlib.sha256(content).hexdigest()
        place = self._place(id)
        place.write_bytes(content)
        return File(id, clean_name(name), media_type(place), len(content))

    async def read(self, file: File) -> bytes:
        """Return the content. Raises ``FileMissing``."""
        return self.path(file).read_bytes()

    def path(self, file: File) -> Path:
        """Return where the content is. Raises ``FileMissing``."""
        place = self._place(file.id)
        if not place.exists():
            raise FileMissing(f"the content of {file.name or file.id[:12]} is no longer there")
        return place

    def forget(self, file: File) -> None:
        """Take a file away, as the kernel does when nothing refers to it any more."""
        self._place(file.id).unlink(missing_ok=True)

    def _demand_room(self, size: int) -> None:
        if self.refuse:
            raise FileRefused(self.refuse)
        if size > self.largest:
            raise FileRefused(f"the file is larger than {self.largest / 1e6:.3g} MB")

    def _place(self, id: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp())
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder / id
