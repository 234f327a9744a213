"""The contracts of what comes in and what goes out: event sources, channels, output handlers."""

from __future__ import annotations

from typing import Any

from argent_hookspecs import (
    Channel,
    ChannelConnection,
    Delivery,
    Event,
    EventSource,
    Listener,
    OutputHandler,
)
from argent_testing.contracts.delivering import DeliveringContract
from argent_testing.contracts.listening import ListeningContract


class EventSourceContract(ListeningContract):
    """Tries out a plugin's event sources; override ``happen`` to try the way in."""

    kind = EventSource
    yields = Listener


class OutputHandlerContract(DeliveringContract):
    """Tries out a plugin's output handlers; override ``arrived`` to check what arrives."""

    kind = OutputHandler
    yields = Delivery


class ChannelContract(ListeningContract, DeliveringContract):
    """Tries out a plugin's channels; override ``happen`` and ``arrived`` to try both ways."""

    kind = Channel
    yields = ChannelConnection

    def check_event(self, record: Any, event: Event) -> None:
        """Check what came in; an answer must find its way back."""
        super().check_event(record, event)
        assert event.reply_to is not None, f"{record.id}: nobody can answer, without a reply_to"
        assert event.reply_to.channel == record.id, f"{record.id}: the answer goes elsewhere"
        assert event.sender.strip(), f"{record.id}: the sender is not named"
