"""The contracts of what plugins offer to each other."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from argent_core.guard import attempt_async
from argent_hookspecs import SCORER, RouteSignals, Score, Scorer, Service
from argent_testing.contracts.base import RecordContract
from argent_testing.specimen import Specimen

_SOUND = ("running", "")


class ServiceContract(RecordContract):
    """Tries out a plugin's services: that they open, and are what their key says.

    A service is never opened while it is open: it may hold a port or a lock. The kernel stops the
    plugin and starts it again.
    """

    kind = Service

    async def test_can_be_found(self, specimen: Specimen) -> None:
        """Other plugins get it by its key."""
        for service in self.records(specimen):
            found = specimen.ctx.services.get(service.key)
            assert isinstance(found, service.key.protocol), f"{service.id} is something else"

    async def test_opens_and_closes_again_and_again(self, specimen: Specimen) -> None:
        """It can be closed and opened again, and leaves no task behind."""
        for _ in range(2):
            await self._restart(specimen)
        await self.test_can_be_found(specimen)

    async def test_closing_lets_everything_go(self, specimen: Specimen) -> None:
        """Closed, it holds no thread, no file and no socket any more."""
        again = partial(self._restart, specimen)
        await self.assert_lets_go(again, what=f"{specimen.name}, stopped and started,")

    async def _restart(self, specimen: Specimen) -> None:
        host, name = specimen.kernel.host, specimen.name
        faults = host.plugins[name].faults
        stopped = await self.soon(host.disable(name), what="closing the services")
        assert stopped.faults == faults, f"{name}, when it was stopped: {stopped.reason}"
        hosted = await self.soon(host.enable(name), what="opening the services again")
        assert (hosted.state.value, hosted.reason) == _SOUND, (
            f"{name} cannot be stopped and started again: "
            f"it is {hosted.state.value}: {hosted.reason}"
        )


_EVERYDAY = (
    RouteSignals(text="What time is it?", tokens=300),
    RouteSignals(text="Prove that there are infinitely many primes.", tokens=2500, depth=4),
)


class ScorerContract(ServiceContract):
    """Tries out a plugin's scorer, which decides how much ability an event asks for.

    Attributes:
        scored: What is scored, besides oddities.
        score_seconds: Seconds that one score may take: every turn waits for it.
    """

    scored: ClassVar[Sequence[RouteSignals]] = _EVERYDAY
    score_seconds: ClassVar[float] = 0.5

    @classmethod
    def covers(cls, record: Any) -> bool:
        """Tell whether it is the scorer."""
        return super().covers(record) and record.key == SCORER

    def records(self, specimen: Specimen) -> list[Any]:
        """Return the scorer's record."""
        return [record for record in super().records(specimen) if record.key == SCORER]

    async def test_a_score_is_a_score(self, specimen: Specimen) -> None:
        """From 0 to 1, in time, with factors that are numbers."""
        for signals in self.scored:
            score = await self._score(specimen, signals)
            assert isinstance(score, Score), f"the scorer returned {score!r:.100}, no Score"
            assert 0 <= score.value <= 1, f"the score {score.value!r} is not between 0 and 1"
            odd = [name for name, part in score.factors.items() if not math.isfinite(part)]
            assert not odd, f"the factor {odd[0]} of the score is no number"

    async def test_the_same_scores_the_same(self, specimen: Specimen) -> None:
        """Asked twice about the same, at once or later, it says the same."""
        for signals in self.scored:
            first = await self._score(specimen, signals)
            both = await asyncio.gather(*(self._score(specimen, signals) for _ in range(2)))
            assert all(one == first for one in both), f"the score of {signals.text!r:.80} varies"

    async def test_a_cap_is_kept(self, specimen: Specimen) -> None:
        """A tier that the kernel's table does not go above is not gone above."""
        for signals in self.scored:
            table = Score(value=0.2, factors={"tokens": 0.2}, cap="fast")
            capped = RouteSignals(
                text=signals.text, tokens=signals.tokens, time_sensitive=True, table=table
            )
            score = await self._score(specimen, capped)
            assert score.cap is not None, "the scorer lost the cap of a question that cannot wait"

    async def test_odd_texts_are_scored(self, specimen: Specimen) -> None:
        """Nothing that a person may say is too odd for a score."""
        for text in ("", "\0", "🦉" * 200, "a" * 100_000, "\u202e(((", "%s {} \\"):
            signals = RouteSignals(text=text, tokens=0, tools=frozenset({"no_such_tool"}))
            outcome = await attempt_async(partial(self._score, specimen, signals))
            assert outcome.error is None, (
                f"the scorer raised {outcome.error!r:.200} at the text {text!r:.30}"
            )

    async def test_scoring_can_be_cancelled(self, specimen: Specimen) -> None:
        """A score that nobody waits for any more ends."""
        scoring = partial(self._scorer(specimen).score, self.scored[0])
        task = asyncio.create_task(attempt_async(scoring))
        await self.assert_stops(task, what="the scorer")

    def _scorer(self, specimen: Specimen) -> Scorer:
        (record,) = self.records(specimen)
        live: Scorer = specimen.live(record)
        return live

    async def _score(self, specimen: Specimen, signals: RouteSignals) -> Score:
        work = self._scorer(specimen).score(signals)
        return await self.soon(work, what="a score", seconds=self.score_seconds)
