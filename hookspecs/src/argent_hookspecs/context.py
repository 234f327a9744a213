"""Context providers: what the model is told besides the conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from attrs import field, frozen
from attrs.validators import instance_of

from argent_hookspecs.events import Event
from argent_hookspecs.trust import Trust


@frozen(kw_only=True)
class ContextBlock:
    """A piece of context.

    Args:
        text: The words themselves.
        source: Where they come from, shown in the trace: a file's name, a memory's id.
        stable: Whether the bytes stay the same from turn to turn; stable blocks are put first, so
            that prompt caches hold.
        trust: Whose word it is.
        private: Whether it is for models of this machine only; others are never told it.
        why: Why it is told just now, shown in the trace: how a memory was found.
        turn: The turn in which it was said, if it was in one: the block is left out where the
            history tells that turn.
    """

    text: str = field(validator=instance_of(str))
    source: str = field(validator=instance_of(str))
    stable: bool = False
    trust: Trust = field(converter=Trust, default=Trust.OWNER)
    private: bool = False
    why: str = ""
    turn: str = ""


@frozen(kw_only=True)
class ContextRequest:
    """What a context provider is asked for.

    Args:
        event: The event that is being answered.
        budget: Tokens that the provider's blocks may take together.
        now: The time of the turn.
        private: Whether the turn is wished to be for models of this machine only: none of it may be
            sent elsewhere, also not to be looked up.
        turn: The turn's id, if there is one; the same that its tools are told.
    """

    event: Event
    budget: int
    now: datetime
    private: bool = False
    turn: str = ""


@frozen(kw_only=True)
class ContextProvider:
    """Something that knows what the model should be told.

    Args:
        id: Unique within the plugin.
        provide: Returns the blocks; may return none.
        order: Place in the context, lower first. The workspace stands at 100, memory at 200,
            tasks at 300.
        timeout: Seconds; what comes later is left out and noted in the trace.
        budget: Tokens at most.
    """

    id: str
    provide: Callable[[ContextRequest], Awaitable[Sequence[ContextBlock]]]
    order: int = 250
    timeout: float = 2.0
    budget: int = 2000
