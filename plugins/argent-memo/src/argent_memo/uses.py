"""Uses: which memories were told to a model, and whether that mattered.

That a memory is told by itself says nothing about its worth. It mattered when distinctive words of
it, which the question did not have, came up in the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from argent_hookspecs import FinishedTurn, Memory, Transaction
from argent_memo.words import words

_SHARED = 3
_LONG = 4
_MOST = 256


@define(eq=False, repr=False)
class Uses:
    """Keeps what was told in turns that still run, and puts it down when they end."""

    _told: dict[str, list[Memory]] = field(factory=dict)

    def note(self, conversation: str, memories: Sequence[Memory]) -> None:
        """Note that memories are told in the turn that a conversation has now."""
        self._told.pop(conversation, None)
        if memories:
            self._told[conversation] = list(memories)
        while len(self._told) > _MOST:
            del self._told[next(iter(self._told))]

    def keep(self, tx: Transaction, turn: FinishedTurn, *, now: float) -> None:
        """Put down what was told in a turn that has ended, and what of it mattered."""
        told = self._told.get(turn.conversation, [])
        asked, answered = set(words(turn.asked)), set(words(turn.answered))
        for memory in told:
            own = {word for word in words(memory.text) if len(word) >= _LONG} - asked
            mattered = bool(own) and len(own & answered) >= min(_SHARED, len(own))
            tx.execute(_PUT, (now, turn.id, memory.why, int(mattered), memory.id))


_PUT = (
    "INSERT INTO uses (item, at, turn, why, mattered) SELECT id, ?, ?, ?, ? FROM items WHERE id = ?"
)
