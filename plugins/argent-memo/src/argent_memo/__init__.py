"""Memo: the agent's memory."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from argent_hookspecs import (
    EMBEDDER,
    MEMORY,
    ContextProvider,
    EventSource,
    Health,
    HealthCheck,
    Job,
    MemoryStore,
    Observer,
    Plugin,
    PluginContext,
    Service,
    Tool,
    TurnFinished,
    hookimpl,
)
from argent_memo.settings import MemoSettings


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(
        summary="Remembers what it is told, and finds it again.",
        settings=MemoSettings,
        uses=(EMBEDDER,),
    )


@hookimpl
def argent_services(ctx: PluginContext) -> list[Service[MemoryStore]]:
    """Offer the memory."""
    from argent_memo.memo import open_memo

    return [Service(key=MEMORY, open=partial(open_memo, ctx))]


@hookimpl
def argent_event_sources(ctx: PluginContext) -> list[EventSource]:
    """Serve the memory to other programs of this machine, where a port is set for it."""
    if not ctx.settings.worker_port:
        return []
    from argent_memo.worker import Worker

    return [EventSource(id="memory-worker", open=Worker(ctx).open)]


@hookimpl
def argent_context_providers(ctx: PluginContext) -> list[ContextProvider]:
    """Tell the model what may help."""
    from argent_memo.recall import Recall

    return [ContextProvider(id="memory", provide=Recall(ctx).provide, order=200, timeout=1.0)]


@hookimpl
def argent_tools(ctx: PluginContext) -> list[Tool]:
    """Let the agent look things up, keep, correct and forget them."""
    from argent_memo.tools import MemoryTools

    return MemoryTools(ctx).tools


@hookimpl
def argent_jobs(ctx: PluginContext) -> list[Job]:
    """Sort what was kept, and look back at the day once it is over."""
    from argent_memo.night import Night

    return [Job(id="memory", run=Night(ctx).run, every=timedelta(minutes=10), timeout=600.0)]


@hookimpl
def argent_observers(ctx: PluginContext) -> list[Observer]:
    """Keep what was said, once a turn has ended."""
    from argent_memo.memo import memo_of

    async def ended(_: object) -> None:
        memo_of(ctx).capture.wake()

    return [Observer(id="memory", notify=ended, kinds=(TurnFinished,))]


@hookimpl
def argent_health_checks(ctx: PluginContext) -> list[HealthCheck]:
    """Say whether it finds by meaning, keeps all that is said and typed, and is whole."""
    from argent_memo import broken_file, not_kept, refused_lines
    from argent_memo.memo import memo_of

    async def check() -> Health:
        return await memo_of(ctx).embedding.health()

    async def keeps() -> Health:
        return await not_kept.health(memo_of(ctx).store.database)

    async def stands_alone() -> Health:
        return await broken_file.health(memo_of(ctx).store.database)

    async def takes_lines() -> Health:
        return await refused_lines.health(memo_of(ctx).store.database)

    return [
        HealthCheck(id="meaning", check=check),
        HealthCheck(id="keeping", check=keeps),
        HealthCheck(id="broken-file", check=stands_alone),
        *([HealthCheck(id="lines", check=takes_lines)] if ctx.settings.mirror else []),
    ]
