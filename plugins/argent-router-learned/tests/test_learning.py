"""What is learned from outcomes, and when it counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from argent_router_learned.learning import Learned, from_json, learn, to_json
from argent_router_learned.outcomes import Outcome
from argent_router_learned.reading import read
from argent_router_learned.settings import RouterSettings

Lived = Callable[..., list[Outcome]]
HARD, EASY = "prove the lemma about tomorrow, number 3", "what is the weather today, number 3"
PROVEN, ALWAYS, NEVER = (RouterSettings(use=use) for use in ("proven", "always", "never"))


def standing(learned: Learned, text: str) -> float:
    return learned.model.standing(read(text))


def gained(learned: Learned, outcomes: Sequence[Outcome]) -> float:
    gains = sorted((learned.model.standing(read(o.text)), o.gain or 0.0) for o in outcomes)
    able = gains[len(gains) // 2 :]
    return sum(gain for _, gain in able) / sum(gain for _, gain in gains)


def test_it_learns_what_needs_an_able_model(lived: Lived) -> None:
    learned = learn(lived(150, tells=1.0), at=0.0)

    assert standing(learned, HARD) > standing(learned, EASY) + 0.1
    assert gained(learned, lived(200, tells=1.0, seed=1)) > 0.9
    assert learned.evidence.proven
    assert learned.counts(PROVEN) and learned.counts(ALWAYS) and not learned.counts(NEVER)


@pytest.mark.parametrize("seed", range(6))
def test_where_there_is_nothing_to_learn_it_does_not_count(lived: Lived, seed: int) -> None:
    assert not learn(lived(120, tells=0.0, seed=seed), at=0.0).counts(PROVEN)


@pytest.mark.parametrize("tells", [0.0, 0.3, 1.0])
def test_it_never_takes_the_place_of_a_table_that_is_right(lived: Lived, tells: float) -> None:
    learned = learn(lived(120, tells=tells, table="right"), at=0.0)

    assert learned.evidence.least <= 0
    assert not learned.counts(PROVEN)


def test_a_few_outcomes_prove_nothing_however_clear(lived: Lived) -> None:
    learned = learn(lived(40, tells=1.0), at=0.0)

    assert learned.curves["learned"].apgr() > learned.curves["table"].apgr()
    assert not learned.counts(PROVEN)


def test_too_few_to_learn_from(lived: Lived) -> None:
    with pytest.raises(ValueError, match="5 outcomes are known; 20 are needed"):
        learn(lived(5, tells=1.0), at=0.0)


def test_outcomes_that_all_ended_alike_are_no_evidence(lived: Lived) -> None:
    same = lived(80, tells=1.0)
    alike = [o for o in same if not o.gain] + [o for o in lived(200, tells=1.0) if not o.gain]

    assert not learn(alike, at=0.0).counts(PROVEN)


def test_the_same_outcomes_teach_the_same(lived: Lived) -> None:
    outcomes = lived(60, tells=0.5)

    assert to_json(learn(outcomes, at=1.0, seed=3)) == to_json(learn(outcomes, at=1.0, seed=3))


def test_what_was_learned_can_be_kept(lived: Lived) -> None:
    learned = learn(lived(60, tells=0.5), at=1.0)

    assert from_json(to_json(learned)) == learned


def test_a_standing_means_the_gain_that_there_was(lived: Lived) -> None:
    learned = learn(lived(300, tells=0.8), at=0.0)
    later = lived(600, tells=0.8, seed=5)
    said = [learned.calibration.gain(standing(learned, o.text)) for o in later]
    sure = [(s, o.gain or 0.0) for s, o in zip(said, later, strict=True) if s > 0.5]
    calm = [(s, o.gain or 0.0) for s, o in zip(said, later, strict=True) if s <= 0.5]

    for part in (sure, calm):
        expected = sum(s for s, _ in part) / len(part)
        assert expected == pytest.approx(sum(g for _, g in part) / len(part), abs=0.1)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 1.0])
def test_a_target_of_cost_is_met(lived: Lived, share: float) -> None:
    learned = learn(lived(300, tells=0.8), at=0.0)
    scale = learned.scale(RouterSettings(target_cost=share))
    later = [scale.score(standing(learned, o.text)) for o in lived(400, tells=0.8, seed=9)]

    assert sum(score >= 0.5 for score in later) / 400 == pytest.approx(share, abs=0.1)


def test_a_target_of_quality_is_met_at_less_than_its_price_by_chance(lived: Lived) -> None:
    learned = learn(lived(300, tells=0.9), at=0.0)
    scale = learned.scale(RouterSettings(target_quality=0.8))
    later = lived(400, tells=0.9, seed=9)
    able = [o for o in later if scale.score(standing(learned, o.text)) >= 0.5]
    kept = sum(o.gain or 0.0 for o in able) / sum(o.gain or 0.0 for o in later)

    assert kept == pytest.approx(0.8, abs=0.12)
    assert len(able) / len(later) < 0.55


def test_without_a_target_each_tier_gets_as_much_as_from_the_table(lived: Lived) -> None:
    learned = learn(lived(300, tells=0.8), at=0.0)
    scale = learned.scale(PROVEN)
    later = [scale.score(standing(learned, o.text)) for o in lived(400, tells=0.8, seed=9)]

    for edge in (0.3, 0.5, 0.8):
        assert sum(score >= edge for score in later) / 400 == pytest.approx(1 - edge, abs=0.12)
