"""Learning from outcomes: a model, what proves it, and how its score is to be read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from attrs import asdict, frozen

from argent_router_learned.calibration import (
    Calibration,
    Scale,
    at_cost,
    at_table_cost,
    calibrate,
)
from argent_router_learned.curve import Curve, draw
from argent_router_learned.evidence import Evidence, compare, held_back
from argent_router_learned.gain_model import GainModel
from argent_router_learned.outcomes import Outcome
from argent_router_learned.reading import read
from argent_router_learned.settings import RouterSettings
from argent_router_learned.training import train

LEAST = 20
"""Outcomes without which nothing is learned."""
MOST = 1500
"""Outcomes that are learned from: the newest."""


@frozen(kw_only=True)
class Learned:
    """What was learned.

    Args:
        at: When, in seconds since 1970.
        outcomes: From how many outcomes.
        evidence: Whether it is better than the table.
        calibration: What a standing has meant.
        curves: Quality over cost on outcomes that were held back: ``learned``, ``table`` and
            ``length``.
        standings: What it said of those outcomes, rising; the scale is made of them.
        table: What the table said of them, rising.
    """

    at: float
    outcomes: int
    model: GainModel
    evidence: Evidence
    calibration: Calibration
    curves: Mapping[str, Curve]
    standings: tuple[float, ...]
    table: tuple[float, ...]

    def scale(self, settings: RouterSettings) -> Scale:
        """Return how a standing becomes a score that meets the person's target."""
        if settings.target_cost is not None:
            return at_cost(self.standings, settings.target_cost)
        if settings.target_quality is not None:
            return at_cost(self.standings, self.curves["learned"].cpt(settings.target_quality))
        return at_table_cost(self.standings, self.table)

    def counts(self, settings: RouterSettings) -> bool:
        """Say whether its score is to be used."""
        return settings.use == "always" or (settings.use == "proven" and self.evidence.proven)


def learn(outcomes: Sequence[Outcome], *, at: float, seed: int = 0) -> Learned:
    """Learn from outcomes whose gain is known; it takes seconds of CPU.

    Raises:
        ValueError: There are too few of them.
    """
    known = [(o, o.gain) for o in outcomes if o.gain is not None][-MOST:]
    if len(known) < LEAST:
        raise ValueError(f"{len(known)} outcomes are known; {LEAST} are needed to learn from")
    gains = [gain for _, gain in known]
    readings = [read(outcome.text) for outcome, _ in known]
    table = [outcome.table_score for outcome, _ in known]
    standings = held_back(readings, gains, seed=seed)
    scores = {
        "learned": standings,
        "table": table,
        "length": [float(len(outcome.text)) for outcome, _ in known],
    }
    weak = [1.0 if gain < 0 else 0.0 for gain in gains]
    strong = [w + gain for w, gain in zip(weak, gains, strict=True)]
    return Learned(
        at=at,
        outcomes=len(known),
        model=train(readings, gains),
        evidence=compare(standings, table, gains=gains, seed=seed),
        calibration=calibrate(standings, gains),
        curves={
            name: draw(score, weak=weak, strong=strong, seed=seed) for name, score in scores.items()
        },
        standings=tuple(sorted(standings)),
        table=tuple(sorted(table)),
    )


def to_json(learned: Learned) -> str:
    """Write down what was learned."""
    return json.dumps(asdict(learned))


def from_json(text: str) -> Learned:
    """Read what ``to_json`` wrote."""
    from cattrs.preconf.json import make_converter

    return make_converter().loads(text, Learned)
