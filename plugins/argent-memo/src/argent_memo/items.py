"""Items: rows of the memory, and what identifies and checks them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import evolve, frozen

from argent_hookspecs import Memory, NewMemory, Transaction, Trust
from argent_memo.words import words

COLUMNS = (
    "id, text, kind, speaker, said_at, holds_from, holds_until, source, trust, audience, private,"
    " importance, count"
)
_CHECKED = (
    "key, kind, text, speaker, place, said_at, holds_from, holds_until, origin, source, trust,"
    " audience, private"
)
_ONE_CHECKED = f"SELECT checksum, {_CHECKED} FROM items WHERE id = ?"
_SAID = (
    "UPDATE items SET key = ?, said_at = ?, source = ?, place = '', session = NULL, position = 0"
    " WHERE id = ?"
)
_SESSION = "SELECT id, first, last, n FROM sessions WHERE place = ? ORDER BY id DESC LIMIT 1"
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
ODD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What is raised over a value that is not as anybody thought it could be."""
SILENCE = 3600.0
"""Seconds after which what is said at a place begins a new session."""
CHECKED = f"SELECT id, checksum, {_CHECKED} FROM items WHERE id > ? ORDER BY id LIMIT ?"
"""Reads what the checksums are made of, in the order that ``checksum`` takes it in."""


@frozen(kw_only=True)
class Place:
    """Where an item comes from, besides what ``NewMemory`` says.

    Args:
        origin: ``turn``, ``tool``, ``hand``, ``import``, ``mirror``, ``consolidation``,
            ``reflection``.
        name: What was said there just before belongs to it: a conversation's name.
    """

    origin: str
    name: str = ""


def memory(row: Sequence[Any]) -> Memory:
    """Make a memory of a row of ``COLUMNS``."""
    id, text, kind, speaker, said, since, until, source, trust, audience, private, *rest = row
    importance, count = rest
    return Memory(
        id=id,
        text=text,
        kind=kind,
        speaker=speaker,
        said_at=moment(said),
        holds_from=None if since is None else moment(since),
        holds_until=None if until is None else moment(until),
        source=source,
        trust=trust,
        audience=audience,
        private=bool(private),
        importance=importance,
        count=count,
    )


def moment(seconds: float) -> datetime:
    """Return a time as it is kept: seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def clamped(at: datetime) -> datetime:
    """Return a time that every clock can tell; "never" of some programs is in the year 1 or 9999.

    >>> clamped(datetime(1, 1, 1, tzinfo=UTC)).isoformat()
    '1900-01-01T00:00:00+00:00'
    """
    return at if _FIRST.year <= at.year < _LAST.year else _FIRST if at.year < 2000 else _LAST


def storable(new: NewMemory) -> NewMemory:
    """Return it in what a file can hold: no half of a surrogate pair, no time out of all time."""
    texts = {name: getattr(new, name) for name in ("text", "key", "speaker", "source", "audience")}
    sound = {n: t.encode(errors="replace").decode() for n, t in texts.items() if t is not None}
    times = {name: getattr(new, name) for name in ("said_at", "holds_from", "holds_until")}
    near = {name: clamped(at) for name, at in times.items() if at is not None}
    given, fields = {**texts, **times}, {**sound, **near}
    changes: dict[str, Any] = {n: v for n, v in fields.items() if v != given[n]}
    return evolve(new, **changes)


def digest(new: NewMemory) -> bytes:
    """Return what is the same for what says the same to the same people."""
    said = (*words(new.text), "\0", new.kind, new.speaker, new.audience, new.private, new.trust)
    return _hash([str(part) for part in said])


def checksum(checked: Sequence[Any]) -> bytes:
    """Return the checksum of a row, of what must never change in it."""
    return _hash([repr(value) for value in checked])


def insert(tx: Transaction, new: NewMemory, *, place: Place, now: float) -> int:
    """Put an item into its table, and return its id."""
    at = now if new.said_at is None else new.said_at.timestamp()
    checked = (
        new.key,
        str(new.kind),
        new.text,
        new.speaker,
        place.name,
        at,
        _seconds(new.holds_from),
        _seconds(new.holds_until),
        place.origin,
        new.source,
        str(Trust(new.trust)),
        new.audience,
        int(new.private),
    )
    session, position = _follow(tx, place.name, at) if place.name else (None, 0)
    row = tx.execute(
        f"INSERT INTO items ({_CHECKED}, importance, created_at, digest, checksum, session,"
        f" position) VALUES ({', '.join('?' * len(checked))}, ?, ?, ?, ?, ?, ?)",
        (
            *(*checked, new.importance, now),
            *(digest(new), checksum(checked), session, position),
        ),
    )
    return int(row.lastrowid)


def is_sound(tx: Transaction, id: int) -> bool:
    """Tell whether an item says what it said when it was written."""
    row = tx.execute(_ONE_CHECKED, (id,)).fetchone()
    return row is not None and row[0] == checksum(row[1:])


def said_at_first(tx: Transaction, id: int, *, said: tuple[str, float, str]) -> None:
    """Let an item have the key, the time and the source of another time that it was said."""
    sound = is_sound(tx, id)
    tx.execute(_SAID, (*said, id))
    if sound:  # one that is damaged stays known for it
        row = tx.execute(_ONE_CHECKED, (id,)).fetchone()
        tx.execute("UPDATE items SET checksum = ? WHERE id = ?", (checksum(row[1:]), id))


def _follow(tx: Transaction, place: str, at: float) -> tuple[int, int]:
    """Return the session that goes on at a place, or a new one, and the next position in it."""
    row = tx.execute(_SESSION, (place,)).fetchone()
    if row is not None and row[1] - SILENCE <= at <= row[2] + SILENCE:
        id, first, last, n = row
        given = (min(first, at), max(last, at), n + 1, id)
        tx.execute("UPDATE sessions SET first = ?, last = ?, n = ? WHERE id = ?", given)
        return id, n
    made = tx.execute("INSERT INTO sessions VALUES (NULL, ?, ?, ?, 1)", (place, at, at))
    return int(made.lastrowid), 0


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


def _hash(parts: Sequence[str]) -> bytes:
    raw = json.dumps(parts, ensure_ascii=True).encode()
    return hashlib.blake2b(raw, digest_size=8).digest()
