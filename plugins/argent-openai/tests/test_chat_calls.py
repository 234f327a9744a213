"""Chat Completions: the calls of an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from openai_kit import COIN, lab, told
from replay import hello, replaying

from argent_hookspecs import (
    FinishReason,
    Message,
    Role,
    ToolCall,
)
from argent_testing import PlayedReply
from argent_testing.answers import ask, calls, collect, finish
from argent_testing.wire.chat import call, chunk, events, usage

pytestmark = pytest.mark.anyio


async def test_tools_are_called_side_by_side() -> None:
    parts = await told(
        chunk(role="assistant", content=None),
        chunk(tool_calls=[call(0, "", id="a", name="coin")]),
        chunk(tool_calls=[call(0, '{"ti')]),
        chunk(tool_calls=[call(0, 'mes": 1}'), call(1, "", id="b", name="time")]),
        chunk(tool_calls=[call(1, "{}")]),
        chunk(finish="tool_calls"),
        usage(),
    )
    assert calls(parts) == [ToolCall("a", "coin", {"times": 1}), ToolCall("b", "time", {})]
    assert finish(parts).reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    "pieces",
    [
        [call(None, '{"times": 1}', id="a", name="coin"), call(None, "{}", id="b", name="time")],
        [call(0, '{"times": 1}', id="a", name="coin"), call(0, "{}", id="b", name="time")],
        [
            call(None, '{"times"', id="a", name="coin"),
            call(None, ": 1}"),
            call(None, "", id="b", name="time"),
        ],
    ],
    ids=["without numbers", "all numbered 0", "without numbers, in pieces"],
)
async def test_calls_that_a_server_numbers_badly_stay_apart(pieces: list[Any]) -> None:
    parts = await told(*(chunk(tool_calls=[one]) for one in pieces), chunk(finish="stop"))
    assert calls(parts) == [ToolCall("a", "coin", {"times": 1}), ToolCall("b", "time", {})]
    assert finish(parts).reason is FinishReason.TOOL_CALLS


async def test_calls_without_an_id_get_one_each() -> None:
    pieces = [call(n, "{}", name="coin") for n in (0, 1)]
    one, other = calls(await told(chunk(tool_calls=pieces), chunk(finish="tool_calls")))
    assert one.id != other.id


@pytest.mark.parametrize("written", ['{"times": ', "[1]", '"a"', "null", "heads"])
async def test_arguments_that_are_no_object_are_passed_on_as_they_are(written: str) -> None:
    """No tool takes them, so the kernel tells the model what it wrote."""
    piece = call(0, written, id="a", name="coin")
    (only,) = calls(await told(chunk(tool_calls=[piece]), chunk(finish="tool_calls")))
    assert list(only.arguments.values()) == [written]
    assert set(only.arguments).isdisjoint(COIN.parameters["properties"])


async def test_a_call_that_was_cut_short_by_the_limit_is_not_made() -> None:
    pieces = [call(0, "{}", id="a", name="coin"), call(1, '{"tim', id="b", name="coin")]
    parts = await told(chunk(tool_calls=pieces), chunk(finish="length"))
    assert [one.id for one in calls(parts)] == ["a"]
    assert finish(parts).reason is FinishReason.LENGTH


@pytest.mark.parametrize("index", [0, None])
@pytest.mark.parametrize("other", ["coin", "time"])
async def test_calls_with_neither_ids_nor_numbers_of_their_own_stay_apart(
    index: int | None, other: str
) -> None:
    """So does Gemini tell of calls side by side."""
    pieces = [
        call(index, '{"times": 1}', id="", name="coin"),
        call(index, '{"times"', id="", name=other),
        call(index, ": 2}"),
    ]
    for chunks in ([chunk(tool_calls=[one]) for one in pieces], [chunk(tool_calls=pieces)]):
        one, two = calls(await told(*chunks, chunk(finish="tool_calls"), usage()))
        assert (one.name, one.arguments) == ("coin", {"times": 1})
        assert (two.name, two.arguments) == (other, {"times": 2})
        assert one.id != two.id


async def test_a_name_that_is_told_with_every_piece_begins_no_call() -> None:
    pieces = [
        call(0, "", id="a", name="coin"),
        call(0, '{"times": ', name="coin"),
        call(0, "1}", id="a", name="coin"),
        call(0, "", id="a", name="coin"),
    ]
    parts = await told(*(chunk(tool_calls=[one]) for one in pieces), chunk(finish="stop"))
    assert calls(parts) == [ToolCall("a", "coin", {"times": 1})]


async def test_the_signature_of_a_call_is_told_again_to_whom_it_came_from() -> None:
    signed = call(0, "{}", id="a", name="coin")
    signed["extra_content"] = {"google": {"thought_signature": "c2ln"}}
    reply = PlayedReply(
        pieces=events(
            chunk(tool_calls=[signed, call(1, "{}", id="b", name="time")]),
            chunk(finish="tool_calls"),
        )
    )
    async with replaying(reply, hello()) as server:
        async with lab(server.url).open("lab") as client:
            made = calls(await collect(client, ask("Toss.")))
            said = Message(Role.ASSISTANT, tuple(made))
            await collect(client, ask("Toss.", said, "And?"))
            strange = tuple(evolve(one, replay='{"other": 1}') for one in made)
            odd = (evolve(made[0], replay="sig"), evolve(made[1], replay="[7]"))
            for parts in (strange, odd):
                await collect(client, ask("Toss.", Message(Role.ASSISTANT, parts), "And?"))
        again, *others = (one.body["messages"][1]["tool_calls"] for one in server.posted[1:])
    assert [one.get("extra_content") for one in again] == [signed["extra_content"], None]
    assert not any("extra_content" in one for body in others for one in body)


@pytest.mark.parametrize("depth", [300, 3_000, 100_000])
async def test_arguments_that_are_nested_without_end_are_no_object(depth: int) -> None:
    for ends in ("[" * depth, "[" * depth + "]" * depth):
        piece = call(0, f'{{"a": {ends}}}', id="a", name="coin")
        (only,) = calls(await told(chunk(tool_calls=[piece]), chunk(finish="tool_calls")))
        assert list(only.arguments) == ["(not a JSON object)"]


async def test_characters_cut_in_two_within_arguments() -> None:
    pieces = [call(0, '{"text": "\ud83d', id="a", name="say"), call(0, '\ude42 \\ud83d"}')]
    documents = [*(chunk(tool_calls=[one]) for one in pieces), chunk(finish="tool_calls")]
    written = [f"data: {json.dumps(one)}\n\n".encode() for one in documents]
    async with (
        replaying(PlayedReply(pieces=written)) as server,
        lab(server.url).open("lab") as client,
    ):
        (only,) = calls(await collect(client, ask("Say.")))
    assert only.arguments == {"text": "🙂 ?"}
