"""A turn that cannot be kept is named, and holds up none of those that come after it."""

from __future__ import annotations

from typing import Any

import pytest

import argent_memo
from argent_core.kernel import Kernel
from argent_hookspecs import Address, Event, MemoryFilter, StorageError, Trust
from argent_memo.local import Desk
from argent_memo.requests import Progress
from argent_testing import Argent, MemoryChannel

from .conftest import Neighbour

pytestmark = pytest.mark.anyio

REFUSED = (
    "CREATE TRIGGER refused BEFORE INSERT ON items WHEN new.text LIKE '%cellar%'"
    " BEGIN SELECT RAISE(ABORT, 'refused'); END"
)
FULL = "CREATE TRIGGER refused BEFORE INSERT ON {} BEGIN SELECT RAISE(ABORT, 'refused'); END"


async def asked(neighbour: Neighbour, do: str) -> Any:
    """Ask the memory what a command asks it."""
    desk = Desk(neighbour.ctx, neighbour.memo())
    return await desk.operations[do]({"vectors": False}, Progress())


async def texts(neighbour: Neighbour) -> list[str]:
    found = await neighbour.memo().store.timeline(MemoryFilter(), limit=100)
    return [one.text for one in found]


async def failing(neighbour: Neighbour) -> bool:
    try:
        await neighbour.memo().capture.catch_up()
    except StorageError:
        return True
    return False


async def change(neighbour: Neighbour, sql: str) -> None:
    await neighbour.memo().store.database.write(lambda tx: tx.execute(sql) and None)


async def health(kernel: Kernel) -> dict[str, str]:
    """Return what ``argent doctor`` would say is wrong with the memory."""
    status = await kernel.control.run("status", {"deep": True})
    return {one["check"]: one["summary"] for one in status["health"] if not one["ok"]}


async def test_a_turn_that_the_file_refuses_is_tried_again_and_then_holds_up_none(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["👍"] * 3) as kernel:
        await change(neighbour, REFUSED)
        for text in ("The attic is dry.", "The cellar is dry.", "The roof is dry."):
            await argent.channel.ask(text)
        while "The roof is dry." not in await texts(neighbour):
            await failing(neighbour)
            await argent.clock.advance(126.0)
        (told,) = (await asked(neighbour, "check"))["not_kept"]
        wrong = await health(kernel)
        await change(neighbour, "DROP TRIGGER refused")
        await asked(neighbour, "reindex")

        assert (
            told["passed"]
            and told["tries"] == 5
            and "refused" in told["why"]
            and told["turn"] in wrong["keeping"]
        )
        assert "The cellar is dry." in await texts(neighbour)
        assert (await asked(neighbour, "check"))["not_kept"] == []
        assert "keeping" not in await health(kernel)


async def test_one_that_is_put_off_is_not_tried_before_its_time(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["👍"]):
        await change(neighbour, REFUSED)
        await argent.channel.ask("The cellar is dry.")
        while not (found := (await asked(neighbour, "check"))["not_kept"]):
            await failing(neighbour)
        for _ in range(10):
            assert not await failing(neighbour)

        assert (await asked(neighbour, "check"))["not_kept"] == found
        assert not found[0]["passed"]


async def test_where_nothing_can_be_written_no_turn_is_passed_over(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["👍"]):
        await change(neighbour, FULL.format("notes"))
        await argent.channel.ask("The cellar is dry.")
        for _ in range(10):
            await failing(neighbour)
            await argent.clock.advance(126.0)
        assert (await asked(neighbour, "check"))["not_kept"] == []
        await change(neighbour, "DROP TRIGGER refused")

        assert await neighbour.texts() == ["The cellar is dry."]


async def test_what_was_passed_over_is_tried_again_at_the_next_start(
    argent: Argent, neighbour: Neighbour
) -> None:
    async with argent(plugins=[argent_memo, neighbour], model=["👍"]):
        await change(neighbour, REFUSED)
        await argent.channel.ask("The cellar is dry.")
        for _ in range(6):
            await failing(neighbour)
            await argent.clock.advance(126.0)
        (told,) = (await asked(neighbour, "check"))["not_kept"]
        assert told["passed"]
        await change(neighbour, "DROP TRIGGER refused")
        assert await texts(neighbour) == []
    argent.channel = MemoryChannel()
    async with argent(plugins=[argent_memo, neighbour], model=[], home=argent.home):
        assert [one.text for one in await neighbour.kept("cellar")] == ["The cellar is dry."]


@pytest.mark.parametrize("last", ["The train leaves from track 3.", "."])
async def test_what_is_kept_late_undoes_no_later_edit(
    argent: Argent, neighbour: Neighbour, last: str
) -> None:
    texts = ("The train leaves from track 1.", "The train leaves from the cellar, track 2.", last)
    async with argent(plugins=[argent_memo, neighbour], model=["👍"] * 3):
        await change(neighbour, REFUSED)
        for n, text in enumerate(texts):
            facts = {"message": 7, "edited": n > 0}
            event = Event(
                content=text,
                sender="owner",
                trust=Trust.OWNER,
                conversation="home",
                reply_to=Address("memory", "home"),
                data=facts,
            )
            await argent.channel.emit(event)
            await argent.channel.next_reply()
        for _ in range(6):
            await failing(neighbour)
            await argent.clock.advance(126.0)
        kept = await neighbour.texts()
        await change(neighbour, "DROP TRIGGER refused")
        await asked(neighbour, "reindex")

        assert [one for one in kept if "train" in one] == [one for one in (last,) if one != "."]
        assert await neighbour.texts() == kept
