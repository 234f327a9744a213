"""The table of settings that belongs into a plugin's README."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import attrs

from argent_core.config.schema import to_json
from argent_core.config.structure import settings_fields
from argent_testing.plugin_check.rules.fields import is_near
from argent_testing.plugin_check.subject import Subject, find

HEADS = ("setting", "default", "meaning")


def table(target: str) -> str:
    """Return the table of settings of a plugin, in Markdown; empty if it has none.

    Raises:
        ConfigError: It is not installed.
    """
    return "\n\n".join(_written(list(rows)) for rows in tables(find(target)).values())


def tables(subject: Subject) -> dict[str, list[tuple[str, str, str]]]:
    """Return the rows for each plugin that has settings."""
    return {name: list(_rows(kind)) for name, kind in subject.settings_classes.items()}


def _rows(kind: type[Any], under: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield a row for each field; for one that holds settings, a row for each of those."""
    for name, field in settings_fields(kind).items():
        inner = field.type
        if isinstance(inner, type) and attrs.has(inner) and is_near(inner, kind):
            yield from _rows(inner, f"{under}{name}.")
        else:
            doc = str(field.metadata.get("doc") or "").replace("|", "\\|")
            yield f"`{under}{name}`", _default(field), doc


def _default(field: attrs.Attribute[Any]) -> str:
    default: Any = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = attrs.NOTHING if default.takes_self else default.factory()
        if default is attrs.NOTHING:
            return ""
    if default is attrs.NOTHING:
        return "required"
    value = to_json(default)
    if value is None or value == "" or value == [] or value == {}:
        return ""
    if isinstance(value, bool | list | dict):
        return f"`{json.dumps(value, ensure_ascii=False)}`"
    if isinstance(value, str):
        return f"`{value}`"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _written(rows: list[tuple[str, str, str]]) -> str:
    lines = [f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in (HEADS, *rows)]
    return "\n".join([lines[0], "|---|---|---|", *lines[1:]])
