"""Entities: whom and what the items name, by all their names.

They are made of the items, a little later and in the background, and tidied when an item goes: no
name outlives the texts that had it. Each belongs to one audience, as the items do that name it;
the same name told to others is another entity. Content from outside and the agent's answers make
none, they can only mention those that are known. A profile is put together when it is asked for,
and so needs no tidying.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from attrs import define, field, frozen

from argent_hookspecs import Clock, Database, Transaction, Trust
from argent_memo import names
from argent_memo.items import moment
from argent_memo.learned import AGENT
from argent_memo.names import MANY_CAPITALS, Seen, key
from argent_memo.words import terms

PERSON, NAME = "person", "name"
_NOTE = "entities"
_BATCH = 50
_FACTS = 5
_LOOKED_BACK = 2000
_LOOKED_AT = 50


@frozen(kw_only=True)
class Entity:
    """Somebody or something that is named.

    Args:
        kind: ``person`` for who has said something, else ``name``.
        aliases: The other ways in which it was written.
        items: How many items name it, or are said by it.
        private: Whether only items name it that are for models of this machine only.
        profile: What is held about it, for people to read; nothing that is private or from outside.
    """

    id: int
    name: str
    kind: str
    audience: str
    aliases: tuple[str, ...]
    items: int
    private: bool
    profile: str


@frozen
class _Item:
    id: int
    text: str
    speaker: str
    audience: str
    trust: str
    seen: Seen = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "seen", names.look(self.text))


@define(eq=False, repr=False)
class Entities:
    """The entities of a memory."""

    database: Database
    clock: Clock

    async def learn(self) -> int:
        """Read the names in what was kept since the last time; return how many items that were."""
        total = 0
        while batch := await self.database.read(_next):
            found = await asyncio.to_thread(_read, batch)
            many = await self.database.read(partial(_capitalise_much, found=found))
            now = self.clock.now().timestamp()
            await self.database.write(partial(_learn, found=found, many=many, now=now))
            total += len(found)
        return total

    async def all(
        self, *, audience: str | None = None, least: int = 2, limit: int = 100
    ) -> list[Entity]:
        """Return the people, and what is named often enough, those named most first.

        Args:
            least: How many items have to name what is no person.
        """
        await self.learn()
        given = {"audience": audience, "least": least}
        return await self.database.read(partial(_all, given=given, limit=limit))

    async def find(self, name: str, *, audience: str | None = None) -> list[Entity]:
        """Return those that are called so, in each audience."""
        await self.learn()
        given = {"audience": audience, "alias": key(name)}
        return await self.database.read(partial(_entities, sql=_CALLED, given=given))


def touched(tx: Transaction, ids: Iterable[int]) -> list[int]:
    """Return the entities that items name, before the items go."""
    return [id for (id,) in tx.execute(_TOUCHED, (json.dumps(list(ids)),)).fetchall()]


def tidy(tx: Transaction, ids: Iterable[int]) -> None:
    """Take from entities what only items said that are gone."""
    for id in ids:
        left = tx.execute(_NAMES, (id,)).fetchall()
        if not left:
            tx.execute("DELETE FROM entities WHERE id = ?", (id,))
            continue
        (old,) = tx.execute("SELECT name FROM entities WHERE id = ?", (id,)).fetchone()
        called = [name for name, _ in left]
        kind = PERSON if any(said for _, said in left) else NAME
        name = old if old in called else called[0]
        tx.execute("UPDATE entities SET name = ?, kind = ? WHERE id = ?", (name, kind, id))
        tx.execute("DELETE FROM aliases WHERE entity = ?", (id,))
        _call(tx, id, called, kind=kind)


def _read(batch: Sequence[Any]) -> list[_Item]:
    return [_Item(*row) for row in batch]


def _next(tx: Transaction) -> list[Any]:
    row = tx.execute("SELECT value FROM notes WHERE name = ?", (_NOTE,)).fetchone()
    return list(tx.execute(_ITEMS, (0 if row is None else int(row[0]), _BATCH)).fetchall())


def _capitalise_much(tx: Transaction, *, found: Sequence[_Item]) -> frozenset[str]:
    """Return the speakers whose capitals say nothing, by what they said of late."""
    doubtful = {item.speaker for item in found if item.seen.capitals > MANY_CAPITALS}
    many = set()
    for speaker in sorted(doubtful):
        given = (speaker, found[-1].id - _LOOKED_BACK, found[-1].id)
        texts = [text for (text,) in tx.execute(_OF_LATE, given).fetchall()]
        if names.capitals(texts) > MANY_CAPITALS:
            many.add(speaker)
    return frozenset(many)


def _learn(tx: Transaction, *, found: Sequence[_Item], many: frozenset[str], now: float) -> None:
    for item in found:
        if tx.execute("SELECT 1 FROM items WHERE id = ?", (item.id,)).fetchone() is not None:
            _learn_one(tx, item, plain=item.speaker not in many, now=now)
    tx.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (_NOTE, str(found[-1].id)))


def _learn_one(tx: Transaction, item: _Item, *, plain: bool, now: float) -> None:
    """Put down whom an item names.

    Args:
        plain: Whether a capital says that a word is a name.
    """
    known = _Known(tx, item, plain=plain)
    may_make = item.trust != Trust.OUTSIDE and item.speaker != AGENT
    shown = [name for name in item.seen.names if plain or " " in name]
    mentioned: dict[int, str] = {}
    for name in (*shown, *known.phrases()):
        id = known.entity(name)
        if id is None and may_make and name in shown and not _is_plain_word(tx, name):
            id = known.make(name, kind=NAME, now=now)
        if id is not None:
            mentioned.setdefault(id, name)
    if item.speaker and item.speaker != AGENT:
        id = known.person(item.speaker, now=now, may_make=may_make)
        if id is not None and id not in mentioned:
            tx.execute(_MENTION, (id, item.id, item.speaker, 1))
    for id, name in mentioned.items():
        tx.execute(_MENTION, (id, item.id, name, 0))


@define(eq=False, repr=False)
class _Known:
    """The entities that an item may name."""

    tx: Transaction
    item: _Item
    plain: bool
    _found: dict[str, list[tuple[int, str, str]]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        seen = self.item.seen
        keys = {*seen.phrases, *map(key, seen.names), key(self.item.speaker)}
        self._found = {}
        rows = self.tx.execute(_BY_ALIAS, (json.dumps(sorted(keys)), self.item.audience))
        for alias, id, name, kind in rows.fetchall():
            self._found.setdefault(alias, []).append((id, name, kind))

    def phrases(self) -> list[str]:
        """Return what in the text is known as a name, the longest of what overlaps."""
        seen = self.item.seen
        fit = [alias for alias in self._found if alias in seen.phrases and self._tells(alias)]
        fit.sort(key=lambda alias: (-len(alias), alias))
        taken = [key(name) for name in seen.names]
        kept = []
        for alias in fit:
            if not any(alias != longer and alias in longer for longer in taken):
                taken.append(alias)
                kept.append(seen.phrases[alias])
        return kept

    def entity(self, name: str) -> int | None:
        """Return the one that is called so, if it is clear which."""
        found = self._found.get(key(name), [])
        exact = [id for id, own, _ in found if key(own) == key(name)]
        one = exact or [id for id, _, _ in found]
        return one[0] if len(one) == 1 else None

    def make(self, name: str, *, kind: str, now: float) -> int:
        """Make a new one."""
        row = (name, kind, self.item.audience, now)
        id = int(self.tx.execute(_MAKE, row).lastrowid)
        _call(self.tx, id, [name], kind=kind)
        self._found.setdefault(key(name), []).append((id, name, kind))
        return id

    def person(self, name: str, *, now: float, may_make: bool) -> int | None:
        """Return who speaks."""
        id = self.entity(name)
        if id is None and may_make:
            return self.make(name, kind=PERSON, now=now)
        if id is not None and may_make:
            changed = self.tx.execute(_IS_PERSON, (id,))
            if changed.rowcount:
                _call(self.tx, id, [name], kind=PERSON)
        return id

    def _tells(self, alias: str) -> bool:
        """Tell whether it is a name where it stands: a noun with a capital may be just that."""
        people = any(kind == PERSON for _, _, kind in self._found[alias])
        return self.plain or people or " " in alias


def _call(tx: Transaction, id: int, called: Sequence[str], *, kind: str) -> None:
    """Put down by what an entity is known: a person by each part of their name, too."""
    known = {key(name) for name in called}
    if kind == PERSON:
        known |= {part for name in called for part in key(name).split() if len(part) > 1}
    rows = [(alias, id) for alias in sorted(known)]
    tx.executemany("INSERT OR IGNORE INTO aliases VALUES (?, ?)", rows)


def _all(tx: Transaction, *, given: dict[str, Any], limit: int) -> list[Entity]:
    """Return those that are named most; by now it may show that one of them is a plain word."""
    found = (row for row in tx.execute(_ALL, given).fetchall() if not _is_no_name(tx, row))
    return [_entity(tx, row) for row in itertools.islice(found, limit)]


def _is_no_name(tx: Transaction, row: Sequence[Any]) -> bool:
    _, name, kind, *_ = row
    return kind == NAME and _is_plain_word(tx, name)


def _is_plain_word(tx: Transaction, name: str) -> bool:
    """Tell whether the newest items that have a word mostly write it as one that is no name."""
    found = terms(name)
    if len(found) != 1:
        return False
    texts = [text for (text,) in tx.execute(_HAVING, (f'"{found[0]}"', _LOOKED_AT)).fetchall()]
    return names.is_written_small(name, texts)


def _entities(tx: Transaction, *, sql: str, given: dict[str, Any]) -> list[Entity]:
    return [_entity(tx, row) for row in tx.execute(sql, given).fetchall()]


def _entity(tx: Transaction, row: Sequence[Any]) -> Entity:
    id, name, kind, audience, count, private = row
    called = {other for other, _ in tx.execute(_NAMES, (id,)).fetchall()} - {name}
    facts = tx.execute(_PROFILE, (id, _FACTS)).fetchall()
    return Entity(
        id=id,
        name=name,
        kind=kind,
        audience=audience,
        aliases=tuple(sorted(called)),
        items=count,
        private=bool(private),
        profile="\n".join(_line(*fact) for fact in facts),
    )


def _line(text: str, said_at: float, trust: str) -> str:
    doubt = "" if trust == Trust.OWNER else ", not the owner's word"
    return f"[{moment(said_at).date().isoformat()}{doubt}] {text}"


_ITEMS = "SELECT id, text, speaker, audience, trust FROM items WHERE id > ? ORDER BY id LIMIT ?"
_OF_LATE = (
    "SELECT text FROM items WHERE speaker = ? AND id > ? AND id <= ? ORDER BY id DESC LIMIT 20"
)
_BY_ALIAS = (
    "SELECT alias, id, name, kind FROM aliases JOIN entities ON id = entity"
    " WHERE alias IN (SELECT value FROM json_each(?)) AND audience = ? ORDER BY alias, id"
)
_HAVING = (
    "SELECT items.text FROM words JOIN items ON items.id = words.rowid WHERE words MATCH ?"
    " ORDER BY words.rowid DESC LIMIT ?"
)
_MAKE = "INSERT INTO entities (name, kind, audience, created_at) VALUES (?, ?, ?, ?)"
_IS_PERSON = "UPDATE entities SET kind = 'person' WHERE id = ? AND kind != 'person'"
_MENTION = "INSERT OR IGNORE INTO mentions (entity, item, name, said) VALUES (?, ?, ?, ?)"
_TOUCHED = "SELECT DISTINCT entity FROM mentions WHERE item IN (SELECT value FROM json_each(?))"
_NAMES = (
    "SELECT name, MAX(said) FROM mentions WHERE entity = ?"
    " GROUP BY name ORDER BY MAX(said) DESC, COUNT(*) DESC, name"
)
_COUNTED = (
    "SELECT entities.id, entities.name, entities.kind, entities.audience, COUNT(*) AS n,"
    " MIN(items.private) FROM entities JOIN mentions ON entity = entities.id"
    " JOIN items ON items.id = item"
    " WHERE (:audience IS NULL OR entities.audience = :audience)"
)
_ALL = (
    f"{_COUNTED} GROUP BY entities.id HAVING n >= :least OR entities.kind = 'person'"
    " ORDER BY n DESC, entities.name, entities.id"
)
_CALLED = (
    f"{_COUNTED} AND entities.id IN (SELECT entity FROM aliases WHERE alias = :alias)"
    " GROUP BY entities.id ORDER BY n DESC, entities.id"
)
_PROFILE = (
    "SELECT text, said_at, trust FROM mentions JOIN items ON id = item"
    " WHERE entity = ? AND NOT said AND state = 'live' AND NOT private AND trust != 'outside'"
    " AND kind != 'episodic' ORDER BY importance DESC, said_at DESC, id LIMIT ?"
)
