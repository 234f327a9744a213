"""What a model writes where tools are offered, and what is read from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_hookspecs import ToolSpec
from argent_llama.tool_calls import (
    AnswerReader,
    answer_schema,
    call_as_json,
    describe_tools,
    reply_as_json,
    reply_name,
)

EMPTY: dict[str, Any] = {"type": "object", "properties": {}}
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def pieces(text: str, cuts: list[int]) -> list[str]:
    """Cut a text at some places."""
    places = sorted({cut % (len(text) + 1) for cut in cuts})
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


def read(chunks: list[str], reply: str = "reply") -> tuple[AnswerReader, list[str]]:
    reader = AnswerReader(reply)
    return reader, [reader.feed(chunk) for chunk in chunks]


@given(text=TEXT, cuts=st.lists(st.integers(0, 10_000), max_size=40), ascii_only=st.booleans())
def test_a_reply_arrives_exact_however_it_is_cut(
    text: str, cuts: list[int], ascii_only: bool
) -> None:
    answer = {"tool": "reply", "arguments": {"text": text}}
    reader, given_ = read(pieces(json.dumps(answer, ensure_ascii=ascii_only), cuts))
    assert "".join(given_) == text
    assert reader.call() is None


@given(text=TEXT.filter(lambda text: len(text) > 1))
def test_a_reply_comes_while_it_is_written(text: str) -> None:
    written = reply_as_json("reply", text)
    _, given_ = read(list(written))
    arrivals = [piece for piece in given_ if piece]
    assert len(arrivals) == len(text)


@given(
    name=st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True).filter(lambda n: n != "reply"),
    arguments=st.dictionaries(TEXT, TEXT | st.integers() | st.booleans() | st.none()),
    cuts=st.lists(st.integers(0, 10_000), max_size=20),
)
def test_a_call_is_read_exact_and_says_nothing(
    name: str, arguments: dict[str, Any], cuts: list[int]
) -> None:
    reader, given_ = read(pieces(call_as_json(name, arguments), cuts))
    call = reader.call()
    assert call is not None
    assert (call.name, call.arguments) == (name, arguments)
    assert "".join(given_) == ""


@given(cuts=st.lists(st.integers(0, 10_000), max_size=20))
def test_half_a_surrogate_pair_becomes_a_replacement_character(cuts: list[int]) -> None:
    written = r'{"tool": "reply", "arguments": {"text": "a\ud83d b\ude00 c\ud83d\ude00 \\ud83d\\"}}'
    _, given_ = read(pieces(written, cuts))
    assert "".join(given_) == "a\ufffd b\ufffd c\U0001f600 \\ud83d\\"


@pytest.mark.parametrize("end", range(1, 52))
def test_a_call_that_was_cut_off_is_none(end: int) -> None:
    whole = call_as_json("calc", {"expression": "1 + 1"})
    reader, given_ = read([whole[: min(end, len(whole) - 1)]])
    assert reader.call() is None
    assert "".join(given_) == ""


@given(
    text=TEXT.filter(lambda text: text.strip()[:1] not in ("", "{")), cuts=st.lists(st.integers(0))
)
def test_words_outside_the_form_are_taken_as_they_are(text: str, cuts: list[int]) -> None:
    reader, given_ = read(pieces(text, cuts))
    assert "".join(given_) == text
    assert reader.call() is None


def test_an_object_that_is_no_json_is_taken_as_words() -> None:
    _, given_ = read(["{", "x} is", " a set"])
    assert "".join(given_) == "{x} is a set"


def test_the_reply_gives_way_to_a_tool_of_its_name() -> None:
    tools = (ToolSpec("reply", "Answer a mail.", EMPTY),)
    name = reply_name(tools)
    assert name != "reply"
    _, given_ = read([reply_as_json(name, "Hi")], reply=name)
    assert "".join(given_) == "Hi"
    assert f"## {name}" in describe_tools(tools)


def test_the_description_shows_every_tool_and_parameter() -> None:
    schema = {
        "type": "object",
        "properties": {
            "zone": {"type": "string", "description": "A city."},
            "unit": {"enum": ["C", "F"], "description": "Scale."},
        },
        "required": ["zone"],
    }
    text = describe_tools((ToolSpec("weather", "Say how the weather is.", schema),))
    assert "## weather\nSay how the weather is.\n- zone (string): A city." in text
    assert '- unit ({"enum": ["C", "F"]}, optional): Scale.' in text


def test_the_schema_holds_what_grammars_can_express() -> None:
    parameters = {
        "type": "object",
        "$defs": {"Day": {"type": "string", "pattern": "(?<=x)y", "format": "date"}},
        "properties": {"day": {"$ref": "#/$defs/Day"}, "any": {"oneOf": [{"type": "null"}, True]}},
        "required": ["day"],
        "additionalProperties": False,
    }
    schema = answer_schema((ToolSpec("plan", "", parameters),))
    plan, reply = (shape["properties"] for shape in schema["anyOf"])
    assert plan["tool"] == {"const": "plan"}
    assert plan["arguments"]["properties"] == {
        "day": {"type": "string"},
        "any": {"anyOf": [{"type": "null"}, True]},
    }
    assert reply["tool"] == {"const": "reply"}


def test_a_schema_that_refers_to_itself_ends() -> None:
    node: dict[str, Any] = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    assert json.dumps(answer_schema((ToolSpec("walk", "", node),)))
