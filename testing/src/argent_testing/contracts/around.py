"""The contracts of what stands around a turn: context, filters, observers, jobs, health."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from argent_core.guard import attempt_async
from argent_core.loop.tokens import estimate
from argent_hookspecs import (
    Address,
    ContextBlock,
    ContextProvider,
    ContextRequest,
    Event,
    Filter,
    Health,
    HealthCheck,
    Job,
    Notice,
    Observer,
    Reject,
    Reply,
    Service,
    ToolCall,
    Trust,
)
from argent_testing.contracts.base import OpenedContract, RecordContract
from argent_testing.notices import sample_notices
from argent_testing.specimen import Specimen

Passing = Event | ToolCall | Reply

HELLO = Event(
    conversation="contract",
    content="Hello, what do I have to do today?",
    sender="owner",
    trust=Trust.OWNER,
    reply_to=Address("contract", "contract"),
)
_ODD = Event(conversation="🦉", content="\0 ünïcödé " * 500, trust=Trust.OUTSIDE, kind="odd")
_FLOOD = 20


class ContextProviderContract(RecordContract):
    """Tries out a plugin's context providers.

    Attributes:
        events: What is being answered.
    """

    kind = ContextProvider
    events: ClassVar[Sequence[Event]] = (HELLO, _ODD)

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
        """For whatever is asked, stable blocks are the same bytes, in the same order."""
        for provider in self.records(specimen):
            answers = [
                await self._provide(specimen, provider, event, provider.budget)
                for event in (*self.events, *self.events)
            ]
            stable = {tuple(b.text for b in blocks if b.stable) for blocks in answers}
            assert len(stable) == 1, f"{provider.id}: blocks change that call themselves stable"

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


class FilterContract(RecordContract):
    """Tries out a plugin's filters.

    Attributes:
        passes: What each filter must let through, changed or not.
        rejects: What some filter of the plugin must reject.
    """

    kind = Filter
    passes: ClassVar[Sequence[Passing]] = (HELLO,)
    rejects: ClassVar[Sequence[Passing]] = ()

    async def test_looks_at_something(self, specimen: Specimen) -> None:
        """Each filter looks at events, tool calls or replies."""
        for record in self.records(specimen):
            looks = (record.event, record.tool_call, record.reply)
            assert any(looks), f"filter {record.id} looks at nothing"

    async def test_lets_through_what_it_should(self, specimen: Specimen) -> None:
        """What is harmless comes out as what it was: an event, a tool call, a reply."""
        for record in self.records(specimen):
            for value in self.passes:
                verdict = await self._look(record, value)
                assert type(verdict) is type(value), f"{record.id} made {verdict!r:.200} of it"

    async def test_rejects_what_it_should(self, specimen: Specimen) -> None:
        """What is not allowed is rejected by one of the filters, with a reason."""
        for value in self.rejects:
            verdicts = [await self._look(record, value) for record in self.records(specimen)]
            rejected = [verdict for verdict in verdicts if isinstance(verdict, Reject)]
            assert rejected, f"no filter rejects {value!r:.200}"
            assert all(verdict.reason.strip() for verdict in rejected), "a no without a reason"

    async def test_copes_with_anything(self, specimen: Specimen) -> None:
        """Odd content is let through or rejected, and raises nothing."""
        odd = (_ODD, ToolCall("1", "no_such_tool", {"x": [None, {"y": "\0"}]}), _reply("\0" * 99))
        for record in self.records(specimen):
            for value in odd:
                verdict = await self._look(record, value)
                assert isinstance(verdict, (type(value), Reject)), (
                    f"{record.id} returned {verdict!r:.200}"
                )

    async def _look(self, record: Filter, value: Passing) -> Any:
        look: Any = {Event: record.event, ToolCall: record.tool_call, Reply: record.reply}[
            type(value)
        ]
        if look is None:
            return value
        return await self.soon(look(value), what=f"filter {record.id}", seconds=record.timeout)


class ObserverContract(RecordContract):
    """Tries out a plugin's observers."""

    kind = Observer

    async def test_wants_notices(self, specimen: Specimen) -> None:
        """The kinds that it names are notices, and its mailbox has room."""
        for observer in self.records(specimen):
            for kind in observer.kinds:
                assert issubclass(kind, Notice), f"{observer.id}: {kind.__name__} is no notice"
            assert observer.mailbox > 0, f"{observer.id}: the mailbox has no room"

    async def test_takes_every_notice_that_it_wants(self, specimen: Specimen) -> None:
        """None of them raises, again and again."""
        for observer in self.records(specimen):
            for notice in sample_notices() * _FLOOD:
                if not observer.kinds or isinstance(notice, observer.kinds):
                    await self.soon(
                        observer.notify(notice),
                        what=f"observer {observer.id}",
                        seconds=observer.timeout,
                    )


class JobContract(RecordContract):
    """Tries out a plugin's jobs."""

    kind = Job

    async def test_runs_again_and_again(self, specimen: Specimen) -> None:
        """Two runs, one after the other, both end in time."""
        for job in self.records(specimen):
            assert job.every > timedelta(0), f"{job.id} would never rest"
            for _ in range(2):
                await self.soon(job.run(), what=f"job {job.id}", seconds=job.timeout)

    async def test_can_be_cancelled(self, specimen: Specimen) -> None:
        """A run that is cancelled ends, and the next one works."""
        for job in self.records(specimen):
            task = asyncio.create_task(attempt_async(job.run))
            await self.assert_stops(task, what=f"job {job.id}")
            await self.soon(job.run(), what=f"job {job.id}", seconds=job.timeout)


class HealthCheckContract(RecordContract):
    """Tries out a plugin's health checks."""

    kind = HealthCheck

    async def test_says_how_it_is(self, specimen: Specimen) -> None:
        """Asked twice, it answers twice; if something is wrong, it says what to do."""
        for check in self.records(specimen):
            for _ in range(2):
                health = await self.soon(
                    check.check(), what=f"health check {check.id}", seconds=check.timeout
                )
                assert isinstance(health, Health), f"{check.id} returned {health!r:.100}"
                assert health.summary.strip(), f"{check.id} does not say what it found"
                assert health.ok or health.remedy.strip(), f"{check.id} does not say what to do"

    async def test_can_be_cancelled(self, specimen: Specimen) -> None:
        """A check that is cancelled ends."""
        for check in self.records(specimen):
            task = asyncio.create_task(attempt_async(check.check))
            await self.assert_stops(task, what=f"health check {check.id}")


class ServiceContract(OpenedContract):
    """Tries out a plugin's services: that they open, and are what their key says."""

    kind = Service

    async def test_can_be_found(self, specimen: Specimen) -> None:
        """Other plugins get it by its key."""
        for service in self.records(specimen):
            found = specimen.ctx.services.get(service.key)
            assert isinstance(found, service.key.protocol), f"{service.id} is something else"

    def _protocol(self, record: Any) -> type[Any]:
        protocol: type[Any] = record.key.protocol
        return protocol


def _context_request(specimen: Specimen, event: Event, budget: int) -> ContextRequest:
    return ContextRequest(event=event, budget=budget, now=specimen.clock.now())


def _reply(text: str) -> Reply:
    return Reply(key="k", to=Address("c", "c"), text=text, turn="t", conversation="c")
