"""The curve of quality over cost, by hand."""

from __future__ import annotations

import random
from xml.etree import ElementTree

import pytest
from attrs import asdict

from argent_router_learned.curve import draw
from argent_router_learned.picture import svg

WEAK = [1.0] * 5 + [0.0] * 5
STRONG = [1.0] * 10


def test_a_score_that_knows_everything() -> None:
    curve = draw([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], weak=WEAK, strong=STRONG)

    assert (curve.points[0].share, curve.points[0].quality) == (0.0, 0.5)
    assert (curve.points[-1].share, curve.points[-1].quality) == (1.0, 1.0)
    assert curve.cpt(0.5) == pytest.approx(0.25, abs=0.051)
    assert curve.apgr() == pytest.approx(0.75)


def test_a_score_that_is_always_wrong() -> None:
    assert draw([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], weak=WEAK, strong=STRONG).apgr() == pytest.approx(
        0.25
    )


def test_equal_scores_are_chance_and_the_same_with_each_seed() -> None:
    chance = random.Random(1)
    weak = [float(chance.random() < 0.6) for _ in range(4000)]
    curves = [draw([0.05] * 4000, weak=weak, strong=[1.0] * 4000, seed=seed) for seed in (1, 1, 2)]

    assert curves[0] == curves[1] != curves[2]
    assert curves[2].apgr() == pytest.approx(0.5, abs=0.03)


def test_no_gap_is_no_gain() -> None:
    assert draw([1, 2, 3], weak=[1, 1, 0], strong=[1, 0, 1]).apgr() == 0.5


def test_the_picture_shows_each_curve() -> None:
    curve = draw(list(range(10)), weak=WEAK, strong=STRONG)
    known = {**asdict(curve), "apgr": curve.apgr()}

    picture = ElementTree.fromstring(svg({"learned": known, "<table>": known}))

    drawn = [e.tag.rpartition("}")[2] for e in picture.iter()]
    assert drawn.count("polyline") == 2
    assert "<table> (APGR 0.750)" in [e.text for e in picture.iter()]
