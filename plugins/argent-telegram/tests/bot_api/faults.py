"""Faults that tests ask for: refusals, lost answers, cut connections, calls that are held."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable

from attrs import define, field, frozen

from bot_api.arguments import Arguments
from bot_api.refusal import Refusal


@frozen
class Fault:
    """What happens to one call.

    Args:
        refusal: Answered instead of doing anything.
        cut_before: Whether the connection is cut before anything is done.
        cut_after: Whether everything is done, but the connection is cut before the answer.
        gate: Held there before anything is done.
    """

    refusal: Refusal | None = None
    cut_before: bool = False
    cut_after: bool = False
    gate: Gate | None = None


@define(eq=False)
class Gate:
    """Holds one call until it is opened."""

    reached: asyncio.Event = field(factory=asyncio.Event)
    opened: asyncio.Event = field(factory=asyncio.Event)

    def open(self) -> None:
        """Let the call go on."""
        self.opened.set()


LOST = Fault(cut_after=True)
"""The effect took place, and nobody is told."""

CUT = Fault(cut_before=True)
"""Nothing took place, and nobody is told."""

BAD_GATEWAY = Fault(refusal=Refusal(502, "Bad Gateway"))


@define(eq=False)
class Faults:
    """Faults that are still to come, by method.

    Args:
        weather: Asked for each call that has none of its own.
    """

    weather: Callable[[str, Arguments], Fault | None] = lambda method, arguments: None
    _scripted: dict[str, deque[Fault]] = field(factory=lambda: defaultdict(deque))

    def script(self, method: str, fault: Fault, *, times: int = 1) -> None:
        """Let the next calls of a method fail in this way."""
        self._scripted[method.lower()].extend([fault] * times)

    def next(self, method: str, arguments: Arguments) -> Fault:
        """Return what happens to a call."""
        scripted = self._scripted[method.lower()]
        if scripted:
            return scripted.popleft()
        return self.weather(method, arguments) or Fault()

    @property
    def to_come(self) -> int:
        """How many scripted faults have not come yet."""
        return sum(map(len, self._scripted.values()))
