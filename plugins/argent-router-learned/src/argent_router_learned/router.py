"""The router: scores events, and learns how to score them better."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

from attrs import asdict, define, field

from argent_hookspecs import ArgentError, Clock, RouteSignals, Score, ServiceKey, Services
from argent_router_learned import learning
from argent_router_learned.calibration import Scale
from argent_router_learned.gain_model import shipped_prior
from argent_router_learned.learning import Learned
from argent_router_learned.outcomes import KEPT, Outcome, Outcomes
from argent_router_learned.reading import read
from argent_router_learned.settings import RouterSettings

FEEDBACK = {"more": 1.0, "enough": 0.0}
"""What a person can say of an answer: a more able model was needed, or was not."""
_REMEMBERED = 200
_NEW = 20
"""New outcomes after which it learns by itself."""


@define(eq=False, repr=False)
class LearnedRouter:
    """Scores by what was learned, where that is proven, and otherwise as the table does."""

    settings: RouterSettings
    outcomes: Outcomes
    clock: Clock
    learned: Learned | None = None
    _scale: Scale | None = None
    _table: OrderedDict[str, float] = field(factory=OrderedDict)
    _learning: asyncio.Lock = field(factory=asyncio.Lock)

    async def load(self) -> None:
        """Take up what was learned before."""
        await asyncio.to_thread(shipped_prior)
        body = await self.outcomes.learned()
        if body is not None:
            self._use(await asyncio.to_thread(learning.from_json, body))

    async def score(self, signals: RouteSignals) -> Score:
        """Score an event."""
        table = signals.table or _by_prior(signals.text)
        self._remember(signals.text, table.value)
        learned, scale = self.learned, self._scale
        if learned is None or scale is None or not learned.counts(self.settings):
            return table
        model, reading = learned.model, read(signals.text)
        parts = model.parts(reading)
        standing = sum(parts.values())
        factors = {
            "table": table.value,
            "expected gain": round(learned.calibration.gain(standing), 4),
            **{f"gain by {name}": round(gain, 4) for name, gain in parts.items()},
        }
        return Score(value=round(scale.score(standing), 4), factors=factors, cap=table.cap)

    def table_score(self, text: str) -> float | None:
        """Return what the table said of a text, if that was not long ago."""
        return self._table.get(text)

    async def learn(self) -> Learned:
        """Learn from all outcomes. Raises ``ArgentError`` if they are too few."""
        async with self._learning:
            known = await self.outcomes.known(learning.MOST)
            at = self.clock.now().timestamp()
            try:
                learned = await asyncio.to_thread(learning.learn, known, at=at)
            except ValueError as error:
                raise ArgentError(str(error)) from error
            await self.outcomes.learn(learning.to_json(learned))
            self._use(learned)
            return learned

    async def learn_when_due(self) -> None:
        """Learn, if there is enough that is new."""
        known = len(await self.outcomes.known(learning.MOST))
        before = self.learned.outcomes if self.learned else 0
        full = known == before == learning.MOST
        if known >= learning.LEAST and (full or known - before >= _NEW):
            await self.learn()

    async def feedback(self, word: str, turn: str = "") -> Outcome:
        """Note what a person says of an answer, of the last one if no turn is given.

        Raises:
            ArgentError: There is no such word or turn.
        """
        if word not in FEEDBACK:
            raise ArgentError(f"say one of {', '.join(FEEDBACK)}, not {word!r}")
        last = await self.outcomes.last()
        found = await self.outcomes.find(turn) if turn else [last] if last else []
        if len(found) != 1:
            several = f"more than one turn begins with {turn!r}; give more of it"
            missing = "no answer that this router knows; it knows those to what you have written"
            raise ArgentError(several if found else f"there is {missing}")
        await self.outcomes.judge(found[0].turn, FEEDBACK[word], said_by="feedback")
        return found[0]

    async def status(self) -> dict[str, Any]:
        """Say how it is, in JSON values."""
        learned = self.learned
        return {
            "use": self.settings.use,
            "in_use": bool(learned and learned.counts(self.settings)),
            "counts": await self.outcomes.counts(),
            "learned_from": learned.outcomes if learned else 0,
            "learned_at": learned.at if learned else None,
            "proven": bool(learned and learned.evidence.proven),
            "evidence": asdict(learned.evidence) if learned else None,
        }

    async def report(self) -> dict[str, Any]:
        """Return the status, and quality over cost, in JSON values."""
        curves = self.learned.curves if self.learned else {}
        drawn = {
            name: {
                "apgr": curve.apgr(),
                "cpt50": curve.cpt(0.5),
                "cpt80": curve.cpt(0.8),
                **asdict(curve),
            }
            for name, curve in curves.items()
        }
        return {**await self.status(), "curves": drawn}

    def _use(self, learned: Learned) -> None:
        self.learned, self._scale = learned, learned.scale(self.settings)

    def _remember(self, text: str, value: float) -> None:
        self._table[text[:KEPT]] = value
        while len(self._table) > _REMEMBERED:
            self._table.popitem(last=False)


ROUTER: ServiceKey[LearnedRouter] = ServiceKey("router-learned", LearnedRouter)
"""Where the scorer, the observer, the job and the commands of this plugin meet."""


@define(eq=False)
class Scoring:
    """The scorer that the kernel asks."""

    services: Services

    async def score(self, signals: RouteSignals) -> Score:
        """Score an event."""
        return await self.services.get(ROUTER).score(signals)


def _by_prior(text: str) -> Score:
    """Score without a table, as a router does that knows nothing yet."""
    value = 0.3 + shipped_prior().gain(read(text))
    return Score(value=min(1.0, max(0.0, round(value, 4))), factors={"prior": round(value, 4)})
