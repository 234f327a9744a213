"""Told: what each turn was told, so that what is kept in it is for those who may hear that too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from attrs import define, field

from argent_hookspecs import Memory, ToolRun
from argent_memo import uses
from argent_memo.derived import narrowest
from argent_memo.store import Store
from argent_memo.words import terms

_MOST_TURNS = 256


@define(eq=False, repr=False)
class Told:
    """What the turns of late were told; of those before a restart, what tools have put down.

    Args:
        share: Where else what was told in one place may come up.
    """

    store: Store
    share: Mapping[str, Sequence[str]]
    _by_turn: dict[str, dict[int, None]] = field(factory=dict)

    def note(self, turn: str, memories: Iterable[Memory]) -> None:
        """Note that a turn is told memories."""
        known = self._by_turn.pop(turn, {})
        self._by_turn[turn] = known | dict.fromkeys(one.id for one in memories)
        while len(self._by_turn) > _MOST_TURNS:
            del self._by_turn[next(iter(self._by_turn))]

    async def narrowed(
        self, audience: str, run: ToolRun, *, text: str, by_words: bool = False
    ) -> str | None:
        """Return who may hear a text that a model wrote in a turn; None if nobody may.

        A text of the person's own words alone is made of nothing that was told.

        Args:
            audience: Who may hear it where it is made of nothing.
            by_words: Whether only that counts of which it has words, as the rest is known of it:
                the model has said what it is made of, or which memory it corrects.
        """
        asked = "" if run.event is None else run.event.text
        if not run.turn or set(terms(text)) <= set(terms(asked)):
            return audience
        ids = self._by_turn.get(run.turn, ())
        rows = await self.store.database.read(partial(uses.told, turn=run.turn, ids=[*ids]))
        if by_words:
            rows = await self.store.database.read(
                partial(uses.that_mattered, found=rows, text=text, asked=asked, wary=True)
            )
        return narrowest([audience, *(row[-1] for row in rows)], self.share)
