"""Texts in BERT's tokens; the numbers are those that its makers' tokenizer gives."""

from __future__ import annotations

import pytest

from argent_embed_minilm.words import Tokenizer

START, END = 101, 102


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("Naïve café, İstanbul!", [15743, 7668, 1010, 9960, 999]),
        ("我昨天在北京", [1855, 100, 1811, 100, 1781, 1755]),
        ("unbelievableness x^2 $5", [23653, 2791, 1060, 1034, 1016, 1002, 1019]),
        ("a\0b\u200bc", [5925]),
        ("Straße ΟΔΟΣ", [2358, 27807, 1169, 29722, 29730, 29733]),
        ("b" * 101, [100]),
    ],
)
def test_words_and_their_pieces(text: str, tokens: list[int]) -> None:
    assert Tokenizer().tokens(text, 256) == [START, *tokens, END]


def test_marks_of_the_model_are_words_in_a_text() -> None:
    assert Tokenizer().tokens("[SEP] [CLS]", 256).count(END) == 1


def test_a_long_text_ends_where_the_model_does() -> None:
    found = Tokenizer().tokens("cat " * 300, 256)

    assert (len(found), found[0], found[-1]) == (256, START, END)
