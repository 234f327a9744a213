"""Whether the README's table of settings is right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from argent_testing.plugin_check.report import Found, Rule
from argent_testing.plugin_check.settings_table import HEADS, tables
from argent_testing.plugin_check.subject import Subject

_CELLS = re.compile(r"(?<!\\)\|")

Row = tuple[str, ...]


def _look(subject: Subject) -> Found:
    written, problems = _tables_in(subject.readme), []
    wanted = tables(subject)
    for rows in wanted.values():
        near = max(written, key=lambda table: _likeness(table, rows), default=None)
        if not rows:
            continue
        if near is None:
            problems.append(f"its README has no table with the columns {', '.join(HEADS)}")
        else:
            problems += _differences(near, rows)
    if problems:
        problems.append(f"print the right one: argent plugins check {subject.name} --table")
    return Found(tuple(problems), f"{sum(map(len, wanted.values()))} settings")


def _tables_in(text: str) -> list[list[Row]]:
    """Return the rows of all tables whose first column is that of settings."""
    found: list[list[Row]] = []
    lines = [line.strip() for line in text.splitlines()]
    for number, line in enumerate(lines):
        if not line.startswith("|") or (number and lines[number - 1].startswith("|")):
            continue
        block = []
        for row in lines[number:]:
            if not row.startswith("|"):
                break
            block.append(_cells(row))
        if block[0][0].lower().startswith(HEADS[0]):
            found.append(block[2:])
    return found


def _cells(row: str) -> Row:
    return tuple(cell.strip() for cell in _CELLS.split(row.strip().strip("|")))


def _likeness(table: Sequence[Row], rows: Sequence[Row]) -> int:
    return len({row[0] for row in table} & {row[0] for row in rows})


def _differences(table: Sequence[Row], rows: Sequence[Row]) -> Iterator[str]:
    written = {row[0].strip("`"): row for row in table}
    right = {row[0].strip("`"): row for row in rows}
    for name in written.keys() - right.keys():
        yield f"the table has {name}, which is no setting"
    for name, row in right.items():
        if name not in written:
            yield f"the table lacks {name}"
            continue
        shown = (*written[name], "", "", "")
        if _plain(shown[1]) != _plain(row[1]):
            said = shown[1] or "nothing"
            yield f"{name}: the default is {row[1] or 'nothing'}, and the table says {said}"
        if shown[2] != row[2]:
            yield f"{name}: the table does not say what its doc says: {row[2]}"


def _plain(cell: str) -> str:
    """Return a default as all ways to write it have in common."""
    bare = cell.strip("`\"' ")
    return "" if bare in ("null", "none", "[]", "{}") else bare.removesuffix(".0").replace(",", "")


RULE = Rule("readme", "gold", "the table of settings in its README is right", _look)
