"""Event streams, however they are cut and whatever their lines end with."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_openai.sse import EventParser, EventTooLarge

TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
DATA = st.lists(TEXT, min_size=1, max_size=3)
NOISE = st.sampled_from(["", ": comment", "event: x", "id: 7", "retry: 3", "other", "datum: 1"])


def read(stream: bytes, cuts: list[int]) -> list[str]:
    parser, found = EventParser(), []
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(places):
        found += parser.feed(stream[start:end])
    return [data.decode() for data in found]


@given(
    events=st.lists(st.tuples(DATA, NOISE), max_size=5),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    bom=st.booleans(),
    cuts=st.lists(st.integers(0, 10_000), max_size=20),
    tail=st.sampled_from(["", "data: unfinished", ": comment"]),
)
def test_every_event_is_found_wherever_the_stream_is_cut(
    events: list[tuple[list[str], str]], ending: str, bom: bool, cuts: list[int], tail: str
) -> None:
    lines: list[str] = []
    for data, noise in events:
        lines += [noise] if noise else []
        lines += [f"data: {line}" for line in data] + [""]
    stream = "".join(f"{line}{ending}" for line in lines) + tail
    expected = ["\n".join(data) for data, _ in events]
    assert read(("\ufeff" * bom + stream).encode(), cuts) == expected


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data:a\n\n", ["a"]),
        (b"data:  a\n\n", [" a"]),
        (b"data\n\n", [""]),
        (b"data: a\rdata: b\r\n\n", ["a\nb"]),
        (b"\n\n\ndata: a\n\n\n", ["a"]),
        (b" data: a\n\n", []),
        (b"event: a\n\n", []),
        (b"data: a\n", []),
    ],
)
def test_the_corners_of_the_standard(stream: bytes, expected: list[str]) -> None:
    assert read(stream, list(range(len(stream)))) == expected
    assert read(stream, []) == expected


def test_an_event_that_does_not_end_is_not_waited_for() -> None:
    parser = EventParser(largest=1000)
    assert parser.feed(b"data: " + b"x" * 900) == []
    with pytest.raises(EventTooLarge):
        parser.feed(b"x" * 100)


def test_many_lines_of_one_event_count_together() -> None:
    parser = EventParser(largest=1000)
    with pytest.raises(EventTooLarge):
        for _ in range(20):
            parser.feed(b"data: " + b"x" * 60 + b"\n")
