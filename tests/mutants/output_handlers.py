"""Wrong output handlers."""

from __future__ import annotations

from tests.mutants import deliveries
from tests.mutants.declaring import caught_by
from tests.mutants.posts import OutputContract, an_output


class TestRightOutput(OutputContract):
    plugin = an_output()


@caught_by("test_what_is_sent_arrives_once_whole_and_in_order", "arrived 2 times")
class TestOutputSendsTwice(OutputContract):
    plugin = an_output(deliveries.SendsTwice)


@caught_by("test_what_is_sent_arrives_once_whole_and_in_order", "did not arrive")
class TestOutputDropsTheEnd(OutputContract):
    plugin = an_output(deliveries.DropsTheEnd)


@caught_by("test_what_is_sent_arrives_once_whole_and_in_order", "is missing")
class TestOutputStripsLetters(OutputContract):
    plugin = an_output(deliveries.StripsLetters)


@caught_by("test_what_is_sent_arrives_once_whole_and_in_order", "out of order")
class TestOutputLosesTheOrder(OutputContract):
    plugin = an_output(deliveries.LosesTheOrder)


@caught_by("test_a_delivery_can_be_cancelled", "did not end within")
class TestOutputIgnoresCancellation(OutputContract):
    plugin = an_output(deliveries.IgnoresCancellation)


@caught_by("test_what_was_cancelled_does_not_come_later", "after it had been cancelled")
class TestOutputDeliversAfterCancel(OutputContract):
    plugin = an_output(deliveries.DeliversAfterCancel)


@caught_by("test_a_reply_is_delivered_or_turned_down", "a delivery took longer than")
class TestOutputNeverEnds(OutputContract):
    plugin = an_output(deliveries.NeverEnds)


@caught_by("test_a_reply_is_delivered_or_turned_down", "the receipt has no id")
class TestOutputEmptyReceipt(OutputContract):
    plugin = an_output(deliveries.EmptyReceipt)


@caught_by("test_each_reply_has_a_receipt_of_its_own", "the same receipt")
class TestOutputReceiptOfAnother(OutputContract):
    plugin = an_output(deliveries.ReceiptOfAnother)


@caught_by("test_a_second_try_with_the_same_key_shows_nothing_new", "showed a reply 2 times")
class TestOutputNotIdempotent(OutputContract):
    plugin = an_output(idempotent=True)


@caught_by("test_a_reply_is_delivered_or_turned_down", "raises DeliveryDelayed or DeliveryRefused")
class TestOutputBareError(OutputContract):
    plugin = an_output(deliveries.BareError)
    reachable = False


@caught_by("test_a_reply_is_delivered_or_turned_down", "turned a reply down")
class TestOutputTurnsDown(OutputContract):
    plugin = an_output(deliveries.TurnsDown)
