"""Faults of what delivers, for channels and for output handlers."""

from __future__ import annotations

import asyncio
from typing import Any

from argent_hookspecs import DeliveryRefused, Receipt, Reply
from argent_testing import hang
from tests.mutants.declaring import stubborn
from tests.mutants.posts import Post


class SendsTwice(Post):
    """Each reply is shown twice."""

    async def send(self, reply: Reply) -> None:
        self.shown += [reply.text, reply.text]


class CutsText(Post):
    """Only the first thousand characters arrive."""

    async def send(self, reply: Reply) -> None:
        short = len(reply.text) <= 1000
        self.shown.append(reply.text if short else f"{reply.text[:1000]} {reply.text[-8:]}")


class DropsTheEnd(Post):
    """The end of a reply is not sent."""

    async def send(self, reply: Reply) -> None:
        self.shown.append(reply.text[:-3])


class StripsLetters(Post):
    """Only ASCII arrives."""

    async def send(self, reply: Reply) -> None:
        self.shown.append(reply.text.encode("ascii", "ignore").decode())


class LosesTheOrder(Post):
    """The newest stands first."""

    async def send(self, reply: Reply) -> None:
        self.shown.insert(0, reply.text)


class IgnoresCancellation(Post):
    """A delivery goes on when it is cancelled."""

    async def send(self, reply: Reply) -> None:
        await stubborn()


class DeliversAfterCancel(Post):
    """What was cancelled is sent all the same, later."""

    async def send(self, reply: Reply) -> None:
        try:
            await asyncio.sleep(0.3)
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_later(0.5, self.shown.append, reply.text)
            raise
        self.shown.append(reply.text)


class NeverEnds(Post):
    """A delivery never comes to its end."""

    async def send(self, reply: Reply) -> None:
        await hang()


class NoReceipt(Post):
    """It delivers and proves nothing."""

    async def deliver(self, reply: Reply) -> Any:
        await self.send(reply)


class EmptyReceipt(Post):
    """A receipt without an id."""

    async def deliver(self, reply: Reply) -> Receipt:
        await self.send(reply)
        return Receipt("")


class ReceiptOfAnother(Post):
    """The same receipt for all."""

    async def deliver(self, reply: Reply) -> Receipt:
        await self.send(reply)
        return Receipt("sent")


class BareError(Post):
    """Nobody is there, and it raises what the kernel cannot read."""

    async def deliver(self, reply: Reply) -> Receipt:
        raise ConnectionRefusedError("the line is cut")


class PretendsToDeliver(Post):
    """Nobody is there, and it counts as sent."""


class TurnsDown(Post):
    """It turns down what it could send."""

    async def deliver(self, reply: Reply) -> Receipt:
        raise DeliveryRefused("not today")


class TellsItsSecret(Post):
    """Its error holds the key."""

    key = "sk-mutant-1234567890"

    async def deliver(self, reply: Reply) -> Receipt:
        raise DeliveryRefused(f"POST https://post.example/bot{self.key}/send failed")
