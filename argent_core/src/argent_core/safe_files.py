"""Files and folders that a power cut leaves whole, or as they were before.

A file is safe once it has been synced, and its name once the folder has been in which it stands
(https://man7.org/linux/man-pages/man2/fsync.2.html).
"""

from __future__ import annotations

import errno
import os
from itertools import takewhile
from pathlib import Path

from argent_core.paths import PRIVATE


def make_folder(folder: Path) -> None:
    """Make a folder, for this user only, and those above it, where they are missing."""
    missing = [*takewhile(lambda path: not path.exists(), (folder, *folder.parents))]
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)


def replace(path: Path, content: bytes) -> None:
    """Give a file, readable by this user only, its content; it is safe when this returns."""
    own = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        handle = os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        own.replace(path)
    finally:
        own.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make sure of the names in a folder."""
    if os.name != "posix":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return  # one may make things in it, but not look into it
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not every file system can
            raise
    finally:
        os.close(handle)
