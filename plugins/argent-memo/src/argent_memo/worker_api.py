"""What the HTTP worker serves; all of it is JSON, and an error is ``{"error": "…"}``.

==================  ===========================================================================
``GET /health``     Says that it is there; the only one that needs no token.
``GET /search``     ``q``, ``k``; ``audience``, once or more, instead of the owner's own chats;
                    ``private=1`` for what is for models of this machine only, too; the
                    question stays on it then.
``GET /items``      The newest first; ``limit``, and ``before`` an id; ``audience`` and ``private``
                    as above.
``POST /items``     Keeps something: ``text``, and what else ``NewMemory`` has.
``GET /items/ID``   All that is known of one, be it private or told elsewhere.
``PATCH /items/ID`` Corrects one; what it said before is kept as its history.
``DELETE /items/ID``  Forgets one, with what was made of it.
``GET /timeline``   ``since``, ``until`` (a day is whole), ``limit``; ``audience`` and ``private``
                    as above.
``GET /stats``      How much there is.
==================  ===========================================================================

A program speaks here, so what it says is not the owner's word unless it says that it is. A
parameter that is not known, or has no sense, is refused with 400, and a field with 422.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from aiohttp import web
from attrs import define

from argent_hookspecs import (
    ArgentError,
    NewMemory,
    StorageError,
    Transaction,
    Trust,
)
from argent_memo import accounts, worker_query
from argent_memo.confidential import is_confidential
from argent_memo.items import COLUMNS, Place, memory
from argent_memo.memo import Memo
from argent_memo.naming import NotKnown, demand_audiences
from argent_memo.worker import HOST, Door, Refused, Worker

_LARGEST = 1 << 20
_LONGEST_TEXT = 100_000
_LONGEST_LINE = 1 << 17
"""Bytes of an address; one that is longer is refused before anybody reads it as a request."""
_MOST = 200
_NEW = {
    "text": str,
    "kind": str,
    "key": str,
    "speaker": str,
    "said_at": str,
    "holds_from": str,
    "holds_until": str,
    "source": str,
    "trust": str,
    "audience": str,
    "private": bool,
    "importance": float,
}
_CHANGES = ("text", "kind", "said_at", "holds_from", "holds_until", "importance", "trust")
_TIMES = ("said_at", "holds_from", "holds_until")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(worker: Worker, door: Door) -> AsyncIterator[None]:
    """Serve for the block. Raises ``OSError`` if the port cannot be had."""
    app = web.Application(middlewares=[_guard(door)], client_max_size=_LARGEST)
    app.add_routes(_Api(worker).routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, max_line_size=_LONGEST_LINE)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, door.port).start()
        yield
    finally:
        await runner.cleanup()


def _guard(door: Door) -> Any:
    """Return what stands before all requests."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            door.check(request.headers, open=request.path == "/health")
            return await handler(request)
        except Refused as refused:
            return _error(refused.status, str(refused), refused.headers)
        except web.HTTPException as error:
            kept = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
            return _error(error.status, error.reason.lower(), kept)
        except StorageError as error:
            return _error(503, f"the memory cannot be used now: {error}")
        except ArgentError as error:
            return _error(500, str(error))
        except (ValueError, ArithmeticError) as error:  # a row that holds what none can hold
            return _error(500, f"an item is damaged ({error}); see: argent memory check")

    return guard


@define(eq=False, repr=False)
class _Api:
    """The requests, answered from the memory that is open."""

    worker: Worker

    @property
    def memo(self) -> Memo:
        return self.worker.memo

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/health", self.health),
            web.get("/search", self.search),
            web.get("/items", self.list),
            web.post("/items", self.add),
            web.get(r"/items/{id:\d{1,18}}", self.show),
            web.patch(r"/items/{id:\d{1,18}}", self.correct),
            web.delete(r"/items/{id:\d{1,18}}", self.forget),
            web.get("/timeline", self.timeline),
            web.get("/stats", self.stats),
        ]

    async def health(self, request: web.Request) -> web.Response:
        worker_query.read(request)
        return _answer({"status": "ok"})

    async def search(self, request: web.Request) -> web.Response:
        query = worker_query.read(request, "q", "k", shows=True)
        words, k = query.text("q"), query.number("k", 10, most=_MOST)
        filters = await worker_query.filters(self.worker, query)
        found = await self.memo.search(words, k, filters=filters)
        return _answer({"items": [{**accounts.account(m), **_found(m)} for m in found]})

    async def list(self, request: web.Request) -> web.Response:
        query = worker_query.read(request, "limit", "before", shows=True)
        limit = query.number("limit", 50, most=_MOST)
        before = query.number("before", 2**62, most=2**62)
        filters = await worker_query.filters(self.worker, query)
        shown = (json.dumps(filters.audiences), filters.private)
        read = partial(_newest, before=before, limit=limit, shown=shown)
        rows = await self.memo.store.database.read(read)
        return _answer({"items": [accounts.account(memory(row)) for row in rows]})

    async def add(self, request: web.Request) -> web.Response:
        worker_query.read(request)
        given = await _body(request, _NEW)
        if "text" not in given:
            raise Refused(422, "text is missing: the words to keep")
        new = _made(NewMemory, {"trust": Trust.PAIRED, "source": "worker", **given})
        warning = await self._warning(new.audience)
        id = await self.memo.store.add(new, Place(origin="plugin"))
        return _answer({"id": id, **warning}, status=201)

    async def _warning(self, audience: str) -> dict[str, str]:
        """Return what to say of a place that was not heard of before; it is kept for it."""
        try:
            await demand_audiences(self.memo, self.worker.ctx.agent, names=[audience])
        except NotKnown as error:
            return {"warning": str(error)}
        return {}

    async def show(self, request: web.Request) -> web.Response:
        found = await self._whole(request)
        return _answer(found)

    async def correct(self, request: web.Request) -> web.Response:
        changes = await _body(request, {name: _NEW[name] for name in _CHANGES})
        old = await self._whole(request)
        if old["state"] != "live":
            raise Refused(409, f"memory {old['id']} was corrected or put away before")
        trust = Trust(changes.get("trust", Trust.PAIRED))
        changes["trust"] = max(Trust(old["trust"]), trust, key=list(Trust).index)
        _made(NewMemory, {"text": old["text"], **changes})
        try:
            id = await self.memo.store.correct(old["id"], **changes)
        except KeyError as error:
            raise Refused(409, f"memory {old['id']} was just corrected") from error
        return _answer({"id": id, "supersedes": old["id"]})

    async def forget(self, request: web.Request) -> web.Response:
        found = await self._whole(request)
        return _answer({"forgotten": await self.memo.forget([found["id"]])})

    async def timeline(self, request: web.Request) -> web.Response:
        query = worker_query.read(request, "since", "until", "limit", shows=True)
        limit = query.number("limit", 50, most=_MOST)
        filters = await worker_query.filters(self.worker, query)
        found = await self.memo.store.timeline(filters, limit=limit)
        return _answer({"items": [accounts.account(one) for one in found]})

    async def stats(self, request: web.Request) -> web.Response:
        worker_query.read(request)
        embedder = self.memo.embedding.embedder
        return _answer(await accounts.figures(self.memo.store.database, embedder))

    async def _whole(self, request: web.Request) -> dict[str, Any]:
        worker_query.read(request)
        id = int(request.match_info["id"])
        found = await self.memo.store.database.read(partial(accounts.whole, id=id))
        if found is None:
            raise Refused(404, f"there is no memory {id}")
        return found


def _answer(content: Mapping[str, Any], *, status: int = 200) -> web.Response:
    return web.json_response(content, status=status, headers={"Cache-Control": "no-store"})


def _error(status: int, words: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"error": words}, status=status, headers=headers)


async def _body(request: web.Request, wanted: Mapping[str, type]) -> dict[str, Any]:
    """Return the fields of a request's body, which are all known and of the right type."""
    try:
        given = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise Refused(400, "the body is no JSON") from error
    if not isinstance(given, dict) or not given:
        raise Refused(400, "the body is an object with fields")
    for name, value in given.items():
        if name not in wanted:
            known = ", ".join(wanted)
            raise Refused(422, f"there is no field {name!r:.40}; the fields are: {known}")
        kind = wanted[name]
        right = isinstance(value, int | float) if kind is float else isinstance(value, kind)
        if not right or (kind is float and isinstance(value, bool)):
            raise Refused(422, f"{name} is of the wrong type; it is a {kind.__name__}")
        if name in _TIMES:
            given[name] = worker_query.moment(value, name) if value else None
    if not given.get("audience", "x").strip():
        raise Refused(422, "audience is empty; leave it out for the owner's own chats")
    text = given.get("text", "x")
    if not text.strip() or len(text) > _LONGEST_TEXT:
        raise Refused(422, f"text is from 1 to {_LONGEST_TEXT} characters")
    if await asyncio.to_thread(is_confidential, text):
        raise Refused(422, "it tells a password, a key or a code; such things are not kept here")
    return given


def _made(kind: Callable[..., NewMemory], fields: Mapping[str, Any]) -> NewMemory:
    try:
        return kind(**fields)
    except ValueError as error:
        raise Refused(422, str(error)) from error


def _found(one: Any) -> dict[str, Any]:
    return {"score": one.score, "sureness": one.sureness, "why": one.why}


def _newest(tx: Transaction, *, before: int, limit: int, shown: tuple[str, bool]) -> list[Any]:
    sql = (
        f"SELECT {COLUMNS} FROM items WHERE state = 'live' AND id < ?"
        " AND audience IN (SELECT value FROM json_each(?)) AND (? OR NOT private)"
        " ORDER BY id DESC LIMIT ?"
    )
    return list(tx.execute(sql, (before, *shown, limit)).fetchall())
