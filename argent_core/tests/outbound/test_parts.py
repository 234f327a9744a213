"""Long replies are cut so that nothing is lost, and what is said can still be read."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from argent_core.outbound.parts import split

FENCED = "```python title\n" + "\n".join(f"    line {n}" for n in range(40)) + "\n```"

pieces = st.one_of(
    st.sampled_from(
        [
            "\n\n",
            "\n",
            " ",
            "   ",
            ". ",
            "```\n",
            "\n```python\n",
            "\n  ~~~ sh\n",
            "\n```",
            "\n````\n",
            "[a link](https://example.org/x)",
            "`a b`",
            "```",
            "e\u0301",
            "👩‍👩‍👧",
            "🇩🇪",
            "각",
            "\r\n",
            "。",
            "    indented",
        ]
    ),
    st.text(max_size=30),
    st.integers(1, 60).map(lambda n: "x" * n),
    st.integers(1, 12).map(lambda n: "word " * n),
)
texts = st.lists(pieces, max_size=60).map("".join)


def squeezed(text: str) -> str:
    return "".join(text.split())


def said_by(parts: list[str]) -> set[str]:
    """Return all that the parts may say, whichever fences were added; without white space."""
    found = {("", False)}
    for n, part in enumerate(parts):
        opened = re.match(r"[ \t]*(?:`{3,}|~{3,})[^\n]*\n", part)
        closed = re.search(r"\n[ \t]*(?:`{3,}|~{3,})$", part)
        grown = set()
        for text, reopened in found:
            body = part[opened.end() :] if reopened and opened else part
            grown.add((text + squeezed(body), False))
            if closed and n < len(parts) - 1:
                cut = body[: len(body) - len(closed[0])]
                grown.add((text + squeezed(cut), True))
        found = grown
    return {text for text, _ in found}


@given(text=texts, longest=st.integers(1, 200))
@example(text=FENCED, longest=100)
@example(text="```\n" + "x" * 500, longest=60)
@example(text="a\n```\n\n\n```\nb" * 20, longest=40)
@example(text="\n```   " + "0" * 27 + "word " * 7 + "\n\n", longest=69)
@example(text="```\n" + "\u0301" * 200, longest=60)
@settings(max_examples=400, deadline=None)
def test_nothing_is_lost_or_added_but_white_space_and_fences(text: str, longest: int) -> None:
    parts = split(text, longest)

    assert all(len(part) <= longest for part in parts)
    assert all(part.strip() for part in parts) or not text.strip()
    if text.strip():
        assert squeezed(text) in said_by(parts)


@given(lines=st.lists(st.text("abc ", min_size=1, max_size=50), min_size=1), n=st.integers(60, 200))
@settings(deadline=None)
def test_each_part_of_a_code_block_is_a_code_block(lines: list[str], n: int) -> None:
    block = "\n".join(["```python", *lines, "```"])

    for part in split(block, n):
        assert part.startswith("```python\n")
        assert part.endswith("\n```")
        assert part.count("```") == 2


@given(
    clusters=st.lists(
        st.sampled_from(["e\u0301", "👩‍👩‍👧", "🇩🇪", "👍🏽", "x", "각", "❤️", "한"]), min_size=1
    ),
    longest=st.integers(8, 40),
)
@settings(deadline=None)
def test_what_is_seen_as_one_character_stays_whole(clusters: list[str], longest: int) -> None:
    parts = split("".join(clusters), longest)

    ends = {0}
    for cluster in clusters:
        ends.add(max(ends) + len(cluster))
    assert all(sum(map(len, parts[:n])) in ends for n in range(len(parts)))


def test_a_short_text_is_left_as_it_is() -> None:
    assert split("  hello \n", 9) == ["  hello \n"]


@pytest.mark.parametrize(
    ("text", "longest", "parts"),
    [
        ("One two.\n\nThree four.\nFive six.", 24, ["One two.", "Three four.\nFive six."]),
        ("First line\nsecond one is here", 20, ["First line", "second one is here"]),
        ("I came. I saw. I won it", 18, ["I came. I saw.", "I won it"]),
        ("some more words here", 12, ["some more", "words here"]),
        ("- item\n    - nested one", 18, ["- item", "    - nested one"]),
        ("see [a page](https://e.org/x) now", 28, ["see", "[a page](https://e.org/x)", "now"]),
        ("run `pip install it` now", 18, ["run", "`pip install it`", "now"]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
        ("長い文です。次の文です。", 8, ["長い文です。", "次の文です。"]),
    ],
)
def test_it_is_cut_where_a_person_would(text: str, longest: int, parts: list[str]) -> None:
    assert split(text, longest) == parts


def test_a_code_block_is_closed_and_opened_again_with_its_language() -> None:
    parts = split(f"Look:\n\n{FENCED}\n\nThat is all.", 150)

    assert len(parts) > 3
    for before, after in pairwise(parts[:-1]):
        assert before.endswith("\n```")
        assert after.startswith("```python title\n    line ")
    assert parts[-1].endswith("That is all.")


def test_a_long_text_takes_no_long_time() -> None:
    assert len(split("A sentence of words. " * 20_000, 4096)) > 100


@pytest.mark.parametrize(
    "piece",
    ["[", "![a](", "[a](b c", "```\n", "```py\nprint('hello')\n```\n\nSome words.\n\n", "`a` "],
)
@pytest.mark.parametrize("longest", [3900, 20])
def test_nothing_that_is_in_a_text_makes_it_take_longer(piece: str, longest: int) -> None:
    split("word " * 1000, longest)

    nasty = seconds(piece * (120_000 // len(piece)), longest)

    assert nasty < 10 * seconds("word " * 24_000, longest)


@pytest.mark.parametrize("text", ["word " * 40_000, "```\n" + "x y\n" * 50_000, "x" * 200_000])
def test_short_parts_take_no_longer_than_long_ones(text: str) -> None:
    assert seconds(text, 20) < 15 * seconds(text, 200)


def seconds(text: str, longest: int) -> float:
    """Return the processor time that it takes to cut a text."""
    began = time.thread_time()
    split(text, longest)
    return time.thread_time() - began
