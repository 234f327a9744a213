"""Search: from a question to the items that answer it."""

from __future__ import annotations

from typing import Any

from attrs import define, evolve

from argent_hookspecs import Database, Memory, MemoryFilter, Transaction
from argent_memo import items
from argent_memo.filters import conditions
from argent_memo.items import COLUMNS
from argent_memo.words import fold

_CANDIDATES = 200


@define(eq=False, repr=False)
class Search:
    """Finds items by their words."""

    database: Database

    async def find(
        self, query: str, k: int = 10, *, filters: MemoryFilter | None = None
    ) -> list[Memory]:
        """Return the items that answer a question best, best first; fewer where few fit."""
        asked = list(dict.fromkeys(fold(query)))
        if not asked or k <= 0:
            return []
        match = " OR ".join(f'"{word}"' for word in asked)
        where, given = conditions(filters or MemoryFilter())
        columns = ", ".join(f"items.{name.strip()}" for name in COLUMNS.split(","))
        sql = (
            f"SELECT {columns}, bm25(words, 1.0, 0.3) AS rank FROM words"
            f" JOIN items ON items.id = words.rowid WHERE words MATCH ? AND {where}"
            " ORDER BY rank LIMIT ?"
        )

        def read(tx: Transaction) -> list[Any]:
            return list(tx.execute(sql, (match, *given, min(k, _CANDIDATES))).fetchall())

        rows = await self.database.read(read)
        return [evolve(items.memory(row[:-1]), score=-row[-1], why="words") for row in rows]
