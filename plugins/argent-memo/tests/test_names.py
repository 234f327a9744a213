"""Names in texts, in every script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_memo.names import key, look


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Yesterday Ann Miller met Bob in New York.", {"Ann Miller", "Bob", "New York"}),
        ("I met Ann's brother on Monday in April 2026.", {"Ann"}),
        ("Вчера Иван Петров приехал в Москву.", {"Иван Петров", "Москву"}),
        ("Χθες η Μαρία πήγε στην Αθήνα.", {"Μαρία", "Αθήνα"}),
        ("Երեկ Անին գնաց Երևան։", {"Անին", "Երևան"}),
        ("The train was late. It rained.", set()),
        ("I think I know.", set()),
    ],
)
def test_a_capital_in_mid_sentence_shows_a_name(text: str, names: set[str]) -> None:
    assert set(look(text).names) == names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("王小明住在北京。", "王小明"),
        ("قابلت محمد وأحمد أمس", "أحمد"),
        ("פגשתי את דוד אתמול", "דוד"),
        ("कल मैं राम से मिला", "राम"),
        ("เมื่อวานสมชายมา", "สมชาย"),
        ("어제 김민수를 만났다", "김민수"),
    ],
)
def test_without_capitals_those_that_are_known_can_be_found(text: str, name: str) -> None:
    assert look(text).names == ()
    assert key(name) in look(text).phrases


def test_a_text_tells_how_much_its_capitals_say() -> None:
    german = look("Ich habe im Garten die Blumen gegossen und den Hund gesucht.")
    english = look("I watered the flowers in the garden and looked for the dog.")

    assert german.capitals > 0.2 > english.capitals


@given(st.text(max_size=300))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert all(name.strip() for name in look(text).names)
