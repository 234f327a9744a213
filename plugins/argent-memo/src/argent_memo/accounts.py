"""Accounts: what the memory tells a person of an item, and of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from argent_hookspecs import Database, Memory, TextEmbedder, Transaction
from argent_memo import conflicts, not_kept
from argent_memo.embedding import MAY_LACK
from argent_memo.items import moment

_STEP = 20_000
_USES = 20


def account(memory: Memory) -> dict[str, Any]:
    """Return a memory as JSON has it."""
    return {
        "id": memory.id,
        "text": memory.text,
        "kind": str(memory.kind),
        "speaker": memory.speaker,
        "said_at": memory.said_at.isoformat(),
        "holds_from": memory.holds_from and memory.holds_from.isoformat(),
        "holds_until": memory.holds_until and memory.holds_until.isoformat(),
        "source": memory.source,
        "trust": str(memory.trust),
        "audience": memory.audience,
        "private": memory.private,
        "importance": memory.importance,
        "count": memory.count,
    }


def whole(tx: Transaction, *, id: int) -> dict[str, Any] | None:
    """Return all that is known of an item, or None if there is none."""
    row = tx.execute(_ITEM, (id,)).fetchone()
    if row is None:
        return None
    item = _timed(dict(zip(_COLUMNS, row, strict=True)))
    item["private"] = bool(item["private"])
    item["history"] = _told(tx, _OLDER, id, names=_VERSION)
    item["later"] = _told(tx, _NEWER, id, names=_VERSION)
    item["sayings"] = _told(tx, _SAYINGS, id, names=("said_at", "source"))
    item["uses"] = _told(tx, _TOLD, id, names=("at", "turn", "why", "mattered"))
    item["used"], item["mattered"] = tx.execute(_USED, (id,)).fetchone()
    item["links"] = _told(tx, _LINKS, id, names=("relation", "id", "text"))
    item["entities"] = [name for (name,) in tx.execute(_NAMED, (id,)).fetchall()]
    item["vectors"] = [name for (name,) in tx.execute(_VECTORS, (id,)).fetchall()]
    return item


def brief(tx: Transaction, *, id: int) -> dict[str, Any]:
    """Return the words of an item, and whose they are."""
    row = tx.execute(f"SELECT {', '.join(_BRIEF)} FROM items WHERE id = ?", (id,)).fetchone()
    return _timed(dict(zip(_BRIEF, row, strict=True)))


def owner(tx: Transaction) -> str:
    """Return what the owner is called, as on the channel where they spoke last."""
    row = tx.execute(_OWNER).fetchone()
    return "" if row is None else str(row[0])


async def figures(database: Database, embedder: TextEmbedder | None) -> dict[str, Any]:
    """Return how much is remembered, by what it is, and what it takes.

    What was replaced or set aside counts among the states only.
    """
    by: dict[str, Counter[str]] = {name: Counter() for name in _BY}
    withheld, last, end = (
        0,
        0,
        await database.read(partial(_number, sql="SELECT MAX(id) FROM items")),
    )
    while last < end:
        counted = await database.read(partial(_counted, between=(last, last + _STEP)))
        for *values, private, n in counted:
            withheld += n if private and "live" in values else 0
            for name, value in zip(_BY, values, strict=True):
                if name == "state" or "live" in values:
                    by[name][str(value)] += n
        last += _STEP
    tables = {}
    for table in ("sayings", "uses", "links"):
        tables[table] = await database.read(partial(_number, sql=f"SELECT COUNT(*) FROM {table}"))
    tables["entities"] = await database.read(partial(_number, sql=_ENTITIES))
    vectors = await database.read(_embedded)
    if embedder is not None and embedder.local:
        withheld = 0
    made = next((v["vectors"] for v in vectors if embedder and v["embedder"] == embedder.id), 0)
    without = max(0, by["state"]["live"] - withheld - made) if embedder else 0
    alone = embedder is None or without > MAY_LACK * by["state"]["live"]
    return {
        "items": sum(by["state"].values()),
        **{name: dict(counted) for name, counted in by.items()},
        **tables,
        "conflicts": await database.read(conflicts.count),
        "bytes": await database.read(_size),
        "left_out": await database.read(not_kept.left_out),
        "vectors": vectors,
        "embedder": embedder.id if embedder else None,
        "without_vector": without,
        "search": "words" if alone else "words and meaning",
    }


def _told(tx: Transaction, sql: str, id: int, *, names: Sequence[str]) -> list[dict[str, Any]]:
    rows = tx.execute(sql, {"id": id}).fetchall()
    return [_timed(dict(zip(names, row, strict=True))) for row in rows]


def _timed(row: Mapping[str, Any]) -> dict[str, Any]:
    """Write the times in a row as people do."""
    return {
        name: moment(value).isoformat() if name in _TIMES and value is not None else value
        for name, value in row.items()
    }


def _counted(tx: Transaction, *, between: tuple[int, int]) -> list[Any]:
    return list(tx.execute(_COUNTED, between).fetchall())


def _number(tx: Transaction, *, sql: str) -> int:
    return int(tx.execute(sql).fetchone()[0] or 0)


def _embedded(tx: Transaction) -> list[dict[str, Any]]:
    rows = tx.execute(_EMBEDDED).fetchall()
    return [
        {"embedder": name, "dimensions": dimensions, "vectors": n} for name, dimensions, n in rows
    ]


def _size(tx: Transaction) -> int:
    pages = [tx.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")]
    return int(pages[0]) * int(pages[1])


_BY = ("kind", "state", "audience", "trust", "origin")
_ENTITIES = (  # those that are listed: people, and what is named more than once
    "SELECT COUNT(*) FROM entities WHERE kind = 'person'"
    " OR (SELECT COUNT(*) FROM mentions WHERE entity = entities.id) > 1"
)
_OWNER = (
    "SELECT speaker FROM items WHERE trust = 'owner' AND origin = 'turn' AND speaker != ''"
    " ORDER BY id DESC LIMIT 1"
)
_TIMES = ("said_at", "holds_from", "holds_until", "created_at", "at")
_COLUMNS = (
    *("id", "text", "kind", "state", "speaker", "place", "said_at", "holds_from", "holds_until"),
    *("origin", "source", "key", "trust", "audience", "private", "importance", "count"),
    *("superseded_by", "created_at"),
)
_BRIEF = ("id", "text", "kind", "state", "speaker", "said_at", "trust", "audience")
_VERSION = ("id", "text", "speaker", "trust", "created_at")
_ITEM = f"SELECT {', '.join(_COLUMNS)} FROM items WHERE id = ?"
_COUNTED = (
    f"SELECT {', '.join(_BY)}, private, COUNT(*) FROM items WHERE id > ? AND id <= ?"
    f" GROUP BY {', '.join(_BY)}, private"
)
_OLDER = (
    "WITH RECURSIVE older (n) AS (SELECT id FROM items WHERE superseded_by = :id"
    " UNION SELECT items.id FROM items JOIN older ON superseded_by = older.n)"
    f" SELECT {', '.join(_VERSION)} FROM items JOIN older ON items.id = older.n ORDER BY id DESC"
)
_NEWER = (
    "WITH RECURSIVE newer (n) AS (SELECT superseded_by FROM items WHERE id = :id"
    " UNION SELECT superseded_by FROM items JOIN newer ON items.id = newer.n)"
    f" SELECT {', '.join(_VERSION)} FROM items JOIN newer ON items.id = newer.n ORDER BY id"
)
_SAYINGS = "SELECT said_at, source FROM sayings WHERE item = :id ORDER BY said_at"
_TOLD = (
    "SELECT at, turn, why, mattered FROM uses WHERE item = :id"
    f" ORDER BY at DESC, rowid DESC LIMIT {_USES}"
)
_USED = "SELECT COUNT(*), COALESCE(SUM(mattered), 0) FROM uses WHERE item = ?"
_LINKS = (
    "SELECT relation, id, text FROM links JOIN items ON items.id = other WHERE item = :id"
    " UNION ALL SELECT iif(relation = 'made of', 'part of', relation), id, text"
    " FROM links JOIN items ON items.id = item WHERE other = :id ORDER BY 1, 2"
)
_NAMED = (
    "SELECT DISTINCT entities.name FROM mentions JOIN entities ON entities.id = entity"
    " WHERE item = ? ORDER BY 1"
)
_VECTORS = (
    "SELECT name FROM vectors JOIN embedders ON embedders.id = embedder WHERE item = ? ORDER BY 1"
)
_EMBEDDED = (
    "SELECT name, dimensions, (SELECT COUNT(*) FROM vectors WHERE embedder = embedders.id)"
    " FROM embedders ORDER BY name"
)
