"""Wrong channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from attrs import frozen

from argent_hookspecs import Channel, Feed, Secret, setting
from argent_testing import MadePlugin
from tests.mutants import deliveries, occurrences
from tests.mutants.declaring import caught_by
from tests.mutants.posts import Post, PostContract, a_channel


class TestRightChannel(PostContract):
    plugin = a_channel()


class Remembers(Post):
    """It drops a second reply with the same key."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[str] = set()

    async def send(self, reply: Any) -> None:
        if reply.key not in self.keys:
            self.keys.add(reply.key)
            await super().send(reply)


class TestRightIdempotentChannel(PostContract):
    plugin = a_channel(Remembers, idempotent=True, longest=400)


@caught_by("test_what_is_sent_arrives_once_whole_and_in_order", "arrived 2 times")
class TestSendsTwice(PostContract):
    plugin = a_channel(deliveries.SendsTwice)


@caught_by("test_what_is_sent_arrives_once_whole_and_in_order", "not all of a reply arrived")
class TestCutsText(PostContract):
    plugin = a_channel(deliveries.CutsText)


@caught_by("test_what_is_sent_arrives_once_whole_and_in_order", "out of order")
class TestLosesTheOrder(PostContract):
    plugin = a_channel(deliveries.LosesTheOrder)


@caught_by("test_a_delivery_can_be_cancelled", "did not end within")
class TestIgnoresCancellation(PostContract):
    plugin = a_channel(deliveries.IgnoresCancellation)


@caught_by("test_what_was_cancelled_does_not_come_later", "after it had been cancelled")
class TestDeliversAfterCancel(PostContract):
    plugin = a_channel(deliveries.DeliversAfterCancel)


@caught_by("test_a_reply_is_delivered_or_turned_down", "no Receipt")
class TestNoReceipt(PostContract):
    plugin = a_channel(deliveries.NoReceipt)


@caught_by("test_each_reply_has_a_receipt_of_its_own", "the same receipt")
class TestReceiptOfAnother(PostContract):
    plugin = a_channel(deliveries.ReceiptOfAnother)


@caught_by("test_a_second_try_with_the_same_key_shows_nothing_new", "showed a reply 2 times")
class TestNotIdempotent(PostContract):
    plugin = a_channel(idempotent=True)


@caught_by("test_a_reply_is_delivered_or_turned_down", "raises DeliveryDelayed or DeliveryRefused")
class TestBareError(PostContract):
    plugin = a_channel(deliveries.BareError)
    reachable = False


@caught_by("test_a_reply_is_delivered_or_turned_down", "nobody was there, and the reply counts")
class TestPretendsToDeliver(PostContract):
    plugin = a_channel(deliveries.PretendsToDeliver)
    reachable = False


@caught_by("test_listens_until_cancelled", "ended by itself")
class TestEnds(PostContract):
    plugin = a_channel(occurrences.Ends)


@caught_by("test_listens_until_cancelled", "did not end within")
class TestListensOn(PostContract):
    plugin = a_channel(occurrences.ListensOn)


@caught_by("test_what_is_refused_comes_again", "lost an event that was not stored")
class TestSwallowsRefusals(PostContract):
    plugin = a_channel(occurrences.SwallowsRefusals)


@caught_by("test_what_was_not_stored_comes_again", "lost an event that was not stored")
class TestAcknowledgesFirst(PostContract):
    plugin = a_channel(occurrences.AcknowledgesFirst)


@caught_by("test_what_is_refused_comes_again", "another dedupe_key")
class TestChangesKeys(PostContract):
    plugin = a_channel(occurrences.ChangesKeys)


@caught_by("test_what_happens_becomes_an_event", "without a reply_to")
class TestNoWayBack(PostContract):
    plugin = a_channel(occurrences.NoWayBack)


@caught_by("test_what_happens_becomes_an_event", "the answer goes elsewhere")
class TestAnswersElsewhere(PostContract):
    plugin = a_channel(occurrences.AnswersElsewhere)


@caught_by("test_what_happens_becomes_an_event", "the sender is not named")
class TestNameless(PostContract):
    plugin = a_channel(occurrences.Nameless)


@caught_by("test_what_happens_becomes_an_event", "belongs to no conversation")
class TestNoConversation(PostContract):
    plugin = a_channel(occurrences.NoConversation)


@caught_by("test_what_happens_becomes_an_event", "which is no Event")
class TestEmitsText(PostContract):
    plugin = a_channel(occurrences.EmitsText)


@caught_by("test_what_happens_becomes_an_event", "expires_at has no time zone")
class TestNaiveExpiry(PostContract):
    plugin = a_channel(occurrences.NaiveExpiry)


@caught_by("test_what_happens_becomes_an_event", "data must be JSON values")
class TestNotANumber(PostContract):
    plugin = a_channel(occurrences.NotANumber)


@caught_by("test_a_reply_is_delivered_or_turned_down", "Blocking call to time.sleep")
class TestChannelBlocks(PostContract):
    plugin = "tests.mutants.wrong_modules.blocking"


KEY = "sk-mutant-1234567890"


@frozen
class Keyed:
    """Settings with a secret."""

    key: Secret | None = setting(None, doc="The key.")


class SecretContract(PostContract):
    """The contract, with a secret among the settings."""

    settings: ClassVar[Mapping[str, Any]] = {"key": "env:ARGENT_MUTANT_KEY"}

    @pytest.fixture
    def plugin_settings(self, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
        monkeypatch.setenv("ARGENT_MUTANT_KEY", KEY)
        return self.settings


def with_a_key(connection: type[Post]) -> MadePlugin:
    """Return a plugin whose connections are told the key."""
    plugin = MadePlugin("keyed", settings=Keyed)

    class Told(connection):  # type: ignore[misc, valid-type]
        async def __aenter__(self) -> Post:
            self.ctx, self.key = plugin.ctx, await plugin.ctx.secrets.reveal(Secret(REF))
            return self

        async def __aexit__(self, *_: object) -> None:
            return

    plugin.records = (Channel(id="post", open=Told),)
    return plugin


REF = "env:ARGENT_MUTANT_KEY"


class TestRightSecret(SecretContract):
    plugin = with_a_key(Post)


class LogsItsSecret(Post):
    """What it does is in the log, key and all."""

    ctx: Any
    key: str

    async def listen(self, feed: Feed) -> None:
        self.ctx.log.info("asking https://post.example/bot%s/updates", self.key)
        await super().listen(feed)


@caught_by("test_what_happens_becomes_an_event", "the plugin's log shows a secret")
class TestLogsItsSecret(SecretContract):
    plugin = with_a_key(LogsItsSecret)


class LooksLikeItsSecret(Post):
    """Its repr is what a traceback shows."""

    key: str

    def __repr__(self) -> str:
        return f"Post(key={self.key!r})"


@caught_by("test_opens_and_closes_twice", "the repr of what post opens shows a secret")
class TestLooksLikeItsSecret(SecretContract):
    plugin = with_a_key(LooksLikeItsSecret)


@caught_by("test_a_reply_is_delivered_or_turned_down", "the error of post shows a secret")
class TestTellsItsSecret(SecretContract):
    plugin = with_a_key(deliveries.TellsItsSecret)
    reachable = False
