"""The lock: which plugins were approved, and how all that they bring was at that time.

It is ``data/plugins.lock.json`` of a home, for its owner only, written whole or not at all.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, field, frozen

from argent_core import safe_files
from argent_core.paths import Home
from argent_core.plugin_trust.installed import Installation, Installed, look
from argent_core.remedies import remedy
from argent_hookspecs import ConfigError

FORMAT = 1
MEND = "Look at what is there with argent plugins audit, then: argent plugins approve --all"


@frozen
class Locked:
    """A distribution as it was.

    Args:
        name: Its normal name.
        version: Its version.
        digest: Hash of its RECORD; empty if it is editable or has none.
        editable: Whether it is a checkout that is worked on.
        plugins: Which plugins bring it.
    """

    name: str
    version: str
    digest: str
    editable: bool
    plugins: tuple[str, ...]


@frozen
class Drift:
    """A distribution that is not as it was.

    Args:
        name: Its normal name.
        change: ``changed``, ``new`` or ``gone``.
        what: What has changed, in words.
        plugins: Which plugins bring it.
    """

    name: str
    change: str
    what: str
    plugins: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.name} {self.what} (of {', '.join(self.plugins)})"


@frozen(kw_only=True)
class Sight:
    """What the last look at the installation saw, so that the next need not look so closely.

    Args:
        paths: Folders that the interpreter imports from, and when each was changed.
        marks: The RECORD of each distribution: where, when, how long.
        drift: What was found.
    """

    paths: list[Any] = field(factory=list)
    marks: list[Any] = field(factory=list)
    drift: tuple[Drift, ...] = ()

    def still_holds(self) -> bool:
        """Tell whether everything looks as it did then."""
        return bool(self.paths) and self.paths == import_path() and self.marks == _again(self.marks)


@frozen(kw_only=True)
class Lock:
    """What is written down.

    Args:
        plugins: The distribution of each approved plugin.
        distributions: All that they bring.
        sight: What the last look saw.
    """

    plugins: Mapping[str, str] = field(factory=dict)
    distributions: Mapping[str, Locked] = field(factory=dict)
    sight: Sight = field(factory=Sight)


def lock_file(home: Home) -> Path:
    """Return where the lock of a home is."""
    return home.data / "plugins.lock.json"


def read(home: Home) -> Lock | None:
    """Read the lock of a home; None if it has none yet.

    Raises:
        ConfigError: It cannot be read.
    """
    path = lock_file(home)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']!r}, which is not known")
        return _structure(content)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}). {remedy(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is damaged ({error}). {MEND}") from error


def write(home: Home, lock: Lock) -> None:
    """Write the lock of a home. Raises ``ConfigError``."""
    path = lock_file(home)
    text = json.dumps({"format": FORMAT, **asdict(lock)}, indent=1)
    try:
        safe_files.replace(path, text.encode())
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written ({error.strerror}). {remedy(error)}"
        ) from error


def locked(plugins: Mapping[str, str], installation: Installation) -> dict[str, Locked]:
    """Return all that some plugins bring, as it is now."""
    found = brought(plugins, installation)
    return {name: _as_locked(one, names) for name, (one, names) in found.items()}


def brought(
    plugins: Mapping[str, str], installation: Installation
) -> dict[str, tuple[Installed, tuple[str, ...]]]:
    """Return all that some plugins bring: each distribution, and which plugins bring it."""
    users: dict[str, list[str]] = {}
    for plugin, distribution in sorted(plugins.items()):
        for name in installation.closure(distribution):
            users.setdefault(name, []).append(plugin)
    return {name: (installation.distributions[name], tuple(users[name])) for name in sorted(users)}


def compare(before: Mapping[str, Locked], now: Mapping[str, Locked]) -> tuple[Drift, ...]:
    """Say what has changed."""
    found = [_change(before.get(name), now.get(name)) for name in sorted({*before, *now})]
    return tuple(drift for drift in found if drift is not None)


def sight(installation: Installation, names: Iterable[str], *, drift: Iterable[Drift]) -> Sight:
    """Note how everything looks now."""
    known = (installation.get(name) for name in names)
    marks = [one.mark for one in known if one is not None]
    return Sight(paths=import_path(), marks=marks, drift=tuple(drift))


def import_path() -> list[Any]:
    """Return the folders that the interpreter imports from, and when each was changed.

    The first is left out: it is that of the command, which each has its own.
    """
    folders = sys.path if sys.flags.safe_path else sys.path[1:]
    return [sys.version, *(look(path)[:2] for path in folders if os.path.isdir(path))]  # noqa: PTH112


def relocked(lock: Lock, installation: Installation) -> Lock:
    """Take everything that the approved plugins bring as it is now."""
    there = {name: by for name, by in lock.plugins.items() if installation.get(by)}
    now = locked(there, installation)
    seen = sight(installation, now, drift=())
    return evolve(lock, plugins=there, distributions=now, sight=seen)


def _again(marks: Iterable[Any]) -> list[Any]:
    return [look(mark[0]) for mark in marks]


def _as_locked(one: Installed, plugins: tuple[str, ...]) -> Locked:
    return Locked(one.name, one.version, one.digest, one.is_editable, plugins)


def _change(before: Locked | None, now: Locked | None) -> Drift | None:
    if before is None or now is None:
        one, change = (now, "new") if before is None else (before, "gone")
        assert one is not None
        words = "is new" if before is None else "is gone"
        return Drift(one.name, change, f"{one.version} {words}", one.plugins)
    if before.version != now.version:
        what = f"was {before.version} and is {now.version}"
    elif before.editable != now.editable:
        what = f"{now.version} is {'now' if now.editable else 'no longer'} an editable checkout"
    elif before.digest != now.digest:
        what = f"{now.version} has other files than before"
    else:
        return None
    return Drift(now.name, "changed", what, now.plugins)


def _structure(content: Mapping[str, Any]) -> Lock:
    seen = content["sight"]
    return Lock(
        plugins={str(name): str(by) for name, by in content["plugins"].items()},
        distributions={
            name: Locked(**{**one, "plugins": tuple(one["plugins"])})
            for name, one in content["distributions"].items()
        },
        sight=Sight(
            paths=seen["paths"],
            marks=seen["marks"],
            drift=tuple(Drift(**{**d, "plugins": tuple(d["plugins"])}) for d in seen["drift"]),
        ),
    )
