"""The store of attachments: ``data/files``, where each lies under the digest of its content.

A file is written beside its place, synced and renamed, so that what has a name is whole. It is
taken away when no event refers to it (``file_uses.py``) and nobody has handed it in for a day: as
long may pass between the two, and what a crash leaves without an event goes after that.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import shutil
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from functools import partial
from pathlib import Path

from attrs import define, field

from argent_core import file_uses
from argent_core.config.settings import FilesSettings
from argent_core.database import Database
from argent_core.guard import attempt
from argent_core.inbound import ballast
from argent_core.media_types import media_type
from argent_core.remedies import remedy
from argent_core.running import to_its_end
from argent_core.safe_files import make_folder, sync_folder
from argent_hookspecs import Clock, File, FileMissing, FileRefused, Transaction

log = logging.getLogger("argent.files")

_UNUSED_SECONDS = 86400.0
_PIECE = 1 << 18
_BATCH = 50
_LONGEST_NAME = 200
_ROOM = 2 * ballast.SIZE
"""Bytes that stay free on the disk for what matters more."""


@define(eq=False, repr=False)
class _Incoming:
    """A file that is being written."""

    path: Path
    size: int = 0
    counted: int = 0
    pieces: bytearray = field(factory=bytearray)
    digest: hashlib._Hash = field(factory=hashlib.sha256)


@define(eq=False, repr=False)
class FileStore:
    """Keeps attachments; the contract's ``Files``.

    Args:
        folder: Where they are.
        settings: How much may be kept.
    """

    folder: Path
    database: Database
    clock: Clock
    settings: FilesSettings
    _lock: threading.Lock = field(factory=threading.Lock)
    _held: int | None = None
    _added: dict[str, float] = field(factory=dict)

    @property
    def largest(self) -> int:
        """Bytes that one file may have."""
        return min(self.settings.largest, self.settings.total)

    async def add(self, data: bytes | AsyncIterable[bytes], *, name: str = "") -> File:
        """Keep a file; see the contract. Raises ``FileRefused``."""
        incoming = await asyncio.to_thread(self._begin)
        try:
            async with aclosing(_pieces(data)) as pieces:
                async for piece in pieces:
                    incoming.size += len(piece)
                    if incoming.size > self.largest:
                        raise _too_large(self.settings)
                    incoming.pieces += piece
                    if len(incoming.pieces) >= _PIECE:
                        await to_its_end(asyncio.to_thread(self._write, incoming))
            return await to_its_end(asyncio.to_thread(self._keep, incoming, clean_name(name)))
        finally:
            await to_its_end(asyncio.to_thread(self._discard, incoming))

    async def read(self, file: File) -> bytes:
        """Return the content. Raises ``FileMissing``."""
        return await asyncio.to_thread(self._read, file)

    def path(self, file: File) -> Path:
        """Return where the content is. Raises ``FileMissing``."""
        path = self._place(file.id)
        if not path.is_file():
            raise _missing(file)
        return path

    async def sweep(self) -> int:
        """Take away what nothing refers to; return how many files that were."""
        old, gone = await asyncio.to_thread(self._old), 0
        for first in range(0, len(old), _BATCH):
            batch = old[first : first + _BATCH]
            gone += await self.database.write(partial(self._remove_unused, ids=batch))
        if gone:
            log.info("%d attachments that nothing refers to any more were taken away", gone)
        return gone

    def held(self) -> int:
        """Count the bytes that are kept."""
        return sum(path.stat().st_size for path in self._kept())

    def _place(self, id: str) -> Path:
        return self.folder / id[:2] / id

    def _kept(self) -> Iterator[Path]:
        return self.folder.glob("??/*")

    def _begin(self) -> _Incoming:
        with _storing(), self._lock:
            make_folder(self.folder)
            if self._held is None:
                for left_over in self.folder.glob("*.part"):
                    left_over.unlink()
                self._held = self.held()
            if shutil.disk_usage(self.folder).free < _ROOM:
                raise FileRefused("the disk is too full for attachments; free some space")
            path = self.folder / f"{os.urandom(8).hex()}.part"
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return _Incoming(path)

    def _write(self, incoming: _Incoming) -> None:
        piece = bytes(incoming.pieces)
        with self._lock:
            held = (self._held or 0) + len(piece)
            if held > self.settings.total:
                most = _megabytes(self.settings.total)
                words = f"with it, attachments would take more than {most}"
                raise FileRefused(f"{words} (files.total); {_allow_more('files.total')}")
            self._held, incoming.counted = held, incoming.counted + len(piece)
        with _storing(), incoming.path.open("ab") as file:
            file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        incoming.digest.update(piece)
        incoming.pieces.clear()

    def _keep(self, incoming: _Incoming, name: str) -> File:
        self._write(incoming)
        id = incoming.digest.hexdigest()
        place, now = self._place(id), self.clock.now().timestamp()
        with _storing():
            kind = media_type(incoming.path)
            os.utime(incoming.path, (now, now))
            # One that is there may be about to be swept, or be damaged: this one takes its place.
            with self._lock:
                make_folder(place.parent)
                if not place.exists():
                    incoming.counted = 0
                incoming.path.replace(place)
                self._added[id] = self.clock.monotonic()
            sync_folder(place.parent)
        return File(id, name, kind, incoming.size)

    def _discard(self, incoming: _Incoming) -> None:
        attempt(incoming.path.unlink, True)  # one that was kept is no longer there
        with self._lock:
            self._held = (self._held or 0) - incoming.counted

    def _read(self, file: File) -> bytes:
        found = attempt(self._place(file.id).read_bytes)
        if found.error is not None or hashlib.sha256(found.get()).hexdigest() != file.id:
            raise _missing(file) from found.error
        return found.get()

    def _old(self) -> list[str]:
        return [path.name for path in self._kept() if self._is_old(path)]

    def _is_old(self, path: Path) -> bool:
        """Tell whether a file was handed in more than a day ago; a moved clock makes none old."""
        found = attempt(path.stat).value
        added = self._added.get(path.name)
        if found is None or (
            added is not None and self.clock.monotonic() - added < _UNUSED_SECONDS
        ):
            return False
        return abs(self.clock.now().timestamp() - found.st_mtime) > _UNUSED_SECONDS

    def _remove_unused(self, tx: Transaction, *, ids: Sequence[str]) -> int:
        """Remove files within a transaction: none can come into use meanwhile."""
        gone = 0
        for id in set(ids) - file_uses.used(tx, ids):
            path = self._place(id)
            with self._lock:
                size = path.stat().st_size if path.exists() else 0
                if self._is_old(path) and attempt(path.unlink).error is None:
                    self._added.pop(id, None)
                    self._held = None if self._held is None else self._held - size
                    gone += 1
        return gone


def clean_name(name: str) -> str:
    """Return a file's name on one line, without folders."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = " ".join("".join(c if c.isprintable() else " " for c in last).split())
    stem, dot, ending = shown.strip(". ").rpartition(".")
    if not dot or len(ending) > _LONGEST_NAME // 4:
        return shown.strip(". ")[:_LONGEST_NAME]
    return f"{stem[: _LONGEST_NAME - len(ending) - 1]}.{ending}"


@contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        words = f"the file cannot be kept: {error.strerror}. {remedy(error)}"
        raise FileRefused(words) from error


def _too_large(settings: FilesSettings) -> FileRefused:
    name = "files.largest" if settings.largest <= settings.total else "files.total"
    most = _megabytes(min(settings.largest, settings.total))
    return FileRefused(f"the file is larger than {most} ({name}); {_allow_more(name)}")


def _allow_more(name: str) -> str:
    return f"to allow more: argent config set {name} BYTES"


def _missing(file: File) -> FileMissing:
    return FileMissing(f"the content of {file.name or file.id[:12]} is no longer there")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.3g} MB"


async def _pieces(data: bytes | AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    if not isinstance(data, AsyncIterable):
        yield data
        return
    async for piece in data:
        yield piece
