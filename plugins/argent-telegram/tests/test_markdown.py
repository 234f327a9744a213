"""Markdown becomes something that Telegram cannot refuse."""

from __future__ import annotations

import pytest
from bot_api.entities import checked
from hypothesis import given, settings
from hypothesis import strategies as st

from argent_hookspecs import Location
from argent_telegram.markdown import convert
from argent_telegram.rich_text import LONGEST_TEXT, RichText, Span, units

MARKS = [
    "**",
    "*",
    "_",
    "~~",
    "`",
    "```\n",
    "\n",
    "\n\n",
    "# ",
    "> ",
    "- ",
    "1. ",
    "  ",
    "|",
    "|-|\n",
]
MARKS += [
    "[",
    "](https://a.b)",
    "](geo:1,2)",
    "![",
    "<b>",
    "&amp;",
    "\\",
    "🦉",
    "é",
    "\x00",
    "\ud800",
]
WILD = st.lists(st.one_of(st.sampled_from(MARKS), st.text(max_size=5)), max_size=40).map("".join)


@given(WILD)
@settings(max_examples=300, deadline=None)
def test_no_text_at_all_can_be_refused(text: str) -> None:
    converted = convert(text)
    for piece in converted.body.pieces(64):
        sent = [entity.to_dict() for entity in piece.entities()]
        assert len(checked(piece.text, sent)) == len(sent)
        assert 0 < units(piece.text) <= 64


@given(st.text(min_size=1, max_size=300), st.integers(min_value=8, max_value=50))
@settings(max_examples=200, deadline=None)
def test_pieces_hold_the_whole_text(text: str, longest: int) -> None:
    whole = RichText(text.encode("utf-16", "replace").decode("utf-16"))
    joined = "".join(piece.text for piece in whole.pieces(longest))

    assert "".join(joined.split()) == "".join(whole.text.split())


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# Title\n\nWords", "Title\n\nWords"),
        ("- one\n- two\n  - three", "• one\n• two\n  • three"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("> said\n> so", "said\nso"),
        ("a\n\n---\n\nb", "a\n\n———\n\nb"),
        ("|a|bb|\n|-|-|\n|1|2|", "a │ bb\n──┼───\n1 │ 2"),
        ("<b>not bold</b> &amp; 1 < 2", "<b>not bold</b> & 1 < 2"),
        ("[file](file.txt)", "file (file.txt)"),
        ("<https://argent.example>", "https://argent.example"),
        ("snake_case_name stays", "snake_case_name stays"),
    ],
)
def test_it_reads_well(markdown: str, text: str) -> None:
    assert convert(markdown).body.text == text


def test_a_wide_table_becomes_a_list() -> None:
    wide = "x" * 30
    body = convert(f"|Name|Value|\n|-|-|\n|{wide}|{wide}|").body

    assert body.text == f"Name: {wide}\nValue: {wide}"


def test_offsets_are_counted_as_telegram_does() -> None:
    (entity,) = convert("🦉 **owl**").body.entities()

    assert (entity.type, entity.offset, entity.length) == ("bold", 3, 3)


def test_code_keeps_its_language_and_is_in_nothing_else() -> None:
    spans = convert("**a `b` c**\n\n```python\nprint()\n```").body.entities()

    assert [(one.type, one.offset, one.length) for one in spans] == [
        ("bold", 0, 1),
        ("code", 2, 1),
        ("bold", 4, 1),
        ("pre", 7, 7),
    ]
    assert spans[-1].language == "python"


def test_a_place_is_taken_out_of_its_link() -> None:
    converted = convert("Meet at [the lake](geo:52.5,13.25)")

    assert converted.body.text == "Meet at the lake"
    assert converted.places == (Location(52.5, 13.25, "the lake"),)


def test_a_piece_ends_where_a_paragraph_does() -> None:
    text = f"{'a' * 3000}\n\n{'b' * 3000}"
    first, second = RichText(text, (Span("bold", 2990, 3010),)).pieces(LONGEST_TEXT)

    assert (first.text, second.text) == ("a" * 3000, "b" * 3000)
    assert first.spans == (Span("bold", 2990, 3000),)
    assert second.spans == (Span("bold", 0, 8),)
