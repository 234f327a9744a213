"""A real server: llama.cpp's, with the small model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from attrs import evolve
from llama_server import CONTEXT, KEY, NAME
from openai_kit import COIN, lab

from argent_hookspecs import (
    ContextTooLong,
    FinishReason,
    Image,
    Message,
    ModelRejected,
    Role,
    Secret,
    Text,
    ToolCall,
    ToolResult,
)
from argent_testing import FakeContext
from argent_testing.answers import ask, collect, finish, words

pytestmark = pytest.mark.anyio
LONG = "Write a very long story about the sea, with many chapters."


def at(url: str, **settings: object) -> FakeContext:
    return lab(url, api_key=Secret("env:A"), secrets={"env:A": KEY}, **settings)


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_it_answers_word_by_word(llama_url: str, api: str) -> None:
    ctx = at(llama_url, api=api, options={"temperature": 0})
    async with ctx.open("lab") as client:
        parts = await collect(
            client, ask("What is the capital of France?", model=NAME, max_output_tokens=24)
        )
    assert words(parts)
    assert len(parts) > 4
    assert finish(parts).usage.input_tokens + finish(parts).usage.cache_read_tokens > 5
    assert 1 < finish(parts).usage.output_tokens <= 24


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_it_stops_at_the_limit(llama_url: str, api: str) -> None:
    ctx = at(llama_url, api=api)
    request = ask(LONG, model=NAME, max_output_tokens=7)
    async with ctx.open("lab") as client:
        end = finish(await collect(client, request))
    assert end.usage.output_tokens == 7
    assert end.reason is FinishReason.LENGTH or api == "responses"


async def test_it_is_as_sure_as_it_says(llama_url: str) -> None:
    ctx = at(llama_url, confidence=True, options={"temperature": 0})
    request = ask("Say yes.", model=NAME, max_output_tokens=8)
    async with ctx.open("lab") as client:
        confidence = finish(await collect(client, request)).confidence
    assert confidence is not None
    assert 0.05 < confidence <= 1.0


async def test_what_was_read_before_is_found_in_its_cache(llama_url: str) -> None:
    ctx = at(llama_url)
    said = "The ship has a red sail. " * 20
    async with ctx.open("lab") as client:
        first = await collect(client, ask(said, model=NAME, max_output_tokens=2))
        again = await collect(client, ask(said, model=NAME, max_output_tokens=2))
    assert finish(again).usage.cache_read_tokens > 100
    assert finish(again).usage.input_tokens < finish(first).usage.input_tokens


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_a_turn_with_tools_and_pictures_is_taken(llama_url: str, api: str) -> None:
    call = Message(Role.ASSISTANT, (Text("Here."), ToolCall("call-1-0", "coin", {"times": 1})))
    result = Message(Role.USER, (ToolResult("call-1-0", "coin", "heads"), Text("And?")))
    turn = ask("Hi.", "Hello.", "Toss.", call, result, model=NAME, tools=(COIN,))
    picture = Message(Role.USER, (Text("What is it?"), Image(b"a", "image/png")))
    async with at(llama_url, api=api).open("lab") as client:
        for request in (turn, ask("Hi.", "Hello.", picture, model=NAME)):
            answer = await collect(client, evolve(request, max_output_tokens=4))
            assert finish(answer).usage.output_tokens > 0


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_too_long_a_conversation(llama_url: str, api: str) -> None:
    ctx = at(llama_url, api=api)
    async with ctx.open("lab") as client:
        with pytest.raises(ContextTooLong):
            await collect(client, ask("word " * 2 * CONTEXT, model=NAME))


async def test_a_wrong_key(llama_url: str) -> None:
    ctx = lab(llama_url, api_key=Secret("env:A"), secrets={"env:A": "wrong"})
    async with ctx.open("lab") as client:
        with pytest.raises(ModelRejected, match="Invalid API Key"):
            await collect(client, ask("Hi."))


async def test_a_model_that_it_does_not_have(llama_url: str) -> None:
    async with at(llama_url).open("lab") as client:
        with pytest.raises(ModelRejected, match="no model gpt-5"):
            await collect(client, ask("Hi.", model="gpt-5"))


async def test_a_wrong_path(llama_url: str) -> None:
    async with at(f"{llama_url}/v7").open("lab") as client:
        with pytest.raises(ModelRejected, match=r"endpoints\.lab\.baseUrl"):
            await collect(client, ask("Hi."))


async def test_its_window_and_its_name(llama_url: str) -> None:
    async with at(llama_url).open("lab") as client:
        (info,) = await client.models()
        assert (info.id, info.context_window) == (NAME, CONTEXT)
        assert await client.describe(info.id) == info


async def test_leaving_makes_room_for_the_next_ones(llama_url: str) -> None:
    ctx = at(llama_url)
    async with ctx.open("lab") as client:
        for _ in range(4):
            stream = client.stream(ask(LONG, model=NAME, max_output_tokens=900))
            await anext(stream)
            await stream.aclose()
        async with asyncio.timeout(10):
            assert await collect(client, ask("Hi.", model=NAME, max_output_tokens=2))


async def test_texts_become_vectors(embedding_url: str) -> None:
    ctx = at(embedding_url)
    texts = ["A cat sleeps.", "A cat is asleep.", "Interest rates rose by a quarter."]
    async with ctx.open("lab") as client:
        same, alike, other = await client.embed(NAME, texts)
    assert len(same) == 576
    assert dot(same, alike) > dot(same, other)


async def test_a_server_without_vectors_says_so(llama_url: str) -> None:
    async with at(llama_url).open("lab") as client:
        with pytest.raises(Exception, match="does not support embeddings"):
            await client.embed(NAME, ["a"])
