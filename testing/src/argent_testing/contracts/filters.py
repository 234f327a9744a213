"""The contract of filters: a say in what comes in, what is done and what goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from attrs import evolve

from argent_core.guard import attempt_async
from argent_hookspecs import Event, Filter, Reject, Reply, Text, ToolCall, Trust
from argent_testing.contracts.base import RecordContract
from argent_testing.contracts.samples import HELLO, ODD, a_reply
from argent_testing.specimen import Specimen

Passing = Event | ToolCall | Reply


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

    async def test_a_no_stays_a_no(self, specimen: Specimen) -> None:
        """What is rejected once is rejected again, and in any company: a filter fails closed."""
        for value in self.rejects:
            for odd in (value, *_in_odd_company(value)):
                verdicts = [await self._look(record, odd) for record in self.records(specimen)]
                assert any(isinstance(verdict, Reject) for verdict in verdicts), (
                    f"what is rejected as {value!r:.150} is let through as {odd!r:.150}"
                )

    async def test_what_passes_stays_itself(self, specimen: Specimen) -> None:
        """What tells an event, a call or a reply from others is left as it is."""
        for record in self.records(specimen):
            for value in (*self.passes, ToolCall("call-1", "calc", {}), a_reply("Yes.")):
                verdict = await self._look(record, value)
                for name in ("dedupe_key", "id", "key", "turn"):
                    same = getattr(verdict, name, None) == getattr(value, name, None)
                    assert isinstance(verdict, Reject) or same, (
                        f"filter {record.id} changed {name} of {value!r:.150}"
                    )

    async def test_can_be_cancelled(self, specimen: Specimen) -> None:
        """A look that is cancelled ends."""
        for record in self.records(specimen):
            for value in (HELLO, ToolCall("1", "calc", {}), a_reply("Yes.")):
                task = asyncio.create_task(attempt_async(partial(self._look, record, value)))
                await self.assert_stops(task, what=f"filter {record.id}")

    async def test_copes_with_anything(self, specimen: Specimen) -> None:
        """Odd content is let through or rejected, and raises nothing."""
        odd = (ODD, ToolCall("1", "no_such_tool", {"x": [None, {"y": "\0"}]}), a_reply("\0" * 99))
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


def _in_odd_company(value: Passing) -> Iterator[Passing]:
    """Yield the same in other circumstances."""
    if isinstance(value, Event):
        yield evolve(value, data={}, sender="", sender_name="", dedupe_key=None)
        yield evolve(value, data={"": [None]}, conversation="🦉", trust=Trust.OUTSIDE)
        yield evolve(value, content=(Text("\0 ünïcödé"), *value.content, Text("")))
    elif isinstance(value, ToolCall):
        yield evolve(value, id="🦉", replay="{}")
    else:
        yield evolve(value, key="", turn="", conversation="🦉")
        yield evolve(value, text=f"\0 ünïcödé\n{value.text}\n🦉")
