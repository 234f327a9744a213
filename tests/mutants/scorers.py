"""Wrong scorers."""

from __future__ import annotations

import itertools
from contextlib import nullcontext
from typing import Any

from argent_hookspecs import SCORER, RouteSignals, Score, Service
from argent_testing import MadePlugin, ScorerContract, hang
from tests.mutants.declaring import bringing, caught_by, stubborn


class ByLength:
    """A longer text asks for more."""

    async def score(self, signals: RouteSignals) -> Any:
        return self.of(signals)

    def of(self, signals: RouteSignals) -> Any:
        value = min(1.0, self.standing(signals))
        cap = signals.table.cap if signals.table is not None else None
        return Score(value=value, factors={"length": value}, cap=cap)

    def standing(self, signals: RouteSignals) -> float:
        return len(signals.text) / 1000


def a_scorer(scorer: Any) -> MadePlugin:
    return bringing(Service(key=SCORER, open=lambda: nullcontext(scorer)))


class TestRightScorer(ScorerContract):
    plugin = a_scorer(ByLength())


class BareNumber(ByLength):
    def of(self, signals: RouteSignals) -> Any:
        return 0.5


@caught_by("test_a_score_is_a_score", "the scorer returned 0.5, no Score")
class TestBareNumber(ScorerContract):
    plugin = a_scorer(BareNumber())


class Enthusiast(ByLength):
    def of(self, signals: RouteSignals) -> Any:
        return Score(value=len(signals.text))


@caught_by("test_a_score_is_a_score", "must be <= 1")
class TestOverOne(ScorerContract):
    plugin = a_scorer(Enthusiast())


class OddFactors(ByLength):
    def of(self, signals: RouteSignals) -> Any:
        return Score(value=0.5, factors={"heat": float("nan")})


@caught_by("test_a_score_is_a_score", "the factor heat of the score is no number")
class TestOddFactors(ScorerContract):
    plugin = a_scorer(OddFactors())


class Moody(ByLength):
    numbers = itertools.count()

    def standing(self, signals: RouteSignals) -> float:
        return next(self.numbers) / 1000


@caught_by("test_the_same_scores_the_same", "varies")
class TestMoodyScorer(ScorerContract):
    plugin = a_scorer(Moody())


class Impatient(ByLength):
    def of(self, signals: RouteSignals) -> Any:
        return Score(value=0.9)


@caught_by("test_a_cap_is_kept", "lost the cap")
class TestLosesTheCap(ScorerContract):
    plugin = a_scorer(Impatient())


class Splitter(ByLength):
    def standing(self, signals: RouteSignals) -> float:
        return len(signals.text.split()[0]) / 1000


@caught_by("test_odd_texts_are_scored", "the scorer raised IndexError")
class TestFragileScorer(ScorerContract):
    plugin = a_scorer(Splitter())


class Thinker(ByLength):
    async def score(self, signals: RouteSignals) -> Any:
        await hang()


@caught_by("test_a_score_is_a_score", "a score took longer than")
class TestThinksForEver(ScorerContract):
    plugin = a_scorer(Thinker())


class Stubborn(ByLength):
    async def score(self, signals: RouteSignals) -> Any:
        await stubborn()


@caught_by("test_scoring_can_be_cancelled", "did not end within")
class TestScoresOn(ScorerContract):
    plugin = a_scorer(Stubborn())


@caught_by("test_a_score_is_a_score", "Blocking call to time.sleep")
class TestScorerBlocks(ScorerContract):
    plugin = "tests.mutants.wrong_modules.blocking"
