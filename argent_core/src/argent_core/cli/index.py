"""Which commands the installed plugins bring, kept in a file so that help need not look for them.

The file is good for as long as no folder of the import path, and no module of a command, changes.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from typing import Any, NamedTuple

FORMAT = 1


class Entry(NamedTuple):
    """A command of a plugin.

    Args:
        name: What it is called.
        target: Where it is, as in ``package.module:attribute``.
        distribution: Who brings it.
        help: One line.
        hidden: Whether help leaves it out.
        broken: Why it cannot be run; empty if it can.
        conflict: Whether several distributions bring a command of this name.
    """

    name: str
    target: str
    distribution: str
    help: str = ""
    hidden: bool = False
    broken: str = ""
    conflict: bool = False


def commands() -> dict[str, Entry]:
    """Return the commands of plugins by name."""
    path = _cache_file()
    known = _read(path)
    if known is not None:
        return known
    from argent_core.cli import probe

    state = _state(sys.path)
    entries, modules = probe.find_commands()
    content = {
        "format": FORMAT,
        "path": state,
        "modules": _state(modules),
        "commands": [list(entry) for entry in entries],
    }
    _write(path, json.dumps(content))
    return {entry.name: entry for entry in entries}


def _cache_file() -> str:
    """Return where the index of this installation is: each import path has its own."""
    key = zlib.crc32("\0".join([sys.version, *sys.path]).encode(errors="replace"))
    return os.path.join(_cache_folder(), f"commands-{key:08x}.json")  # noqa: PTH118 - pathlib is slow to import


def _cache_folder() -> str:
    explicit = os.environ.get("ARGENT_CACHE")
    if explicit:
        return explicit
    home = os.path.expanduser("~")  # noqa: PTH111
    if sys.platform == "darwin":
        base = f"{home}/Library/Caches"
    elif sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or home
    else:
        base = os.environ.get("XDG_CACHE_HOME") or f"{home}/.cache"
    return os.path.join(base, "argent")  # noqa: PTH118


def _state(paths: list[str]) -> list[list[Any]]:
    return [[path, _changed(path)] for path in paths]


def _changed(path: str) -> int:
    try:
        return os.stat(path or ".").st_mtime_ns  # noqa: PTH116
    except OSError:  # not there, which is a state like any other
        return 0


def _read(path: str) -> dict[str, Entry] | None:
    """Return what the file says, or None if it is missing, damaged or no longer true."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            content = json.load(file)
        if content["format"] != FORMAT or content["path"] != _state(sys.path):
            return None
        if any(_changed(module) != changed for module, changed in content["modules"]):
            return None
        entries = [Entry(*fields) for fields in content["commands"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {entry.name: entry for entry in entries}


def _write(path: str, text: str) -> None:
    """Replace the file at once. Where that is impossible, the next command looks again."""
    own = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
        with open(own, "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text)
        os.replace(own, path)  # noqa: PTH105
    except OSError as error:
        import logging

        logging.getLogger("argent.cli").debug("no index of commands is kept: %s", error)
