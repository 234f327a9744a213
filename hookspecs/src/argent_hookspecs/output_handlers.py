"""Output handlers: how an answer leaves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from attrs import field, frozen
from attrs.validators import ge, instance_of, optional

from argent_hookspecs.attachments import File
from argent_hookspecs.events import Address


@frozen(kw_only=True)
class Reply:
    """An answer on its way out.

    Args:
        key: The same for every try of this reply; a channel that supports idempotency passes it on.
        to: Where it goes.
        text: Markdown.
        files: What goes with it.
        turn: The turn that it answers.
        conversation: The conversation that it belongs to, by the kernel's name, which may differ
            from the one that the channel gave (see ``Event``). A channel goes by ``to``.
    """

    key: str
    to: Address
    text: str
    turn: str
    conversation: str
    files: tuple[File, ...] = ()


@frozen
class Receipt:
    """Proof of a delivery: the channel's own id of what was sent."""

    id: str = field(validator=instance_of(str))


@runtime_checkable
class Delivery(Protocol):
    """An output handler that is open."""

    async def deliver(self, reply: Reply) -> Receipt:
        """Send a reply.

        Raises ``DeliveryDelayed`` or ``DeliveryRefused`` when it was certainly not sent. After any
        other error the outcome is unknown, and the kernel does not send again unless the handler
        is idempotent.
        """
        ...


@frozen(kw_only=True)
class OutputHandler:
    """A way out.

    Args:
        id: Name of the channel in an ``Address``.
        open: Yields the delivery and closes it.
        idempotent: Whether the platform drops a second reply with the same key.
        longest: Characters that one message may have; a longer reply is delivered in parts, each
            with a key of its own.
        timeout: Seconds that one delivery may take.
    """

    id: str
    open: Callable[[], AbstractAsyncContextManager[Delivery]]
    idempotent: bool = False
    longest: int | None = field(default=None, validator=optional([instance_of(int), ge(1)]))
    timeout: float = 30.0
    order: int = 0
