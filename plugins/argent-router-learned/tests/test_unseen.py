"""Texts of a kind that was never learned from: nothing but their length orders them."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_router_learned.gain_model import GainModel
from argent_router_learned.lanes import pack, unpack
from argent_router_learned.outcomes import Outcome
from argent_router_learned.reading import read
from argent_router_learned.training import train

Lived = Callable[..., list[Outcome]]


@pytest.fixture
def model(lived: Lived) -> GainModel:
    """One that has learned well: of short texts, some with certain words gained all."""
    outcomes = lived(300, tells=1.0)
    return train([read(o.text) for o in outcomes], [o.gain or 0.0 for o in outcomes])


def by_standing(model: GainModel, texts: list[str]) -> list[str]:
    return sorted(texts, key=lambda text: model.standing(read(text)))


def made_up(letters: str, count: int) -> list[str]:
    """Texts of other words, whose sentences look like those that were learned from."""
    chance = random.Random(1)
    texts: dict[int, str] = {}
    while len(texts) < count:
        words = ("".join(chance.choices(letters, k=chance.randint(1, 8))) for _ in range(9))
        text = " ".join(list(words)[: chance.randint(3, 9)])
        texts[len(text)] = text
    return list(texts.values())


def test_what_was_learned_from_is_not_ordered_by_length(model: GainModel, lived: Lived) -> None:
    later = lived(100, tells=1.0, seed=4)
    able = by_standing(model, [o.text for o in later])[-30:]

    assert able != sorted((o.text for o in later), key=len)[-30:]
    assert all(text.startswith(("prove", "derive", "refactor")) for text in able)


@pytest.mark.parametrize("letters", ["bcdfgjkxqz", "αβγδεζηθ", "бгджзклм"])
def test_words_never_seen(model: GainModel, letters: str) -> None:
    texts = made_up(letters, 20)

    assert by_standing(model, texts) == sorted(texts, key=len)


@pytest.mark.parametrize(
    "form",
    [
        "x = {{\n    'a': [{0}],\n}}\nprint(x['a'][0] + {0})\n",
        "A. {0}\nB. {0}\nC. {0}\nD. {0}\nAnswer:",
        "| {0} | 12% | $3.50 |\n| --- | --- | --- |\n" * 3,
    ],
)
def test_words_that_were_seen_in_texts_of_another_kind(model: GainModel, form: str) -> None:
    said = ("prove the lemma", "is the shop open", "derive the integral of today")
    texts = [form.format(" ".join([words] * n)) for words in said for n in (1, 3, 9, 27)]

    assert by_standing(model, texts) == sorted(texts, key=len)


def test_a_text_that_is_a_little_like_one_is_moved_a_little(model: GainModel) -> None:
    length = model.parts(read("derive it some other way with your own hands"))["length"]
    alike = [
        model.parts(read(text))["similar texts"]
        for text in (
            "derive the integral of today, number 3",
            "derive the integral of some other thing, number 3",
            "derive it some other way with your own hands",
        )
    ]

    assert alike == sorted(alike, reverse=True)
    assert alike[0] > 0.1 > 0.02 > abs(alike[2])
    assert length == model.parts(read("x" * 44))["length"]


@given(st.lists(st.tuples(st.integers(0, 240), st.integers(0, 240)), min_size=1, max_size=50))
def test_packed_columns_add_up(pairs: list[tuple[int, int]]) -> None:
    first, second = ([pair[i] for pair in pairs] for i in (0, 1))
    packed = 200 * pack(first) + 70 * pack(second)

    summed = [200 * a + 70 * b for a, b in pairs]
    assert list(unpack(packed, len(pairs))) == summed
