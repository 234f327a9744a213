"""The ballast: a file that is thrown off when the disk is full, so that work under way can end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from argent_core.guard import attempt
from argent_hookspecs import DiskFull

T = TypeVar("T")

SIZE = 8 << 20


@frozen
class Ballast:
    """Room that is kept.

    Args:
        path: The file.
        size: Its size in bytes.
    """

    path: Path
    size: int = SIZE

    def restore(self) -> bool:
        """Take the ballast in if there is room for it twice over; return whether it is there."""
        if self.path.exists() and self.path.stat().st_size >= self.size:
            return True
        if shutil.disk_usage(self.path.parent).free < 2 * self.size:
            return False
        return attempt(self._fill).error is None

    def release(self) -> bool:
        """Throw it off; return whether there was something to throw off."""
        there = self.path.exists()
        self.path.unlink(missing_ok=True)
        return there

    async def lend_to(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something; if the disk is too full for it, once more in the room that was kept."""
        try:
            return await work()
        except DiskFull:
            if not self.release():
                raise
        return await work()

    def _fill(self) -> None:
        with self.path.open("wb") as file:
            self.path.chmod(0o600)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, self.size)
            else:
                file.write(bytes(self.size))
