"""Changing one setting in ``argent.json``, with everything else left as it is."""

from __future__ import annotations

import copy
import json
from typing import Any

import attrs

from argent_core.config import files
from argent_core.config.loading import Inspection, SettingsClasses, inspect_data
from argent_core.config.problems import Invalid, error_of, shown
from argent_core.paths import Home
from argent_hookspecs import ConfigError


def set_value(
    home: Home, path: str, *, text: str, classes: SettingsClasses | None = None
) -> Inspection:
    """Set a setting, if the settings are no worse afterwards than they were.

    Args:
        home: Its file is made if it is missing; its folder must be there.
        path: Where, as in ``loop.maxSteps``.
        text: The value as JSON; what is not JSON is taken as text.
        classes: The settings classes of the installed plugins.

    Returns:
        What there is to say about the settings as they are now.

    Raises:
        ConfigError: The value is not right, or the file cannot be read or written.
    """
    document = _read(home, path)
    return _store_first(
        home,
        document,
        changes=[_with(document.data, path, value) for value in _readings(text)],
        classes=classes,
    )


def unset_value(home: Home, path: str, *, classes: SettingsClasses | None = None) -> Inspection:
    """Take a setting out of the file, so that its default holds; arguments as for ``set_value``.

    Raises:
        ConfigError: It is not in the file, or the file cannot be read or written.
    """
    document = _read(home, path)
    changed = copy.deepcopy(document.data)
    *parents, last = path.split(".")
    inner: Any = changed
    for key in parents:
        inner = inner.get(key) if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or last not in inner:
        raise ConfigError(f"{path} is not set in {home.config_file}.")
    del inner[last]
    return _store_first(home, document, changes=[changed], classes=classes)


def _read(home: Home, path: str) -> files.Document:
    if path == "version":
        raise ConfigError("version says how the file is written; it is not a setting")
    try:
        return files.read(home.config_file)
    except Invalid as error:
        raise error_of(error.problems) from error


def _store_first(
    home: Home,
    document: files.Document,
    *,
    changes: list[dict[str, Any]],
    classes: SettingsClasses | None,
) -> Inspection:
    """Store the first change that makes the settings no worse than they were."""
    before = set(inspect_data(home, document, classes=classes).errors)
    rejected = []
    for data in changes:
        changed = attrs.evolve(document, data=data)
        inspection = inspect_data(home, changed, classes=classes)
        new = [problem for problem in inspection.errors if problem not in before]
        if not new:
            if document.migrated:
                files.keep_copy(home.config_file, document.version)
            files.write(home.config_file, changed.data)
            return inspection
        rejected.append(new)
    raise error_of(rejected[0])


def _readings(text: str) -> list[Any]:
    """Return what a text may mean: first as JSON, then as itself."""
    try:
        readings = [json.loads(text, parse_constant=str), text]
    except (ValueError, RecursionError):
        readings = [text]
    if reason := next(filter(None, map(files.unfit, readings)), ""):
        raise ConfigError(f"The value {reason}.")
    return readings


def _with(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *parents, last = path.split(".")
    if not all((*parents, last)) or len(parents) >= files.MOST_NESTED or files.unfit(path):
        raise ConfigError(f'"{path}" is not a path of a setting, such as "loop.maxSteps".')
    result = copy.deepcopy(data)
    inner = result
    for index, key in enumerate(parents):
        inner = inner.setdefault(key, {})
        if not isinstance(inner, dict):
            place = ".".join(parents[: index + 1])
            raise ConfigError(f"{place} is {shown(inner)}, which cannot hold {path}.")
    inner[last] = value
    return result
