"""Local: what the commands can have done by the memory that is open."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from attrs import define

from argent_hookspecs import (
    ArgentError,
    MemoryFilter,
    MemoryKind,
    NewMemory,
    PluginContext,
    Trust,
)
from argent_memo import (
    accounts,
    broken_file,
    conflicts,
    edits,
    embedders,
    forgetting,
    mending,
    not_kept,
    rebuilding,
    refused_lines,
    soundness,
)
from argent_memo.accounts import account
from argent_memo.confidential import is_confidential
from argent_memo.entities import Entities
from argent_memo.followed import Followed
from argent_memo.items import Place
from argent_memo.naming import demand_audiences, no_memory, source_of
from argent_memo.requests import TICK, Given, Operation, Progress

if TYPE_CHECKING:
    from argent_memo.memo import Memo

_WORKER_SECONDS = 5.0
_EMBEDDER_SECONDS = 4.0
_SOON_EMBEDDED = 500
_MEANT, _MAYBE_MEANT = 0.6, 0.15
"""How sure it is that an item itself is what a query means, to be deleted by it; to be named."""
_STATS = "see: argent memory stats"
_NO_WORKER = (
    "the memory's HTTP worker is switched off; to switch it on: argent config set memory.workerPort"
    " 37778"
)
_NOT_YET = "the memory's HTTP worker is not up yet; see: argent plugins list"
_HISTORY = (
    "The conversations where it was said still have the words (data/kernel.db): their last 200"
    " exchanges, and all that is younger than journal.retention, 90 days unless it is set. /new in"
    " a conversation keeps a model from being told them."
)
BY_HAND = "hand"
"""The source of what is added by a command."""


@define(eq=False, repr=False)
class Desk:
    """Does what the person asks: all that is remembered is theirs to see and to change."""

    ctx: PluginContext
    memo: Memo

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Return what can be asked for."""
        return {
            "search": self.search,
            "show": self.show,
            "add": self.add,
            "edit": self.edit,
            "going": self.going,
            "forget": self.forget,
            "timeline": self.timeline,
            "entities": self.entities,
            "stats": self.stats,
            "check": self.check,
            "reindex": self.reindex,
            "export": self.export,
            "import": self.import_,
            "worker": self.worker,
        }

    async def named(self, given: Given) -> Given:
        """Return a request with its source in full. Raises ``NotKnown`` for names of nothing."""
        one, several = given.get("audience"), given.get("audiences") or ()
        names = several if one is None else (one, *several)
        await demand_audiences(self.memo, self.ctx.agent, names=names)
        source = given.get("source")
        return {**given, "source": await source_of(self.memo, source)} if source else given

    async def search(self, given: Given, progress: Progress) -> list[dict[str, Any]]:
        """Find what answers a question best; remark it, if that goes by words alone."""
        progress.remark = await self._by_words_alone(given["query"])
        found = await self.memo.search(given["query"], given["k"], filters=_filters(given))
        return [
            {**account(one), "score": one.score, "sureness": one.sureness, "why": one.why}
            for one in found
        ]

    async def _by_words_alone(self, query: str) -> str:
        """Return why a question is not compared by meaning, if it is not.

        An agent that has only just started, for this command perhaps, is given a moment.
        """
        embedding = self.memo.embedding
        if not embedding.name:
            why = await embedders.lacking(self.ctx.agent) or f"{embedders.NONE}; {_STATS}"
            return f"by words alone: {why}"
        with suppress(TimeoutError):
            async with asyncio.timeout(_EMBEDDER_SECONDS):
                while not embedding.trouble and embedding.waiting < _SOON_EMBEDDED:
                    if await embedding.is_ready_for(query):
                        return ""
                    await asyncio.sleep(TICK / 4)
        waits = f"{embedding.name} is not ready; it gets so while the agent runs: argent start"
        return f"by words alone: {embedding.trouble or waits}"

    async def show(self, given: Given, progress: Progress) -> dict[str, Any]:
        """Tell all about an item."""
        item = await self.memo.store.database.read(partial(accounts.whole, id=given["id"]))
        if item is None:
            raise no_memory(given["id"])
        return item

    async def add(self, given: Given, progress: Progress) -> dict[str, Any]:
        """Keep the person's own word."""
        if await asyncio.to_thread(is_confidential, given["text"]):
            raise ArgentError(edits.SECRET)
        new = NewMemory(
            text=given["text"],
            kind=given["kind"],
            speaker=given["speaker"] or await self.memo.store.database.read(accounts.owner),
            source=BY_HAND,
            trust=Trust.OWNER,
            audience=given["audience"],
            private=given["private"],
            importance=given["importance"],
        )
        id = await self.memo.store.add(new, Place(origin=BY_HAND))
        (kept,) = await self.memo.store.get([id])
        return account(kept)

    async def edit(self, given: Given, progress: Progress) -> dict[str, Any]:
        """Put the person's own word in the place of an item."""
        return await edits.edit(self.memo, given["id"], text=given["text"])

    async def going(self, given: Given, progress: Progress) -> dict[str, Any]:
        """Say what would be deleted: of ids, of a query, or of a source; and what may be meant."""
        sureness = dict[int, float]()
        if given.get("source"):
            ids = await self.memo.store.of_source(given["source"])
        elif given.get("query"):
            sureness = await self._meant(given["query"], given["k"])
            ids = [id for id, sure in sureness.items() if sure >= _MEANT]
        else:
            ids = given["ids"]
        database = self.memo.store.database
        gone = await database.read(partial(forgetting.going, ids=ids))
        if missing := sorted(set(ids) - set(gone.items)):
            raise no_memory(*missing)
        told = []
        for id in (*gone.items, *gone.made_of_them):
            item = await database.read(partial(accounts.brief, id=id))
            why = "" if id in ids else "made of it" if id in gone.made_of_them else "its history"
            sure = {"sureness": sureness[id]} if id in sureness else {}
            told.append({**item, "because": why, **sure})
        maybe = [id for id in sureness if id not in {*gone.items, *gone.made_of_them}]
        left = [await database.read(partial(accounts.brief, id=id)) for id in maybe]
        unsure = [{**item, "sureness": sureness[item["id"]]} for item in left]
        return {"items": told, "not_taken": unsure}

    async def _meant(self, query: str, k: int) -> dict[int, float]:
        """Return how sure it is that the items which may be meant by a query are, surest first."""
        found = await self.memo.searching.find(query, k, alone=True)
        may_be = [one for one in found if one.sureness >= _MAYBE_MEANT]
        return {one.id: one.sureness for one in sorted(may_be, key=lambda one: -one.sureness)}

    async def forget(self, given: Given, progress: Progress) -> dict[str, Any]:
        """Delete items, or what came of a source; the file too that a repair has kept, if told."""
        database, files, source = self.memo.store.database, list[Path](), given.get("source")
        ids = await self.memo.store.of_source(source) if source else given["ids"]
        told = await database.read(partial(forgetting.are_in_history, ids=ids))
        if source:
            gone = await self.memo.store.forget_source(source)
        else:
            gone = await self.memo.store.forget(ids)
        if given.get("broken_file"):
            files = await broken_file.delete(database)
        left = [_HISTORY if told else "", await broken_file.said(database)]
        return {
            "items": list(gone.items),
            "made_of_them": list(gone.made_of_them),
            "files": [str(path) for path in files],
            "left": " ".join(filter(None, left)),
        }

    async def timeline(self, given: Given, progress: Progress) -> list[dict[str, Any]]:
        """List what was said or happened, oldest first: the newest of a span."""
        found = await self.memo.store.timeline(_filters(given), limit=given["limit"], newest=True)
        return [account(one) for one in found]

    async def entities(self, given: Given, progress: Progress) -> list[dict[str, Any]]:
        """List whom and what the items name."""
        entities = Entities(self.memo.store.database, self.memo.store.clock)
        if given["name"]:
            return [attrs.asdict(one) for one in await entities.find(given["name"])]
        found = await entities.all(least=given["least"], limit=given["limit"])
        return [attrs.asdict(one) for one in found]

    async def stats(self, given: Given, progress: Progress) -> dict[str, Any]:
        """Say how much is remembered, and what search can go by."""
        embedding = self.memo.embedding
        lacking = "" if embedding.name else await embedders.lacking(self.ctx.agent)
        figures = await accounts.figures(self.memo.store.database, embedding.embedder)
        return {**figures, "embedder_lacks": lacking}

    async def check(self, given: Given, progress: Progress) -> dict[str, Any]:
        """Look for damage."""
        database = self.memo.store.database
        found = await soundness.look(database, progress.note)
        pairs = [] if found.counts["file"] else await database.read(conflicts.unsettled)
        return {
            **_said(found),
            "conflicts": [[account(one.older), account(one.newer)] for one in pairs],
            "not_kept": [] if found.counts["file"] else await self._not_kept(),
            "refused": [] if found.counts["file"] else await self._refused(),
        }

    async def reindex(self, given: Given, progress: Progress) -> dict[str, Any]:
        """Make anew what is made of the items, and say what could not be mended."""
        database = self.memo.store.database
        if not await soundness.is_broken(database):
            done = await mending.mend(database, progress.note, all_vectors=given["vectors"])
            await self.memo.capture.try_again()
            left = await soundness.look(database, progress.note)
            mended = {"set_aside": done.set_aside, "vectors": done.vectors}
            return {**_said(left), **mended, "rebuilt": False, "lost": []}
        assert isinstance(database, Followed)
        new = await rebuilding.rebuild(self.ctx, database, tell=progress.note)
        spoilt = {"set_aside": new.found.spoilt, "vectors": 0}
        return {**_said(new.found), **spoilt, "rebuilt": True, "lost": new.lost}

    async def _not_kept(self) -> list[dict[str, Any]]:
        found = await self.memo.store.database.read(not_kept.all_of)
        return [attrs.asdict(one) for one in found]

    async def _refused(self) -> list[str]:
        if not self.memo.settings.mirror:
            return []
        return await self.memo.store.database.read(refused_lines.all_of)

    async def export(self, given: Given, progress: Progress) -> dict[str, Any]:
        """Write all of it to files."""
        from argent_memo.exports import export

        written = await export(self.memo.store, Path(given["path"]), form=given["form"])
        return {"items": written, "path": given["path"]}

    async def import_(self, given: Given, progress: Progress) -> dict[str, Any]:
        """Take in what another program kept."""
        from argent_memo.imports import import_

        done = await import_(
            self.memo.store,
            Path(given["path"]),
            form=given["form"],
            audience=given["audience"],
            progress=progress.note,
        )
        return attrs.asdict(done)

    async def worker(self, given: Given, progress: Progress) -> dict[str, Any]:
        """Say where the HTTP worker listens."""
        port = self.memo.settings.worker_port
        if not port:
            return {"port": port, "problem": _NO_WORKER}
        with suppress(TimeoutError):
            async with asyncio.timeout(_WORKER_SECONDS):
                while self.memo.worker is None:  # noqa: ASYNC110 - it is up in a moment
                    await asyncio.sleep(TICK / 4)
        problem = _NOT_YET if self.memo.worker is None else self.memo.worker
        return {"port": port, "problem": problem}


def _said(found: soundness.Soundness) -> dict[str, Any]:
    return {
        "sound": not found.flaws,
        "items": found.items,
        "counts": dict(found.counts),
        "flaws": [{**attrs.asdict(flaw), "mendable": flaw.mendable} for flaw in found.flaws],
    }


def _filters(given: Given) -> MemoryFilter:
    since, until = given.get("since"), given.get("until")
    return MemoryFilter(
        audiences=tuple(given.get("audiences") or ()) or None,
        kinds=tuple(MemoryKind(kind) for kind in given.get("kinds") or ()),
        since=datetime.fromisoformat(since) if since else None,
        until=datetime.fromisoformat(until) if until else None,
    )
