"""The lock on a home: one kernel runs on it at a time."""

from __future__ import annotations

import filelock

from argent_core.paths import Home
from argent_hookspecs import ArgentError


class HomeInUse(ArgentError):
    """Report that another kernel runs on this home."""


def lock(home: Home) -> filelock.BaseFileLock:
    """Take the home for this process; the lock goes when the process does, however it ends."""
    lock = filelock.FileLock(home.run / "kernel.lock", blocking=False, mode=0o600)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise HomeInUse(
            f"Argent already runs on {home.root}; stop it with: argent stop --agent"
        ) from error
    return lock
