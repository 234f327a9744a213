"""Refused lines: those of the workspace's pages that tell a secret, and are not remembered.

Of each page it is noted where they stand, and nothing of what they say.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from argent_hookspecs import Database, Health, Transaction

_NAME = "refused/"
_MOST_NAMED = 5


def note(tx: Transaction, file: str, *, lines: Sequence[int]) -> None:
    """Note which lines of a page are refused."""
    if lines:
        noted = (f"{_NAME}{file}", json.dumps(sorted(lines)))
        tx.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", noted)
    else:
        tx.execute("DELETE FROM notes WHERE name = ?", (f"{_NAME}{file}",))


def all_of(tx: Transaction) -> list[str]:
    """Return where they stand, in words."""
    rows = tx.execute(_NOTED, (_NAME,)).fetchall()
    return [f"{name[len(_NAME) :]}, line {n}" for name, lines in rows for n in json.loads(lines)]


async def health(database: Database) -> Health:
    """Say where they stand, if there are any."""
    found = await database.read(all_of)
    if not found:
        return Health(True, "no line of the workspace's pages is refused")
    more = f"; … and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    where = "; ".join(found[:_MOST_NAMED]) + more
    remedy = "take it out; a password manager is the place for it"
    return Health(False, f"looks like a secret and is not remembered: {where}", remedy=remedy)


_NOTED = "SELECT name, value FROM notes WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name"
