"""Context: what the model is told, within its window, what stays the same first.

The order is: stable blocks (workspace, memory, tasks), history, volatile blocks, the event. A block
that changes comes after the history and not before it, because everything behind the first changed
byte of a request is paid for again.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from attrs import define, evolve, field, frozen

from argent_core.database import Database
from argent_core.guard import Guard
from argent_core.host import PluginHost
from argent_core.loop import attachments
from argent_core.loop.attachments import Attachment, Attachments
from argent_core.loop.history import EXCHANGES_READ, Exchange, History
from argent_core.loop.labels import labelled
from argent_core.loop.offered_block import OfferedBlock
from argent_core.loop.tokens import estimate
from argent_core.loop.workspace_files import WorkspaceFiles
from argent_core.outcome import shown
from argent_core.words import counted
from argent_hookspecs import (
    ArgentError,
    ContextBlock,
    ContextProvider,
    ContextRequest,
    ContextTooLong,
    Event,
    Message,
    MessagePart,
    Role,
    Text,
    ToolSpec,
    Transaction,
    Trust,
)

_DEADLINE = 5.0
_WORKSPACE_ORDER = 100
_MOST_BLOCKS = 1000
_EXCHANGES_DROPPED = 8
_PRIVATE = "said to a model of this machine only"
_VOLATILE = 0.25
"""Share of a model's window for blocks that change, so that the conversation has room."""
_NO_ROOM = "no room in the model's window"
_IN_HISTORY = "the history tells it"
_LESS_AND_LESS = (Trust.OWNER, Trust.PAIRED, Trust.OUTSIDE)


@frozen(kw_only=True)
class GatheredContext:
    """Everything that could be told, before it is known which model will be."""

    event: Event
    blocks: tuple[OfferedBlock, ...]
    history: tuple[Exchange, ...]
    attachments: tuple[Attachment, ...] = ()

    @property
    def has_pictures(self) -> bool:
        """Whether a model that takes pictures is told more."""
        return any(one.image is not None for one in self.attachments)

    @property
    def has_private(self) -> bool:
        """Whether something could be told that is for models of this machine only."""
        blocks = any(b.block.private and not b.left_out for b in self.blocks)
        return blocks or any(exchange.private for exchange in self.history)

    def without_pictures(self) -> GatheredContext:
        """Return what a model can be told that takes none."""
        return evolve(self, attachments=attachments.without_pictures(self.attachments))

    @property
    def depth(self) -> int:
        """How many turns the conversation had so far."""
        return self.history[-1].n + 1 if self.history else 0

    @property
    def tokens(self) -> int:
        """Estimate of all of it."""
        told = sum(block.tokens for block in self.blocks if not block.left_out)
        told += attachments.tokens(self.attachments)
        return told + sum(e.tokens for e in self.history) + estimate(self.event.text)

    @property
    def told(self) -> tuple[Trust, ...]:
        """Whose content is part of it."""
        earlier = [exchange.trust for exchange in self.history]
        earlier += [Trust.OUTSIDE for exchange in self.history if exchange.outside]
        return (*self.told_anew, *earlier)

    @property
    def told_anew(self) -> tuple[Trust, ...]:
        """Whose content this turn brings, besides those before it."""
        blocks = [b.block.trust for b in self.blocks if not b.left_out]
        return (self.event.trust, *blocks, *attachments.trusts(self.event, self.attachments))


@frozen(kw_only=True)
class FittedContext:
    """What a model is told.

    Args:
        exchanges: How many of the history there are: two messages each, the first ones.
        private: Whether one of them is for models of this machine only.
    """

    system: tuple[ContextBlock, ...]
    exchanges: int
    messages: tuple[Message, ...]
    blocks: tuple[OfferedBlock, ...]
    private: bool = False


@define(eq=False, repr=False)
class Context:
    """Asks the context providers and reads the history."""

    host: PluginHost
    guard: Guard
    database: Database
    workspace: WorkspaceFiles
    attachments: Attachments
    history: History = field(factory=History)

    async def gather(
        self, event: Event, now: datetime, *, private: bool = False, turn: str = ""
    ) -> GatheredContext:
        """Ask every provider, side by side under one deadline; those that fail are noted.

        Args:
            private: Whether the turn is wished to be for models of this machine only.
            turn: Its id.
        """
        request = ContextRequest(event=event, budget=0, now=now, private=private, turn=turn)
        asked = [
            self._ask(found.plugin, found.record, request)
            for found in self.host.registered(ContextProvider)
        ]
        (own, history), answers, attached = await asyncio.gather(
            self.database.read(partial(self._look, event)),
            asyncio.gather(*asked),
            self.attachments.of(event),
        )
        others = [pair for pairs in answers for pair in pairs]
        offered = sorted(
            [(_WORKSPACE_ORDER, block) for block in own] + others, key=lambda pair: pair[0]
        )
        return GatheredContext(
            event=event,
            blocks=tuple(block for _, block in offered),
            history=tuple(history),
            attachments=attached,
        )

    async def _ask(
        self, plugin: str, provider: ContextProvider, asked: ContextRequest
    ) -> list[tuple[int, OfferedBlock]]:
        name = f"{plugin}/{provider.id}"
        request = evolve(asked, budget=provider.budget)
        try:
            blocks = await self.guard.ask(
                plugin,
                partial(_provided, provider, request),
                what=f"context provider {provider.id}",
                timeout=min(provider.timeout, _DEADLINE),
                expects=tuple,
                skippable=True,
            )
        except ArgentError as error:
            absent = ContextBlock(text="", source=name)
            return [
                (provider.order, OfferedBlock(provider=name, block=absent, left_out=str(error)))
            ]
        return [(provider.order, b) for b in self._within_budget(plugin, provider, blocks)]

    def _within_budget(
        self, plugin: str, provider: ContextProvider, blocks: Sequence[object]
    ) -> list[OfferedBlock]:
        name, left = f"{plugin}/{provider.id}", provider.budget
        offered = []
        odd = [block for block in blocks if not isinstance(block, ContextBlock)]
        if odd:
            words = f"context provider {provider.id} returned {shown(odd[0])}"
            self.guard.on_fault(plugin, words)
        for block in blocks:
            if not isinstance(block, ContextBlock):
                continue
            taken = OfferedBlock(provider=name, block=block)
            left -= taken.tokens
            words = f"over the provider's budget of {provider.budget} tokens"
            offered.append(taken if left >= 0 else evolve(taken, left_out=words))
        return offered

    def _look(self, event: Event, tx: Transaction) -> tuple[list[OfferedBlock], list[Exchange]]:
        """Read what is ours, on the database's thread: both in one trip."""
        return self.workspace.blocks(), self.history.recent(tx, event.conversation)


async def _provided(provider: ContextProvider, request: ContextRequest) -> Any:
    """Ask a provider, and look at what it returns while that is still its own doing."""
    blocks: Any = await provider.provide(request)
    if not isinstance(blocks, Sequence) or isinstance(blocks, str | bytes | bytearray):
        return blocks
    first = tuple(itertools.islice(blocks, _MOST_BLOCKS + 1))
    if len(first) > _MOST_BLOCKS:
        raise ValueError(f"returned more than {_MOST_BLOCKS} blocks")
    return first


def fit(
    gathered: GatheredContext,
    *,
    window: int,
    output: int,
    tools: Sequence[ToolSpec],
    turn_tokens: int = 0,
    private: bool = False,
) -> FittedContext:
    """Choose what fits a model's window, besides its answer, its tools and the turn so far.

    The event always stays; then come stable blocks, volatile ones up to a quarter of the window,
    and as much history as there is room for. History is dropped several exchanges at a time, so
    that what is left begins with the same bytes for a while.

    Args:
        private: Whether what is private may be told, as the model is on this machine.

    Raises:
        ContextTooLong: The event alone does not fit.
    """
    spent = sum(estimate(f"{t.name}{t.description}{t.parameters}") for t in tools)
    room = window - output - spent - turn_tokens
    told, images = attachments.tell(gathered.event, gathered.attachments, room=room)
    room -= estimate(told) + attachments.PICTURE_TOKENS * len(images)
    if room < 0:
        raise ContextTooLong(
            f"the message does not fit: it takes about {window - output - room} tokens, and the "
            f"model's window of {window} leaves {window - output} beside the answer; use a model "
            "with a larger window, or a shorter message"
        )
    offered = gathered.blocks if private else tuple(_withheld(b) for b in gathered.blocks)
    chosen, room = _choose_blocks(offered, room, volatile=int(window * _VOLATILE))
    recent = _recent(gathered.history, room, private=private)
    chosen = _without_what_is_told(chosen, recent)
    kept = [b.block for b in chosen if not b.left_out]
    stable = tuple(_safe(block) for block in kept if block.stable)
    volatile = [_safe(block).text for block in kept if not block.stable]
    messages = [message for exchange in recent for message in exchange.messages]
    parts: tuple[MessagePart, ...] = (Text("\n\n".join([*volatile, told])), *images)
    messages.append(Message(Role.USER, parts))
    return FittedContext(
        system=stable,
        exchanges=len(recent),
        messages=tuple(messages),
        blocks=(*chosen, *_history_blocks(gathered.history, recent, private=private)),
        private=any(block.private for block in kept) or any(e.private for e in recent),
    )


def _withheld(offered: OfferedBlock) -> OfferedBlock:
    """Leave a block out that is for models of this machine only."""
    if offered.block.private and not offered.left_out:
        return evolve(offered, left_out=_PRIVATE)
    return offered


def _choose_blocks(
    blocks: Sequence[OfferedBlock], room: int, *, volatile: int
) -> tuple[tuple[OfferedBlock, ...], int]:
    """Keep blocks, stable ones first, while there is room; return them in their order.

    Args:
        volatile: Tokens that those which change may take together.
    """
    chosen = list(blocks)
    ranked = sorted(range(len(blocks)), key=lambda i: not blocks[i].block.stable)
    for i in ranked:
        if chosen[i].left_out:
            continue
        tokens = chosen[i].tokens
        if tokens <= (room if chosen[i].block.stable else min(room, volatile)):
            room -= tokens
            volatile -= 0 if chosen[i].block.stable else tokens
        else:
            chosen[i] = evolve(chosen[i], left_out=_NO_ROOM)
    return tuple(chosen), room


def _without_what_is_told(
    blocks: Sequence[OfferedBlock], history: Sequence[Exchange]
) -> tuple[OfferedBlock, ...]:
    """Leave out what was said in a turn that the history tells."""
    told = {exchange.turn for exchange in history} - {""}
    return tuple(
        evolve(b, left_out=_IN_HISTORY) if not b.left_out and b.block.turn in told else b
        for b in blocks
    )


def _history_blocks(
    history: Sequence[Exchange], told: Sequence[Exchange], *, private: bool
) -> Iterator[OfferedBlock]:
    """Return what the trace says of the history: how much is told, and what is not and why."""
    kept = {exchange.n for exchange in told}
    withheld = [e for e in history if e.private and not private]
    crowded = [e for e in history if e.n not in kept and (private or not e.private)]
    for exchanges, why in ((told, ""), (withheld, _PRIVATE), (crowded, _NO_ROOM)):
        if exchanges:
            source = counted(len(exchanges), "earlier exchange")
            trust = max((e.trust for e in exchanges), key=_LESS_AND_LESS.index)
            yield OfferedBlock(
                provider="argent/history",
                block=ContextBlock(text="", source=source, stable=True, trust=trust),
                left_out=why,
                tokens=sum(e.tokens for e in exchanges),
            )


def _recent(history: Sequence[Exchange], room: int, *, private: bool) -> list[Exchange]:
    """Keep the newest exchanges for which there is room, from a place that moves seldom."""
    told = [exchange for exchange in history if private or not exchange.private]
    kept: list[Exchange] = []
    for exchange in reversed(told):
        room -= exchange.tokens
        if room < 0:
            break
        kept.append(exchange)
    kept.reverse()
    if not kept or (len(kept) == len(told) and len(history) < EXCHANGES_READ):
        return kept
    start = -(-kept[0].n // _EXCHANGES_DROPPED) * _EXCHANGES_DROPPED
    return [exchange for exchange in kept if exchange.n >= start] or kept


def _safe(block: ContextBlock) -> ContextBlock:
    return evolve(block, text=labelled(block.trust, block.text, source=block.source))
