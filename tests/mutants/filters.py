"""Wrong filters."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from argent_hookspecs import Address, Event, Filter, Reject, Reply, ToolCall
from argent_testing import FilterContract, MadePlugin
from tests.mutants.declaring import bringing, caught_by, nothing, stubborn

SHOUT = Event(conversation="c", content="HELP ME", sender="7", data={"why": "shouting"})
LEAK = Reply(key="k", to=Address("c", "c"), text="The key is 1234.", turn="t", conversation="c")
RISKY = ToolCall("1", "delete_all", {"really": True})


async def no_shouting(event: Event) -> Event | Reject:
    return Reject("no shouting") if "HELP" in event.text else event


async def no_deleting(call: ToolCall) -> ToolCall | Reject:
    return Reject("never") if call.name == "delete_all" else call


async def no_leaking(reply: Reply) -> Reply | Reject:
    return Reject("a key") if "1234" in reply.text else reply


def a_filter(**looks: Any) -> MadePlugin:
    told = {"event": no_shouting, "tool_call": no_deleting, "reply": no_leaking}
    return bringing(Filter(**{"id": "f", **told, **looks}))


class StrictContract(FilterContract):
    rejects = (SHOUT, RISKY, LEAK)


class TestRightFilter(StrictContract):
    plugin = a_filter()


@caught_by("test_looks_at_something", "looks at nothing")
class TestBlind(FilterContract):
    plugin = a_filter(event=None, tool_call=None, reply=None)


async def no_to_all(value: Any) -> Any:
    return Reject("no")


@caught_by("test_lets_through_what_it_should", "f made Reject")
class TestNaysayer(StrictContract):
    plugin = a_filter(event=no_to_all)


@caught_by("test_lets_through_what_it_should", "f made None of it")
class TestForgetsToReturn(StrictContract):
    plugin = a_filter(event=nothing)


async def yes_to_all(value: Any) -> Any:
    return value


@caught_by("test_rejects_what_it_should", "no filter rejects")
class TestLetsAllIn(StrictContract):
    plugin = a_filter(event=yes_to_all)


async def without_reason(event: Event) -> Event | Reject:
    return Reject(" ") if "HELP" in event.text else event


@caught_by("test_rejects_what_it_should", "a no without a reason")
class TestNoReason(StrictContract):
    plugin = a_filter(event=without_reason)


async def fails_open(event: Event) -> Event | Reject:
    try:
        return Reject(event.data["why"]) if "HELP" in event.text else event
    except KeyError:
        return event


@caught_by("test_a_no_stays_a_no", "what is rejected as Event")
class TestFailsOpen(StrictContract):
    plugin = a_filter(event=fails_open)


async def first_part(event: Event) -> Event | Reject:
    shouting = bool(event.content) and "HELP" in getattr(event.content[0], "text", "")
    return Reject("no shouting") if shouting else event


@caught_by("test_a_no_stays_a_no", "is let through as Event")
class TestLooksAtTheFirstPart(StrictContract):
    plugin = a_filter(event=first_part)


class Tired:
    """It says no once."""

    def __init__(self) -> None:
        self.said = False

    async def look(self, call: ToolCall) -> ToolCall | Reject:
        if call.name != "delete_all" or self.said:
            return call
        self.said = True
        return Reject("never")


@caught_by("test_a_no_stays_a_no", "is let through as ToolCall")
class TestSaysNoOnce(StrictContract):
    plugin = a_filter(tool_call=Tired().look)


async def whole_text(reply: Reply) -> Reply | Reject:
    return Reject("a key") if reply.text == LEAK.text else reply


@caught_by("test_a_no_stays_a_no", "is let through as Reply")
class TestOnlyThatText(StrictContract):
    plugin = a_filter(reply=whole_text)


async def rekeyed(reply: Reply) -> Reply | Reject:
    return await no_leaking(evolve(reply, key=f"{reply.key}-filtered"))


@caught_by("test_what_passes_stays_itself", "filter f changed key")
class TestChangesTheKey(StrictContract):
    plugin = a_filter(reply=rekeyed)


async def forgetful(event: Event) -> Event | Reject:
    return await no_shouting(evolve(event, dedupe_key=None))


@caught_by("test_what_passes_stays_itself", "filter f changed dedupe_key")
class TestForgetsTheDedupeKey(StrictContract):
    plugin = a_filter(event=forgetful)


async def trusting(event: Event) -> Event | Reject:
    return event if event.kind == "message" else Reject(event.data["why"])


@caught_by("test_copes_with_anything", "KeyError")
class TestTrustsData(FilterContract):
    plugin = a_filter(event=trusting)


@caught_by("test_can_be_cancelled", "filter f did not end within")
class TestLooksOn(StrictContract):
    plugin = a_filter(event=stubborn)


@caught_by("test_lets_through_what_it_should", "Blocking call to time.sleep")
class TestFilterBlocks(FilterContract):
    plugin = "tests.mutants.wrong_modules.blocking"
