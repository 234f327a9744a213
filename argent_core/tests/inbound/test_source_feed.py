"""Events that a source emits at once: they share commits, and are none the worse for it."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from attrs import evolve

from argent_core.inbound.event_sources import SourceFeed
from argent_core.inbound.intake import MOST_READY, Intake
from argent_core.outcome import Outcome
from argent_hookspecs import Address, Event, EventRefused, PluginError
from argent_testing import eventually

from ..guarding import Faults

pytestmark = pytest.mark.anyio

EVENT = Event(kind="note", conversation="home", content="hello")
BAD: Any = evolve(EVENT, data=None)


def feed_of(intake: Intake, source: str = "s", **facts: bool) -> SourceFeed:
    return SourceFeed(intake, "demo", source, None, **facts)


def note(words: object, **facts: Any) -> Event:
    return evolve(EVENT, content=f"{words}", **facts)


def emitted(feed: SourceFeed, *events: Event, first: int = 1) -> list[asyncio.Task[str | None]]:
    """Emit events at once, with cursors that count them."""
    return [
        asyncio.ensure_future(feed.emit(event, cursor=f"{n}"))
        for n, event in enumerate(events, first)
    ]


async def outcomes(tasks: list[asyncio.Task[str | None]]) -> list[Outcome[str | None]]:
    await asyncio.wait(tasks)
    return [Outcome(error=task.exception()) for task in tasks]


async def stored(intake: Intake, source: str = "s") -> list[str]:
    """Return what was said, as it lies in the journal."""
    sql = "SELECT body ->> '$.content[0].text' FROM events WHERE source = ? ORDER BY seq"
    rows = await intake.journal.database.read(lambda tx: tx.execute(sql, (source,)).fetchall())
    return [text for (text,) in rows]


async def test_those_that_come_while_one_is_stored_share_a_commit(intake: Intake) -> None:
    tasks = emitted(feed_of(intake), *map(note, range(65)))

    seen = set()
    while not all(task.done() for task in tasks):
        seen.add(len(await stored(intake)))

    assert await stored(intake) == [f"{n}" for n in range(65)]
    assert seen <= {0, 1, 65}


async def test_the_same_event_is_stored_once(intake: Intake) -> None:
    twice = [note(n, dedupe_key=f"{n // 2}") for n in range(10)]

    ids = await asyncio.gather(*emitted(feed_of(intake), *twice))

    assert [id is None for id in ids] == [False, True] * 5
    assert await stored(intake) == ["0", "2", "4", "6", "8"]
    assert await intake.journal.cursor("s") == "10"


async def test_a_bad_one_keeps_no_other_out(intake: Intake) -> None:
    feed = feed_of(intake)
    events = [note(0), note(1), BAD, note(3)]
    tasks = [asyncio.ensure_future(feed.emit(event)) for event in events]

    errors = [one.error for one in await outcomes(tasks)]

    assert [type(error) for error in errors] == [type(None), type(None), PluginError, type(None)]
    assert await stored(intake) == ["0", "1", "3"]


async def test_no_cursor_passes_over_a_bad_one(intake: Intake) -> None:
    feed = feed_of(intake)

    errors = [
        one.error for one in await outcomes(emitted(feed, note(1), note(2), BAD, note(4), note(5)))
    ]

    assert [type(error) for error in errors[2:]] == [PluginError, EventRefused, EventRefused]
    assert await stored(intake) == ["1", "2"]
    assert feed.cursor == await intake.journal.cursor("s") == "2"
    assert feed.gap.done()


async def test_on_a_full_disk_all_before_the_one_without_room_is_stored(intake: Intake) -> None:
    feed, database = feed_of(intake), intake.journal.database
    (pages,) = await database.read(lambda tx: tx.execute("PRAGMA page_count").fetchone())
    small, large = [note(n) for n in range(1, 5)], note("x" * 500_000)

    sql = f"PRAGMA max_page_count={pages + 20}"
    await database.write(lambda tx: tx.execute(sql).fetchone())
    errors = [one.error for one in await outcomes(emitted(feed, *small, large, note(6)))]

    assert [isinstance(error, EventRefused) for error in errors] == [False] * 4 + [True] * 2
    assert await stored(intake) == ["1", "2", "3", "4"]
    assert await intake.journal.cursor("s") == "4"

    sql = "PRAGMA max_page_count=1000000"
    await database.write(lambda tx: tx.execute(sql).fetchone())
    intake.reopen_if_roomy()
    await asyncio.gather(*emitted(feed, large, note(6), first=5))
    assert len(await stored(intake)) == 6


async def test_whoever_gives_up_leaves_the_others_their_places(intake: Intake) -> None:
    for given_up in range(6):
        source = f"s{given_up}"
        feed = feed_of(intake, source)
        tasks = [asyncio.ensure_future(feed.emit(note(n))) for n in range(6)]
        await eventually(lambda tasks=tasks: tasks[0].done(), what="the others are being stored")
        tasks[given_up].cancel()
        await asyncio.wait(tasks)

        assert await stored(intake, source) == [f"{n}" for n in range(6)]


async def test_what_was_said_before_a_stop_is_stored_before_it(intake: Intake) -> None:
    feed = feed_of(intake, "irc", pairing=True)
    said = Event(conversation="c", sender="ada", trust="owner", reply_to=Address("irc", "c"))
    words = ["one", "two", "/stop", "three", "four"]
    lay_there: list[list[str]] = []

    async def stop(conversation: str) -> int:
        lay_there.append(await stored(intake, "irc"))
        return 1

    intake.stop = stop
    await asyncio.gather(*(feed.emit(evolve(said, content=text)) for text in words))

    assert lay_there == [["one", "two"]]
    assert await stored(intake, "irc") == words


async def conversations(intake: Intake) -> list[str]:
    sql = "SELECT conversation FROM events ORDER BY seq"
    rows = await intake.journal.database.read(lambda tx: tx.execute(sql).fetchall())
    return [row[0] for row in rows]


@pytest.mark.parametrize("names", [("ada", "irc:ada"), ("irc:ada", "ada")])
async def test_two_conversations_of_a_channel_stay_two(
    intake: Intake, names: tuple[str, str]
) -> None:
    feed = feed_of(intake, "irc", pairing=True)
    for name in names:
        await feed.emit(evolve(EVENT, conversation=name, trust="owner"))

    assert await conversations(intake) == [f"irc:{name}" for name in names]


async def test_one_that_says_which_channel_it_is_of_says_so_always(intake: Intake) -> None:
    feed = feed_of(intake, "irc", pairing=True, names_whole=True)
    await feed.emit(evolve(EVENT, conversation="irc:ada", trust="owner"))
    with pytest.raises(PluginError, match="'ada', which does not begin with 'irc:'"):
        await feed.emit(evolve(EVENT, conversation="ada", trust="owner"))

    assert await conversations(intake) == ["irc:ada"]


async def test_strangers_are_each_told_their_code(intake: Intake) -> None:
    feed = feed_of(intake, "irc", pairing=True)
    names = [f"stranger {n}" for n in range(5)]
    asking = [
        Event(conversation=name, content="hi", sender=name, reply_to=Address("irc", name))
        for name in names
    ]

    await asyncio.gather(*map(feed.emit, asking))

    requests = await intake.gate.pairing.requests()
    assert [one.sender.id for one in requests] == names
    sql = "SELECT text FROM outbox ORDER BY seq"
    told = await intake.journal.database.read(lambda tx: tx.execute(sql).fetchall())
    assert all(one.code in text for one, (text,) in zip(requests, told, strict=True))


async def test_a_source_that_waits_for_nothing_is_held_back(intake: Intake, faults: Faults) -> None:
    feed = feed_of(intake)

    tasks = [asyncio.ensure_future(feed.emit(note(n))) for n in range(MOST_READY + 500)]
    await eventually(lambda: faults.of("demo"), what="it is named")

    assert await intake.journal.ready("demo") < MOST_READY + 200
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_happens_nothing_before_the_cursor_is_missing(
    intake: Intake, seed: int
) -> None:
    """The source goes on from the cursor, as it does after a crash, until all is stored."""
    random_ = random.Random(seed)
    most = 150

    while (cursor := int(await intake.journal.cursor("s") or 0)) < most:
        texts = [int(text) for text in await stored(intake)]
        assert set(range(1, cursor + 1)) <= set(texts)
        feed = feed_of(intake)
        events = [note(n, dedupe_key=f"{n}") for n in range(cursor + 1, most + 1)]
        if random_.random() < 0.7:
            events[random_.randrange(len(events))] = BAD
        tasks = emitted(feed, *events, first=cursor + 1)
        for task in random_.sample(tasks, min(len(tasks), random_.choice([0, 0, 1, 5]))):
            for _ in range(1 + random_.randrange(50)):  # each has begun
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    assert sorted(map(int, await stored(intake))) == list(range(1, most + 1))
