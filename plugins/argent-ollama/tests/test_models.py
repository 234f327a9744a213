"""Models: what is known of them, which there are, how one is fetched; vectors."""

from __future__ import annotations

import asyncio

import pytest
from ollama_kit import context
from played_ollama import SMALL, PlayedOllama, shown

from argent_hookspecs import (
    FREE,
    ContextTooLong,
    Embedder,
    ModelCatalogue,
    ModelLibrary,
    ModelRejected,
    ModelUnavailable,
    PullProgress,
)
from argent_testing import PlayedReply
from argent_testing.wire.ollama import lines

pytestmark = pytest.mark.anyio


async def test_it_can_list_fetch_and_embed(ollama: PlayedOllama) -> None:
    async with context(ollama.url).open() as client:
        assert isinstance(client, ModelCatalogue)
        assert isinstance(client, ModelLibrary)
        assert isinstance(client, Embedder)


async def test_what_it_says_of_a_model(ollama: PlayedOllama) -> None:
    ollama.models["seer"] = shown("vision", trained=8192)
    async with context(ollama.url).open() as client:
        info = await client.describe("seer")

    assert (info.id, info.context_window, info.price) == ("seer", 8192, FREE)
    assert info.takes_images


async def test_without_a_server_it_guesses_and_says_what_to_do(nobody: str) -> None:
    async with context(nobody).open() as client:
        info = await client.describe(SMALL)

    assert info.context_window == 16384
    assert "ollama serve" in info.advice


async def test_a_model_that_is_not_there_is_a_problem(ollama: PlayedOllama) -> None:
    async with context(ollama.url).open() as client:
        with pytest.raises(ModelRejected, match="argent models pull none"):
            await client.describe("none")


async def test_a_model_is_looked_at_once_in_ten_minutes(ollama: PlayedOllama) -> None:
    ctx = context(ollama.url)
    async with ctx.open() as client:
        for _ in range(3):
            await client.describe(SMALL)
        assert len(ollama.asked_at("/api/show")) == 1
        await ctx.clock.advance(601)
        await client.describe(SMALL)

    assert len(ollama.asked_at("/api/show")) == 2


async def test_the_list_has_what_may_be_used(ollama: PlayedOllama) -> None:
    ollama.models["big:cloud"] = shown(remote_host="https://ollama.com:443")
    async with context(ollama.url).open() as client:
        (only,) = await client.models()
    async with context(ollama.url, cloud=True).open() as client:
        both = await client.models()

    assert (only.id, only.good_for) == (SMALL, "3.2B parameters, 2.0 GB")
    assert [(info.id, info.price) for info in both] == [(SMALL, FREE), ("big:cloud", None)]


@pytest.mark.parametrize("document", [{}, {"models": [3]}, {"models": [{}]}])
async def test_a_list_that_cannot_be_read_is_an_error(
    ollama: PlayedOllama, document: object
) -> None:
    ollama.answers(document, path="/api/tags")
    async with context(ollama.url).open() as client:
        with pytest.raises(ModelUnavailable):
            await client.models()


async def test_a_download_tells_how_far_it_is(ollama: PlayedOllama) -> None:
    ollama.answers(
        {"status": "pulling manifest"},
        {"status": "pulling a", "digest": "a", "total": 10},
        {"status": "pulling a", "digest": "a", "total": 10, "completed": 4},
        {"status": "pulling b", "digest": "b", "total": 5, "completed": 5},
        {"status": "pulling a", "digest": "a", "total": 10, "completed": 10},
        {"status": "success"},
        path="/api/pull",
    )
    async with context(ollama.url).open() as client:
        told = [progress async for progress in client.pull("qwen3:8b")]

    assert ollama.asked_at("/api/pull")[0].body["model"] == "qwen3:8b"
    assert told[0] == PullProgress(status="pulling manifest")
    assert [(one.done, one.total) for one in told[1:]] == [
        (0, 10), (4, 10), (9, 15), (15, 15), (15, 15),
    ]  # fmt: skip
    assert told[-1].status == "success"


async def test_a_download_that_breaks_off_is_an_error(ollama: PlayedOllama) -> None:
    ollama.answers({"status": "pulling a", "digest": "a", "total": 10}, path="/api/pull")
    async with context(ollama.url).open() as client:
        with pytest.raises(ModelUnavailable, match="broke off"):
            [progress async for progress in client.pull("qwen3:8b")]


async def test_a_model_that_nobody_has_cannot_be_fetched(ollama: PlayedOllama) -> None:
    error = {"error": "pull model manifest: file does not exist"}
    ollama.answers(error, path="/api/pull")
    async with context(ollama.url).open() as client:
        with pytest.raises(ModelRejected, match="no model nonsense"):
            [progress async for progress in client.pull("nonsense")]


async def test_a_download_can_be_broken_off(ollama: PlayedOllama) -> None:
    pieces = lines({"status": "pulling a", "digest": "a", "total": 10})
    ollama.play(PlayedReply(pieces=pieces, hold=True), path="/api/pull")
    async with context(ollama.url).open() as client:
        pull = client.pull("qwen3:8b")
        await anext(pull)
        await pull.aclose()
        await asyncio.wait_for(ollama.left.wait(), 5)


async def test_what_was_fetched_is_looked_at_anew(ollama: PlayedOllama) -> None:
    ollama.answers({"status": "success"}, path="/api/pull")
    async with context(ollama.url).open() as client:
        assert (await client.describe(SMALL)).context_window == 16384
        ollama.models[SMALL] = shown(trained=4096)
        [progress async for progress in client.pull(SMALL)]

        assert (await client.describe(SMALL)).context_window == 4096


async def test_each_text_becomes_a_vector(ollama: PlayedOllama) -> None:
    texts = ["a" * (n % 7 + 1) for n in range(300)]
    async with context(ollama.url).open() as client:
        vectors = await client.embed(SMALL, texts)

    assert [vector[1] for vector in vectors] == [float(len(text)) for text in texts]
    assert len(ollama.asked_at("/api/embed")) == 3


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"embeddings": [[1.0]]},
        {"embeddings": [["x"], [1.0]]},
        {"embeddings": [[1.0], [1.0, 2]]},
    ],
)
async def test_vectors_that_are_wrong_are_an_error(ollama: PlayedOllama, document: object) -> None:
    ollama.answers(document, path="/api/embed")
    async with context(ollama.url).open() as client:
        with pytest.raises(ModelUnavailable, match="vectors"):
            await client.embed(SMALL, ["a", "b"])


async def test_a_text_that_does_not_fit_says_so(ollama: PlayedOllama) -> None:
    ollama.play(
        PlayedReply(
            status=400, pieces=[b'{"error":"the input length exceeds the context length"}']
        ),
        path="/api/embed",
    )
    async with context(ollama.url).open() as client:
        with pytest.raises(ContextTooLong):
            await client.embed(SMALL, ["a"])
