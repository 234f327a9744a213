"""Faults of what listens, for channels and for event sources."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

from argent_hookspecs import Address, Event, EventRefused, Feed
from argent_testing import hang
from tests.mutants.declaring import stubborn
from tests.mutants.posts import Post


class Ends(Post):
    """It stops listening by itself."""

    async def listen(self, feed: Feed) -> None:
        return


class ListensOn(Post):
    """It does not stop when it is cancelled."""

    async def listen(self, feed: Feed) -> None:
        await stubborn()


class Deaf(Post):
    """It hears nothing."""

    async def listen(self, feed: Feed) -> None:
        await hang()


class SwallowsRefusals(Post):
    """What the kernel cannot take now is forgotten."""

    async def take(self, feed: Feed, number: int) -> None:
        self.acknowledged = number + 1
        try:
            await feed.emit(self.event(number))
        except EventRefused:
            return
        except BaseException:
            self.acknowledged = number
            raise


class AcknowledgesFirst(Post):
    """It acknowledges what is not stored yet, and takes that back only when it is refused."""

    async def take(self, feed: Feed, number: int) -> None:
        self.acknowledged = number + 1
        try:
            await super().take(feed, number)
        except EventRefused:
            self.acknowledged = number
            raise


class ChangesKeys(Post):
    """Each try has another key."""

    numbers = itertools.count()

    def facts(self, number: int) -> dict[str, Any]:
        return super().facts(number) | {"dedupe_key": f"post:{next(self.numbers)}"}


class CutsWords(Post):
    """Only the beginning of what was said comes in."""

    def facts(self, number: int) -> dict[str, Any]:
        return super().facts(number) | {"content": self.said[number][:140]}


class EmitsTwice(Post):
    """It tells everything twice."""

    async def take(self, feed: Feed, number: int) -> None:
        await feed.emit(Event(**super().facts(number) | {"dedupe_key": None}))
        await super().take(feed, number)


class Backwards(Post):
    """The newest comes first, of three."""

    async def take(self, feed: Feed, number: int) -> None:
        if len(self.said) < number + 3:
            self.arrival.clear()
            await self.arrival.wait()
            return
        for one in (number + 2, number + 1, number):
            await feed.emit(self.event(one))
        self.acknowledged = number + 3


class NaiveTime(Post):
    """Its times could be anywhere."""

    def facts(self, number: int) -> dict[str, Any]:
        return super().facts(number) | {"occurred_at": datetime(2026, 1, 2, 3, 4)}


class NaiveExpiry(Post):
    """It expires, nobody knows where."""

    def facts(self, number: int) -> dict[str, Any]:
        later = datetime(2026, 1, 2, 3, 4) + timedelta(days=1)
        return super().facts(number) | {"expires_at": later}


class OddData(Post):
    """Its facts are no JSON values."""

    def facts(self, number: int) -> dict[str, Any]:
        return super().facts(number) | {"data": {"said": self}}


class NotANumber(Post):
    """One of its facts is a number that JSON does not have."""

    def facts(self, number: int) -> dict[str, Any]:
        return super().facts(number) | {"data": {"heat": float("nan")}}


class NoKind(Post):
    """Its events are of no kind."""

    def facts(self, number: int) -> dict[str, Any]:
        return super().facts(number) | {"kind": ""}


class NoConversation(Post):
    """Its events belong nowhere."""

    def facts(self, number: int) -> dict[str, Any]:
        return super().facts(number) | {"conversation": ""}


class NoWayBack(Post):
    """Nobody can answer."""

    def facts(self, number: int) -> dict[str, Any]:
        return super().facts(number) | {"reply_to": None}


class AnswersElsewhere(Post):
    """The answer goes to another channel."""

    def facts(self, number: int) -> dict[str, Any]:
        return super().facts(number) | {"reply_to": Address("telegram", "c")}


class Nameless(Post):
    """Nobody said it."""

    def facts(self, number: int) -> dict[str, Any]:
        return super().facts(number) | {"sender": ""}


class EmitsText(Post):
    """It emits something else than events."""

    def event(self, number: int) -> Any:
        return self.said[number]
