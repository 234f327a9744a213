"""Files of settings: reading them, carrying them forward, writing them whole or not at all."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from attrs import field, frozen

from argent_core import safe_files
from argent_core.config.problems import Invalid, Problem, shown, wrong
from argent_core.remedies import remedy
from argent_hookspecs import ConfigError

Migration = Callable[[dict[str, Any]], dict[str, Any]]

MIGRATIONS: tuple[Migration, ...] = ()
"""How to make version n + 1 of version n; the first one starts from version 1."""

MOST_NESTED = 50
"""Levels of settings within settings."""


@frozen(kw_only=True)
class Document:
    """A file of settings as it was read.

    Args:
        data: Its values, of the newest version.
        version: The version that the file has on the disk.
        migrated: Whether the values are newer than the file.
        oddities: What is odd, but stops nothing.
    """

    data: dict[str, Any] = field(factory=dict)
    version: int = 1
    migrated: bool = False
    oddities: tuple[Problem, ...] = ()


def read(path: Path, *, migrations: Sequence[Migration] = MIGRATIONS) -> Document:
    """Read a file; one that is not there is empty.

    Raises:
        Invalid: It cannot be read, is not JSON, or comes from a newer Argent.
    """
    text = _text(path)
    if text is None:
        return Document(version=len(migrations) + 1)
    data, oddities = _parse(path, text)
    version = _version(path, data, newest=len(migrations) + 1)
    for migrate in migrations[version - 1 :]:
        data = migrate(data)
        data["version"] = data.get("version", version) + 1
    migrated = version <= len(migrations)
    return Document(data=data, version=version, migrated=migrated, oddities=oddities)


def unfit(value: object) -> str:
    """Say why JSON values cannot be kept as settings; nothing if they can.

    >>> unfit({"name": "ab"}), unfit(chr(0xD800))
    ('', 'holds half a character (U+D800); write the whole one')
    """
    level = [value]
    for _ in range(MOST_NESTED):
        level = [inner for one in level for inner in _inside(one)]
    if level:
        return f"is nested deeper than {MOST_NESTED} levels; make it flatter"
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = ord(error.object[error.start])
        return f"holds half a character (U+{half:04X}); write the whole one"
    return ""


def keep_copy(path: Path, version: int) -> Path:
    """Copy a file that is about to be carried forward, as in ``argent.json.v1.bak``."""
    copy = path.with_name(f"{path.name}.v{version}.bak")
    shutil.copy2(path, copy)
    return copy


def write(path: Path, data: Mapping[str, Any]) -> None:
    """Replace a file at once, readable by this user only. Raises ``ConfigError``."""
    replace(path, json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def replace(path: Path, text: str) -> None:
    """Do the same with any text."""
    try:
        safe_files.replace(path.resolve(), text.encode(errors="replace"))
    except OSError as error:
        reason = f"{path} cannot be written ({error.strerror}); nothing was changed."
        raise ConfigError(f"{reason} {remedy(error)}") from error


def _text(path: Path) -> str | None:
    """Return what a file holds, or None if it is not there."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _refuse(path, "is not a file", "Move it away; without it the defaults hold")
        raw = path.read_bytes()
    except FileNotFoundError as error:
        if not path.is_symlink():
            return None
        where = f"is a link to {path.readlink()}, where nothing is"
        raise _refuse(path, where, "Bring that file back, or remove the link") from error
    except OSError as error:
        raise _refuse(path, f"cannot be read ({error.strerror})", remedy(error)) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refuse(path, "is not text in UTF-8", "Save it again as UTF-8") from error
    if "\0" in text:
        hint = "Save it again as UTF-8; or delete it, and the defaults hold"
        raise _refuse(path, "holds NUL characters, which no text does", hint)
    return text


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _parse(path: Path, text: str) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    oddities: list[Problem] = []

    def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if key in result:
                twice = "is given twice; the last one counts"
                oddities.append(Problem(key, twice, file=path.name))
            result[key] = value
        return result

    def refuse_constant(word: str) -> NoReturn:
        raise _refuse(path, f"{word} is not a number in JSON", "Write digits")

    try:
        data = json.loads(text, object_pairs_hook=make_object, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        raise _not_json(path, text, error) from error
    except RecursionError as error:
        raise _refuse(path, "is nested far too deeply", "Make it flatter") from error
    except ValueError as error:
        raise _refuse(path, "holds a number of thousands of digits", "Shorten it") from error
    if reason := unfit(data):
        raise _refuse(path, reason)
    if not isinstance(data, dict):
        hint = "Settings stand between { and }"
        raise _refuse(path, f"expected an object {{…}}, found {shown(data)}", hint)
    return data, tuple(oddities)


def _not_json(path: Path, text: str, error: json.JSONDecodeError) -> Invalid:
    before, line = text[: error.pos].rstrip(), text[error.pos :].lstrip()
    if not text.strip():
        hint = "It is empty; write {} or delete it"
    elif line.startswith(("//", "/*", "#")):
        hint = "Comments are not supported; take them out"
    elif before.endswith(",") or line.startswith(","):
        hint = "Take the comma before the closing bracket away"
    elif "delimiter" in error.msg:
        hint = "A comma or a colon is probably missing just before"
    elif line.startswith("'") or "double quotes" in error.msg:
        hint = 'Names and texts stand between double quotes, as in "name"'
    else:
        hint = "Correct it there"
    where = f"is not JSON at line {error.lineno}, column {error.colno} ({error.msg})"
    return _refuse(path, where, hint)


def _version(path: Path, data: Mapping[str, Any], *, newest: int) -> int:
    version = data.get("version", 1)
    if type(version) is not int or version < 1:
        meant = "1" if newest == 1 else f"a whole number from 1 to {newest}"
        problem = wrong(meant, version).problems[0].under("version")
        raise Invalid(Problem("version", problem.expected, problem.found, file=path.name))
    if version > newest:
        raise _refuse(
            path,
            f"is of version {version}; this Argent knows versions up to {newest}",
            "It was written by a newer Argent: install that one",
        )
    return version


def _refuse(path: Path, reason: str, hint: str = "") -> Invalid:
    return Invalid(Problem("", reason, hint=hint.rstrip("."), file=str(path)))
