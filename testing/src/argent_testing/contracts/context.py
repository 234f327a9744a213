"""The contract of context providers: what a model is told besides the conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from attrs import evolve

from argent_core.guard import attempt_async
from argent_core.loop.tokens import estimate
from argent_hookspecs import ContextBlock, ContextProvider, ContextRequest, Event, Trust
from argent_testing.contracts.base import RecordContract
from argent_testing.contracts.samples import HELLO, ODD
from argent_testing.specimen import Specimen

_A_DAY = 86_400.0
_MARK = "quokka-4711"
_RANK = {Trust.OUTSIDE: 0, Trust.PAIRED: 1, Trust.OWNER: 2}


class ContextProviderContract(RecordContract):
    """Tries out a plugin's context providers.

    Attributes:
        events: What is being answered.
    """

    kind = ContextProvider
    events: ClassVar[Sequence[Event]] = (HELLO, ODD)

    async def test_returns_blocks_in_time(self, specimen: Specimen) -> None:
        """Within the timeout there are blocks, each with its source, or none."""
        for provider in self.records(specimen):
            for event in self.events:
                for block in await self._provide(specimen, provider, event, provider.budget):
                    assert isinstance(block, ContextBlock), f"{provider.id} returned {block!r:.99}"
                    assert block.text.strip(), f"{provider.id} returned an empty block"
                    assert block.source.strip(), f"{provider.id}: a block does not say its source"

    async def test_keeps_to_its_budget(self, specimen: Specimen) -> None:
        """The blocks are not longer than asked for, however little that is."""
        for provider in self.records(specimen):
            for budget in (provider.budget, 100, 0):
                blocks = await self._provide(specimen, provider, self.events[0], budget)
                tokens = sum(estimate(block.text) for block in blocks)
                assert tokens <= budget, f"{provider.id}: {tokens} tokens in a budget of {budget}"

    async def test_stable_blocks_stay_the_same(self, specimen: Specimen) -> None:
        """Whatever is asked, and whenever, stable blocks are the same bytes in the same order."""
        for provider in self.records(specimen):
            stable = set()
            for event in (*self.events, *self.events):
                blocks = await self._provide(specimen, provider, event, provider.budget)
                stable.add(tuple(block.text for block in blocks if block.stable))
                await specimen.clock.advance(_A_DAY)
            assert len(stable) == 1, f"{provider.id}: blocks change that call themselves stable"

    async def test_words_keep_their_trust(self, specimen: Specimen) -> None:
        """Words of an event stay the words of whoever said them: outside content is no owner's."""
        for provider in self.records(specimen):
            for trust in (Trust.OUTSIDE, Trust.PAIRED):
                event = evolve(HELLO, content=f"Remember {_MARK}.", sender="s", trust=trust)
                for block in await self._provide(specimen, provider, event, provider.budget):
                    passed_off = _MARK in block.text and _RANK[block.trust] > _RANK[trust]
                    assert not passed_off, (
                        f"{provider.id}: what somebody {trust} said stands in a block "
                        f"whose trust is {block.trust}; say trust={trust}"
                    )

    async def test_can_be_cancelled(self, specimen: Specimen) -> None:
        """A request that is cancelled ends."""
        for provider in self.records(specimen):
            request = _context_request(specimen, self.events[0], provider.budget)
            task = asyncio.create_task(attempt_async(partial(provider.provide, request)))
            await self.assert_stops(task, what=f"context provider {provider.id}")

    async def _provide(
        self, specimen: Specimen, provider: ContextProvider, event: Event, budget: int
    ) -> Sequence[ContextBlock]:
        return await self.soon(
            provider.provide(_context_request(specimen, event, budget)),
            what=f"context provider {provider.id}",
            seconds=provider.timeout,
        )


def _context_request(specimen: Specimen, event: Event, budget: int) -> ContextRequest:
    return ContextRequest(event=event, budget=budget, now=specimen.clock.now())
