"""The replies that this person has seen, remembered from one start of the terminal to the next."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

FILE = "seen-replies"
KEPT = 1000


def private_file(home: Path, name: str) -> Path:
    """Return a file for the terminal's own use that only its owner can read."""
    folder = home / "terminal"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    return path


class SeenReplies:
    """Keys of replies that were shown, a line each.

    A key is written after its reply is shown and before that is confirmed: if the terminal is
    killed between the two, the reply is shown twice rather than never.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._keys: set[str] = set()

    async def load(self) -> None:
        """Read what was seen on this home.

        Raises:
            OSError: It cannot be read, or the file cannot be made.
        """
        await asyncio.to_thread(self._load)

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    async def add(self, key: str) -> None:
        """Remember a reply that was shown.

        Raises:
            OSError: It is remembered only as long as this terminal is open.
        """
        self._keys.add(key)
        await asyncio.to_thread(self._append, key)

    def _load(self) -> None:
        path = private_file(self._home, FILE)
        # A power cut may leave anything at its end.
        keys = path.read_text(encoding="utf-8", errors="replace").splitlines()
        self._keys.update(keys)
        if len(keys) > 2 * KEPT:
            shorter = path.with_suffix(".new")
            shorter.write_text("".join(f"{key}\n" for key in keys[-KEPT:]), encoding="utf-8")
            shorter.chmod(0o600)
            shorter.replace(path)

    def _append(self, key: str) -> None:
        # Only into a folder that is there: a home that was deleted is not to be made anew.
        path = self._home / "terminal" / FILE
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{key}\n")
