"""Wrong observers."""

from __future__ import annotations

import asyncio
from typing import Any

from argent_hookspecs import Draft, Event, Observer
from argent_testing import MadePlugin, ObserverContract, hang
from tests.mutants.declaring import bringing, caught_by, nothing, stubborn


def an_observer(notify: Any, **options: Any) -> MadePlugin:
    return bringing(Observer(id="o", notify=notify, **options))


class TestRightObserver(ObserverContract):
    plugin = an_observer(nothing)


async def reads_text(notice: Any) -> None:
    assert notice.text


class TestRightNarrowObserver(ObserverContract):
    plugin = an_observer(reads_text, kinds=(Draft,))


@caught_by("test_takes_every_notice_that_it_wants", "has no attribute 'text'")
class TestRaises(ObserverContract):
    plugin = an_observer(reads_text)


@caught_by("test_takes_every_notice_that_it_wants", "observer o took longer than")
class TestObserverHangs(ObserverContract):
    plugin = an_observer(hang, timeout=0.2)


@caught_by("test_wants_notices", "Event is no notice")
class TestWantsEvents(ObserverContract):
    plugin = an_observer(nothing, kinds=(Event,))


@caught_by("test_wants_notices", "the mailbox has no room")
class TestNoMailbox(ObserverContract):
    plugin = an_observer(nothing, mailbox=0)


@caught_by("test_can_be_cancelled", "observer o did not end within")
class TestWatchesOn(ObserverContract):
    plugin = an_observer(stubborn)


async def answers_beside(notice: Any) -> None:
    asyncio.get_running_loop().create_task(hang(), name="beside")


@caught_by("test_takes_every_notice_that_it_wants", "tasks left behind: beside")
class TestObserverLeavesWork(ObserverContract):
    plugin = an_observer(answers_beside)


class Full:
    """It can take so many, and then no more."""

    def __init__(self) -> None:
        self.room = 50

    async def notify(self, notice: Any) -> None:
        self.room -= 1
        if not self.room:
            raise OverflowError("no more room")


@caught_by("test_takes_every_notice_that_it_wants", "no more room")
class TestIsFullSoon(ObserverContract):
    plugin = an_observer(Full().notify)


@caught_by("test_takes_every_notice_that_it_wants", "Blocking call to time.sleep")
class TestObserverBlocks(ObserverContract):
    plugin = "tests.mutants.wrong_modules.blocking"
