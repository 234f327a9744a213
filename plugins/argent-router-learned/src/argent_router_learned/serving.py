"""What the commands of this plugin ask of the running router."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from attrs import define, field

from argent_hookspecs import ArgentError, Connection, PluginContext
from argent_router_learned.outcomes import MIGRATIONS, Outcomes
from argent_router_learned.router import LearnedRouter


@define(eq=False, repr=False)
class Door:
    """The way to the one router of a plugin: whoever comes first opens it, the last closes it."""

    ctx: PluginContext
    _inside: int = 0
    _router: LearnedRouter | None = None
    _stack: AsyncExitStack = field(factory=AsyncExitStack)
    _lock: asyncio.Lock = field(factory=asyncio.Lock)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LearnedRouter]:
        """Open the router, and let commands reach it."""
        async with self._lock:
            if self._router is None:
                self._router = await self._stack.enter_async_context(_opened(self.ctx))
            self._inside += 1
            router = self._router
        try:
            yield router
        finally:
            async with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._router = None
                    await self._stack.aclose()


@asynccontextmanager
async def _opened(ctx: PluginContext) -> AsyncIterator[LearnedRouter]:
    async with ctx.database("router", MIGRATIONS) as database:
        router = LearnedRouter(ctx.settings, Outcomes(database, ctx.settings.keep), ctx.clock)
        await router.load()
        async with ctx.serve_local(partial(_serve, router)):
            yield router


async def _serve(router: LearnedRouter, connection: Connection) -> None:
    """Answer each request: ``do`` (status, report, train, feedback), ``word``, ``turn``."""
    async for request in connection:
        try:
            answer = await _do(router, request)
        except ArgentError as error:
            answer = {"error": str(error)}
        await connection.send(answer)


async def _do(router: LearnedRouter, request: Mapping[str, Any]) -> Mapping[str, Any]:
    match request.get("do"):
        case "status":
            return await router.status()
        case "report":
            return await router.report()
        case "train":
            await router.learn()
            return await router.status()
        case "feedback":
            word, turn = str(request.get("word", "")), str(request.get("turn", ""))
            outcome = await router.feedback(word, turn)
            return {"turn": outcome.turn, "text": outcome.text, "tier": outcome.tier}
    raise ArgentError(f"there is no request {request.get('do')!r}")
