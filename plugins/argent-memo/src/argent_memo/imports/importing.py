"""Imports into the memory: in batches, each record whole or not at all, and never twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path

from attrs import evolve

from argent_hookspecs import Transaction
from argent_memo import accounts
from argent_memo import store as storing
from argent_memo.confidential import parted
from argent_memo.imports import chats, jsonl, notes, openclaw
from argent_memo.imports.records import (
    FORMS,
    Broken,
    Found,
    Imported,
    ImportRefused,
    Records,
    Wish,
)
from argent_memo.store import Store

_BATCH = 300
_BY_ENDING = {
    ".zip": "chats",
    ".json": "chats",
    ".jsonl": "jsonl",
    ".md": "markdown",
    ".markdown": "markdown",
    ".sqlite": "openclaw",
}
_READERS: dict[str, Callable[[Wish], Records]] = {
    "openclaw": openclaw.read,
    "chatgpt": partial(chats.read, form="chatgpt"),
    "claude": partial(chats.read, form="claude"),
    "chats": chats.read,
    "markdown": notes.read,
}


async def import_(
    store: Store,
    path: Path,
    *,
    form: str | None = None,
    audience: str = "owner",
    progress: Callable[[int], None] | None = None,
) -> Imported:
    """Import what another program kept; what was imported before is passed over.

    Args:
        form: One of ``FORMS``; guessed from what is there, if not given.
        audience: Where it may come up. What a memory has exported itself keeps its own.
        progress: Told how many records were dealt with.

    Raises:
        ImportRefused: It cannot be read; says why. What was read before stays.
        StorageError: Likewise; doing it again goes on from there.
    """
    if form is not None and form not in FORMS:
        raise ImportRefused(f"there is no form {form!r}; the forms are: {', '.join(FORMS)}")
    kind = await asyncio.to_thread(_guess, path) if form is None else form
    told = progress or _nobody
    if kind == "jsonl":
        return await jsonl.import_jsonl(store, path, progress=told)
    owner, imported = await store.database.read(accounts.owner), Imported()
    wish = Wish(path=path, audience=audience, owner=owner)
    if kind == "markdown":
        with closing(notes.exported(wish)) as lines:
            imported = await jsonl.take_in(store, lines, progress=told)
    with closing(_READERS[kind](wish)) as records:
        while batch := await asyncio.to_thread(_next, records):
            good = await asyncio.to_thread(_sort, batch, imported)
            now = store.clock.now().timestamp()
            new = await store.database.write(partial(_keep, found=good, now=now))
            imported.items += new
            imported.skipped += len(good) - new
            told(imported.seen)
    return imported


def _next(records: Records) -> list[Found | Broken]:
    return [*islice(records, _BATCH)]


def _sort(batch: Sequence[Found | Broken], imported: Imported) -> list[Found]:
    """Return what is to be kept, without the sentences that tell secrets, and count the rest."""
    good = list[Found]()
    for record in batch:
        if isinstance(record, Broken):
            imported.complain(record.name)
            continue
        left, held = parted(record.memory.text)
        if held:
            imported.leave_out(*dict.fromkeys(map(record.name_of, held)))
        if left.strip():
            good.append(evolve(record, memory=evolve(record.memory, text=left)))
    return good


def _keep(tx: Transaction, *, found: Sequence[Found], now: float) -> int:
    """Keep a batch; return how many are new."""
    (last,) = tx.execute("SELECT coalesce(max(id), 0) FROM items").fetchone()
    new = 0
    for record in found:
        id = storing.add(tx, record.memory, place=record.place, now=now)
        if id > last:
            last, new = id, new + 1
    return new


def _guess(path: Path) -> str:
    """Return what form something has, by its name or what is in it."""
    if path.is_dir():
        if openclaw.is_workspace(path):
            return "openclaw"
        return "chats" if any(path.glob("conversations*.json")) else "markdown"
    if not path.exists():
        raise ImportRefused(f"there is no {path}")
    if path.suffix.lower() not in _BY_ENDING:
        raise ImportRefused(f"it cannot be told what {path.name} is; say one of {', '.join(FORMS)}")
    return _BY_ENDING[path.suffix.lower()]


def _nobody(seen: int) -> None:
    """Tell nobody."""
