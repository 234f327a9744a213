"""Soundness: damage in the journal's file is looked for, before somebody falls over it."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from argent_core import wal
from argent_core.inbound.journal import Journal
from argent_core.paths import Home
from argent_core.storage_errors import damaged
from argent_hookspecs import StorageError

_FIRST_LOOK = 30.0
_LOOK_EVERY = 86400.0
_ONLY_A_HEADER = 4096
_LOST = (
    "{} is empty, though this agent has run before; it begins afresh. If something was in it, stop "
    "Argent now and restore a backup."
)


def loss(home: Home) -> list[str]:
    """Say, in a line, if an agent that has run before has nothing in its journal any more."""
    path = home.kernel_database
    size = path.stat().st_size if path.exists() else 0
    has_run = (home.logs / "argent.log").exists()
    lost = has_run and size <= _ONLY_A_HEADER and not wal.holds_frames(path)
    return [_LOST.format(path)] if lost else []


@define(eq=False, repr=False)
class Soundness:
    """Looks, a while after the start and then daily, beside all other work.

    Args:
        found: Told what was found.
    """

    journal: Journal
    found: Callable[[StorageError], None]

    async def run(self) -> None:
        """Look until cancelled."""
        seconds = _FIRST_LOOK
        while True:
            await self.journal.clock.sleep(seconds)
            damage = await self.journal.database.check()
            if damage is not None:
                self.found(damaged(self.journal.database.path, damage))
            seconds = _LOOK_EVERY
