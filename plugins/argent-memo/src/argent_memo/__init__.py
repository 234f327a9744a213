"""Memo: the agent's memory."""

from __future__ import annotations

from functools import partial

from argent_hookspecs import (
    MEMORY,
    MemoryStore,
    Plugin,
    PluginContext,
    Service,
    hookimpl,
)
from argent_memo.memo import open_memo
from argent_memo.settings import MemoSettings


@hookimpl
def argent_plugin() -> Plugin:
    """Say who this is."""
    return Plugin(summary="Remembers what it is told, and finds it again.", settings=MemoSettings)


@hookimpl
def argent_services(ctx: PluginContext) -> list[Service[MemoryStore]]:
    """Offer the memory."""
    return [Service(key=MEMORY, open=partial(open_memo, ctx))]
