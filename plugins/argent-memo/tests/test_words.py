"""What a text offers to a search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_memo.words import fold, share_in, substance, terms, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Café", "cafe"),
        ("ｆｕｌｌ", "full"),
        ("STRASSE", "straße"),
        ("IŞIK", "ışık"),
        ("ﬁsh", "fish"),
        ("שָׁלוֹם", "שלום"),
        ("مُحَمَّد", "محمد"),
        ("Ёлка", "елка"),
    ],
)
def test_the_same_word_is_written_in_more_ways_than_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("か", "が"), ("मत", "मति"), ("ไม", "ไม้")])
def test_marks_that_make_another_word_stay(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("j'apprends", ["j", "apprends"]),
        ("Rex'i", ["rex", "i"]),
        ("Ann’s hat", ["ann", "s", "hat"]),
        ("snake_case", ["snake", "case"]),
        ("", []),
        ("…?!", []),
    ],
)
def test_apostrophes_and_signs_part_words(text: str, parts: list[str]) -> None:
    assert words(text) == parts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("swimming swims", ["swimm", "swims"]),
        ("小提琴", ["小提", "提琴"]),
        ("iPhoneを買う", ["iphon", "を買", "買う"]),
        ("الكتاب", ["الك", "لكت", "كتا", "تاب"]),
        ("1234567890", ["1234567890"]),
        ("琴", ["琴"]),
    ],
)
def test_words_are_cut_as_their_script_asks(text: str, found: list[str]) -> None:
    assert terms(text) == found


def test_endings_of_words_in_devanagari_do_not_count() -> None:
    assert set(terms("बहन")) == set(terms("बहनों"[:-1]))


def test_questions_tell_nothing() -> None:
    told = "We moved the piano into the hall on Sunday and it is out of tune since then, alas."
    asked = "What did you do? Where did you go? Who was there?"
    assert substance(told, len(terms(told))) > 0.8
    assert substance(asked, len(terms(asked))) == 0.0
    assert substance("τι κάνεις;", 2) == 0.0


def test_scripts_are_known_by_their_letters() -> None:
    assert share_in("Où est le café, 42?", ["LATIN"]) == 1.0
    assert share_in("Где кафе?", ["LATIN"]) == 0.0
    assert share_in("Где cafe?", ["LATIN"]) == pytest.approx(4 / 7)
    assert share_in("小提琴", ["CJK"]) == 1.0
    assert share_in("42", ["LATIN"]) == 1.0


@given(st.text(st.characters(codec=None)))
def test_terms_hold_nothing_that_an_index_reads_as_syntax(text: str) -> None:
    for term in terms(text):
        assert term
        assert not set(term) & set("\"'()*^:-+{}[]\\;%\0 \t\n")
    assert 0.0 <= substance(text, len(terms(text))) <= 1.0
