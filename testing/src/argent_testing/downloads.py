"""Files that plugins fetch, for tests: fetched once on this machine, and copied to their place."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from argent_core.downloads import DownloadStore, PluginDownloads
from argent_core.paths import Home
from argent_hookspecs import Pinned


def downloads_of_home(home: Path) -> Path:
    """Return where a kernel with this home keeps what it fetched."""
    return Home(home).downloads


def downloads_beside(data: Path) -> Path:
    """Return where a ``FakeContext`` with this folder keeps what it fetched."""
    return data.with_name(f"{data.name}-downloads")


async def have_downloaded(wanted: Pinned, folder: Path) -> list[Path]:
    """Put files where a kernel or a context looks for them; return their paths.

    The first test on this machine fetches them, into ``ARGENT_TEST_MODELS`` or the person's cache.

    Args:
        wanted: What they are.
        folder: As ``downloads_of_home`` or ``downloads_beside`` has it.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(os.environ.get("ARGENT_TEST_MODELS") or Path(base, "argent-test-models"))
    log = logging.LoggerAdapter(logging.getLogger("argent.testing"), {})
    shared = PluginDownloads(DownloadStore(cache), lambda *_, **__: None, log)
    found = await shared.fetch(wanted)
    return await asyncio.to_thread(_copy, found, DownloadStore(folder).place(wanted))


def _copy(files: Sequence[Path], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return [Path(shutil.copyfile(path, folder / path.name)) for path in files]
