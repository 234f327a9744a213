"""At night the agent looks back at the day."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import argent_memo
from argent_hookspecs import (
    Address,
    Event,
    Memory,
    MemoryKind,
    NewMemory,
    Priority,
    ToolCall,
    Trust,
)
from argent_memo.items import Place
from argent_memo.night import Night
from argent_memo.reflection import HOUR, last_night
from argent_testing import Argent, eventually

from .conftest import Neighbour, told

pytestmark = pytest.mark.anyio
DAY = 86400.0
PEANUTS = "My sister Ann is allergic to peanuts."
LEARNED = "The sister Ann of the owner is allergic to peanuts."


async def night(argent: Argent, neighbour: Neighbour, *, days: float = 1.0) -> None:
    """Let days go by, and the memory's job run."""
    await neighbour.all()
    argent.clock.jump(days * DAY)
    await Night(neighbour.memo().capture.ctx).run()


async def nothing_is_asked(argent: Argent) -> bool:
    """Tell whether the model has nothing to do: what comes last is answered next."""
    before = len(argent.model.requests)
    argent.model.add("Fine.")
    last = Event(
        conversation="last",
        content="Well?",
        trust="owner",
        priority=Priority.BACKGROUND,
        reply_to=Address("memory", "last"),
    )
    replies = len(argent.channel.replies)
    await argent.channel.emit(last)
    await eventually(lambda: len(argent.channel.replies) > replies, what="an answer")
    return len(argent.model.requests) == before + 1


def keep(text: str = LEARNED, **given: Any) -> Callable[[Any], ToolCall]:
    """Return a step in which the model keeps what it was shown, by the number of the line."""

    def step(request: Any) -> ToolCall:
        found = re.search(r"^(\d+) \[[^\]]*\] .*peanuts", told(request), re.MULTILINE)
        assert found is not None
        made_of: Mapping[str, Any] = {"made_of": [int(found[1])]}
        return ToolCall("c", "memory_store", {"text": text, **made_of, **given})

    return step


def club(text: str, **facts: Any) -> Event:
    """Return what Bob says in a group."""
    given = {"sender_name": "Bob", "trust": "paired", "group": True, **facts}
    return Event(conversation="club", content=text, **given)


async def learned(argent: Argent, neighbour: Neighbour, text: str = LEARNED) -> Memory:
    """Wait until a reflection has ended, and return what it has left."""
    await argent.model.asked(len(argent.model.requests) + len(argent.model.script))
    (found,) = [one for one in await neighbour.all() if one.text == text]
    return found


async def test_what_will_matter_is_kept_with_what_it_is_made_of(
    argent: Argent, neighbour: Neighbour
) -> None:
    model = ["I see.", keep(), "One thing is kept."]
    async with argent(plugins=[argent_memo, neighbour], model=model):
        await night(argent, neighbour)
        await argent.channel.ask(PEANUTS)
        await night(argent, neighbour)
        fact = await learned(argent, neighbour)
        (said,) = [one for one in await neighbour.all() if one.text == PEANUTS]
        gone = await neighbour.memo().store.forget([said.id])

    assert (fact.kind, fact.trust, fact.audience) == ("fact", Trust.OWNER, "owner")
    assert (fact.speaker, gone.made_of_them) == ("owner", (fact.id,))
    assert PEANUTS in told(argent.model.requests[1])


async def test_a_night_without_news_costs_nothing(argent: Argent, neighbour: Neighbour) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["I see.", "Nothing to keep."]):
        await night(argent, neighbour)
        await argent.channel.ask(PEANUTS)
        await night(argent, neighbour)
        await argent.model.asked(2)
        for days in (0, 1, 30):
            await night(argent, neighbour, days=days)
        assert await nothing_is_asked(argent)


async def test_it_can_be_switched_off(argent: Argent, neighbour: Neighbour) -> None:
    config = {"memory": {"reflect": False}}
    async with argent(plugins=[argent_memo, neighbour], model=["I see."], config=config):
        await night(argent, neighbour)
        await argent.channel.ask(PEANUTS)
        await night(argent, neighbour)

        assert await nothing_is_asked(argent)


async def test_nights_that_were_missed_are_made_up_for_once(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["I see."]):
        await night(argent, neighbour)
        await argent.channel.ask(PEANUTS)
        await neighbour.all()
    argent.clock.jump(3 * DAY)
    async with argent.restart(model=["Nothing to keep."]):
        await night(argent, neighbour, days=0)
        await argent.model.asked(1)
        await night(argent, neighbour, days=0)
        assert await nothing_is_asked(argent)


async def test_each_audience_is_asked_about_what_it_said_alone(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["I see."] * 2):
        await night(argent, neighbour)
        await argent.channel.ask("My safe opens with the small key.")
        await argent.channel.emit(club(PEANUTS))
        await neighbour.kept("peanuts", audiences=("club",))
        argent.model.add("Nothing.", "Nothing.")
        await night(argent, neighbour)
        await argent.model.asked(4)

    asked = [told(one) for one in argent.model.requests[2:]]
    assert sorted(("safe" in one, "peanuts" in one) for one in asked) == [
        (False, True),
        (True, False),
    ]


async def test_what_a_group_said_stays_in_it(argent: Argent, neighbour: Neighbour) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["I see.", keep(), "Kept."]):
        await night(argent, neighbour)
        await argent.channel.emit(club(PEANUTS))
        await neighbour.kept("peanuts", audiences=("club",))
        await night(argent, neighbour)
        fact = await learned(argent, neighbour)

    assert (fact.audience, fact.trust, fact.speaker) == ("club", Trust.PAIRED, "Bob")


@pytest.mark.parametrize(
    "facts",
    [
        {"private": True},
        {"trust": Trust.OUTSIDE},
        {"speaker": "Argent"},
        {"kind": MemoryKind.FACT},
        {"said_at": datetime(2025, 6, 1, tzinfo=UTC)},
    ],
)
async def test_some_things_are_never_looked_back_at(
    argent: Argent, neighbour: Neighbour, facts: dict[str, Any]
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=[]):
        await night(argent, neighbour)
        given = {"trust": Trust.OWNER, "speaker": "Eva", **facts}
        place = Place(origin="turn", name="home")
        await neighbour.memo().store.add(NewMemory(text=PEANUTS, **given), place)
        await night(argent, neighbour)

        assert await nothing_is_asked(argent)


async def test_what_does_not_agree_is_shown(argent: Argent, neighbour: Neighbour) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["I see.", "Nothing."]):
        await night(argent, neighbour)
        await argent.channel.ask(PEANUTS)
        for text in ("Ann is 34 years old.", "Ann is 43 years old."):
            fact = NewMemory(text=text, kind=MemoryKind.FACT, trust=Trust.OWNER, speaker="owner")
            await neighbour.memo().add(fact)
        await night(argent, neighbour)
        await argent.model.asked(2)

    shown = told(argent.model.requests[1]).partition("do not agree")[2]
    assert "Ann is 34 years old." in shown
    assert "Ann is 43 years old." in shown


async def test_its_answer_is_no_episode(argent: Argent, neighbour: Neighbour) -> None:
    answer = "Peanuts are what Ann should avoid at all times and places."
    async with argent(plugins=[argent_memo, neighbour], model=["I see.", answer]):
        await night(argent, neighbour)
        await argent.channel.ask(PEANUTS)
        await night(argent, neighbour)
        await argent.model.asked(2)
        assert await nothing_is_asked(argent)
        texts = await neighbour.texts()

    assert PEANUTS in texts
    assert answer not in texts


@pytest.mark.parametrize("hours", range(0, 48, 5))
def test_a_night_begins_when_the_day_is_over_here(hours: int) -> None:
    now = datetime(2026, 3, 28, 12, tzinfo=UTC) + timedelta(hours=hours)
    began = last_night(now)

    assert began <= now < began + timedelta(hours=25)
    assert began.astimezone().hour == HOUR
