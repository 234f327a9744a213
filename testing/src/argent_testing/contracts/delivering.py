"""What goes out: the contract of all that delivers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import pytest

from argent_core.guard import attempt_async
from argent_hookspecs import Address, Delivery, DeliveryError, Receipt, Reply
from argent_testing.contracts.base import OpenedContract
from argent_testing.specimen import Specimen

_GLANCE = 0.02
_MOMENT = 0.1
_LATER = 0.6


class DeliveringContract(OpenedContract):
    """Tries out what delivers.

    Attributes:
        chat: A place of the channel to which a reply can be sent.
        texts: What is sent.
        reachable: Whether somebody is there who can be sent something; otherwise the delivery
            must be turned down with a ``DeliveryError``.
    """

    chat: ClassVar[str] = "contract"
    texts: ClassVar[Sequence[str]] = ("hello", "**bold** `code`\n\n- ünïcödé 🦉", "x" * 5000)
    reachable: ClassVar[bool] = True

    async def arrived(self, live: Any) -> Sequence[str]:
        """Return the texts that the other side has got: override it, to check them.

        Args:
            live: What ``open`` yielded.
        """
        pytest.skip("override arrived(live) to check what arrives")

    async def test_a_reply_is_delivered_or_turned_down(self, specimen: Specimen) -> None:
        """There is a receipt, or a ``DeliveryError``; never anything else."""
        for record in self.records(specimen):
            async with record.open() as live:
                for n, text in enumerate(self.texts):
                    sent = _short(text, record)
                    await self._deliver(record, live, self.reply(record, sent, key=f"k{n}"))

    async def test_each_reply_has_a_receipt_of_its_own(self, specimen: Specimen) -> None:
        """Two replies have two receipts."""
        for record in self.records(specimen):
            async with record.open() as live:
                replies = [self.reply(record, f"reply {n}", key=f"own-{n}") for n in range(2)]
                ids = [await self._deliver(record, live, reply) for reply in replies]
                assert ids[0] is None or ids[0] != ids[1], (
                    f"{record.id}: two replies have the same receipt, {ids[0]!r}"
                )

    async def test_what_is_sent_arrives_once_whole_and_in_order(self, specimen: Specimen) -> None:
        """Each reply arrives once, with every letter of it, after those that were sent before."""
        for record in self.records(specimen):
            if not self.reachable:
                continue
            async with record.open() as live:
                for n, text in enumerate(self.texts):
                    sent = f"begin{n}x {_short(text, record)} x{n}end"
                    await self._deliver(record, live, self.reply(record, sent, key=f"whole-{n}"))
                    got = await self._until(live, f"x{n}end", record)
                    self._check_whole(record, n, sent, got)
                places = [got.index(f"begin{n}x") for n in range(len(self.texts))]
                assert places == sorted(places), f"{record.id}: replies arrived out of order"

    async def test_a_second_try_with_the_same_key_shows_nothing_new(
        self, specimen: Specimen
    ) -> None:
        """A channel that calls itself idempotent drops a second copy."""
        for record in self.records(specimen):
            if not record.idempotent or not self.reachable:
                continue
            async with record.open() as live:
                for _ in range(2):
                    await self._deliver(record, live, self.reply(record, "only once", key="once"))
                shown = [text for text in await self.arrived(live) if "only once" in text]
                assert len(shown) == 1, (
                    f"{record.id} calls itself idempotent and showed a reply {len(shown)} times"
                )

    async def test_a_delivery_can_be_cancelled(self, specimen: Specimen) -> None:
        """A delivery that is cancelled ends."""
        for record in self.records(specimen):
            async with record.open() as live:
                await self._cancelled(record, live)

    async def test_what_was_cancelled_does_not_come_later(self, specimen: Specimen) -> None:
        """What has not arrived when a delivery ends by being cancelled never does."""
        for record in self.records(specimen):
            async with record.open() as live:
                await self._cancelled(record, live)
                await asyncio.sleep(_MOMENT)
                at_once = "".join(await self.arrived(live)).count("cancelled")
                await asyncio.sleep(_LATER)
                at_last = "".join(await self.arrived(live)).count("cancelled")
                assert at_last == at_once, f"{record.id} delivered after it had been cancelled"

    def reply(self, record: Any, text: str, *, key: str) -> Reply:
        """Return a reply to send."""
        return Reply(
            key=key,
            to=Address(record.id, self.chat),
            text=text,
            turn="contract",
            conversation="contract",
        )

    async def _cancelled(self, record: Any, live: Delivery) -> None:
        reply = self.reply(record, "cancelled", key="cancelled")
        task = asyncio.create_task(attempt_async(partial(live.deliver, reply)))
        await self.assert_stops(task, what=f"a delivery of {record.id}")

    async def _deliver(self, record: Any, live: Delivery, reply: Reply) -> str | None:
        """Deliver a reply and return the receipt's id, or None if it was rightly turned down."""
        outcome = await attempt_async(
            lambda: self.soon(live.deliver(reply), what="a delivery", seconds=record.timeout)
        )
        error = outcome.error
        self.discretion.check(str(error), what=f"the error of {record.id}")
        if isinstance(error, DeliveryError):
            assert not self.reachable, f"{record.id} turned a reply down: {error}"
            return None
        assert error is None, (
            f"{record.id} raised {error!r:.300}; what was certainly not sent raises "
            "DeliveryDelayed or DeliveryRefused, or nobody tries again"
        )
        assert self.reachable, f"{record.id}: nobody was there, and the reply counts as sent"
        receipt = outcome.get()
        assert isinstance(receipt, Receipt), f"{record.id} returned {receipt!r:.100}, no Receipt"
        assert receipt.id.strip(), f"{record.id}: the receipt has no id"
        return receipt.id

    async def _until(self, live: Any, mark: str, record: Any) -> str:
        """Wait until a mark has arrived, and return all that has."""
        got = "\n".join(await self.arrived(live))
        for _ in range(round(self.patience / _GLANCE)):
            if mark in got:
                break
            await asyncio.sleep(_GLANCE)
            got = "\n".join(await self.arrived(live))
        assert mark in got, f"{record.id}: the end of a reply did not arrive: {got[-200:]!r}"
        return got

    def _check_whole(self, record: Any, n: int, sent: str, got: str) -> None:
        for mark in (f"begin{n}x", f"x{n}end"):
            count = got.count(mark)
            assert count == 1, f"{record.id}: a reply that was sent once arrived {count} times"
        inside = iter(got[got.index(f"begin{n}x") :])
        lost = [letter for letter in sent if letter.isalnum() and letter not in inside]
        assert not lost, f"{record.id}: not all of a reply arrived; {lost[0]!r} is missing"


def _short(text: str, record: Any) -> str:
    """Cut a text as the kernel would, leaving room for marks."""
    return text if record.longest is None else text[: max(1, record.longest - 20)]
