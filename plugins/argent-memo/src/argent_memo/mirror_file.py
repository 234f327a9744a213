"""Mirror files: those of the workspace that show what is remembered, put there whole."""

from __future__ import annotations

import os
import re
import stat
from datetime import date
from pathlib import Path

from argent_memo.mirror_merge import FACTS
from argent_memo.mirror_page import Page, parse

_LARGEST = 16 << 20
_DAILY = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\.md")
_DRAFT = re.compile(r"\.([^/]{1,255})\.[0-9a-f]{16}")

Version = tuple[int, int, int]
"""What changes when a file does: its inode, size and time of change in nanoseconds."""


class Unfit(Exception):
    """A file that is left alone; says why."""


class Edited(Exception):
    """A file that has changed since it was read; it is looked at again."""


def look(workspace: Path) -> dict[str, Version]:
    """Return the files that are there, with what changes when they do."""
    folder = workspace / "memory"
    daily = folder.iterdir() if folder.is_dir() else ()
    names = [path.name for path in daily if _is_daily(path.name)]
    found = {}
    for file in (FACTS, *(f"memory/{name}" for name in names)):
        try:
            found[file] = _version((workspace / file).stat())
        except FileNotFoundError:
            continue
    return found


def take_drafts_away(workspace: Path) -> None:
    """Take away what was left by somebody who was killed while he wrote."""
    files = [workspace / file for file in (FACTS, *look(workspace))]
    places = {path.resolve().parent for path in files} | {workspace, workspace / "memory"}
    names = {FACTS, *(path.resolve().name for path in files)}
    for place in places:
        for path in place.iterdir() if place.is_dir() else ():
            found = _DRAFT.fullmatch(path.name)
            if found and (found[1] in names or _is_daily(found[1])):
                path.unlink(missing_ok=True)


def _is_daily(name: str) -> bool:
    if not _DAILY.fullmatch(name):
        return False
    try:
        return 1800 < date.fromisoformat(name[:10]).year < 2300
    except ValueError:  # the 30th of February
        return False


def _read(path: Path, errors: str) -> tuple[str, Version | None]:
    """Return what a file holds, and its version; nothing and None, if it is not there."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return "", None
    if not stat.S_ISREG(status.st_mode):
        raise Unfit("it is no file")
    if status.st_size > _LARGEST:
        raise Unfit(f"it is larger than {_LARGEST >> 20} MB")
    return path.read_bytes().decode(errors=errors), _version(status)


def open_file(path: Path, file: str, *, errors: str = "strict") -> tuple[str, Page, Version | None]:
    """Return what a file holds, and that taken apart; what it begins with, if it is not there."""
    text, version = _read(path, errors)
    return text, parse(text or _title(file)), version


def replace(path: Path, text: str, *, was: Version | None, errors: str = "strict") -> Version:
    """Give a file its content, unless it has changed since it was read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = path.resolve()  # a link stays a link
    own = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with os.fdopen(os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(text.encode(errors=errors))
            file.flush()
            os.fsync(file.fileno())
        there = path.stat() if path.exists() else None
        if (None if there is None else _version(there)) != was:
            raise Edited
        if there is not None:
            own.chmod(stat.S_IMODE(there.st_mode))
        own.replace(path)
    finally:
        own.unlink(missing_ok=True)
    return _version(path.stat())


def _version(status: os.stat_result) -> Version:
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def _title(file: str) -> str:
    return "# Memory\n" if file == FACTS else f"# {file[-13:-3]}\n"
