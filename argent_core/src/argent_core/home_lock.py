"""The lock on a home: one kernel at a time."""

from __future__ import annotations

import asyncio

import filelock

from argent_core.link import link_file
from argent_core.paths import Home
from argent_hookspecs import ArgentError

_GLANCE = 0.1


class HomeInUse(ArgentError):
    """Report that another kernel runs on this home."""


async def take(
    home: Home, *, patience: float = 10.0, ending: bool = False
) -> filelock.BaseFileLock:
    """Take the home for this process; the lock goes when the process does, however it ends.

    A kernel that works is not waited for; one that is just ending is, and so is a command that
    only looks.

    Args:
        patience: Seconds to wait at most.
        ending: Whether a kernel that works is waited for too, since it was told to end.

    Raises:
        HomeInUse: Somebody else has it.
    """
    lock = filelock.FileLock(home.run / "kernel.lock", blocking=False, mode=0o600)
    tries = max(1, round(patience / _GLANCE))
    for _ in range(tries):
        try:
            lock.acquire()
        except filelock.Timeout as error:
            if link_file(home).exists() and not ending:
                words = "Argent already runs on {}; stop it with: argent stop --agent"
                raise HomeInUse(words.format(home.root)) from error
            await asyncio.sleep(_GLANCE)
        else:
            return lock
    raise HomeInUse(f"another command of Argent is busy with {home.root}; wait until it has ended")
