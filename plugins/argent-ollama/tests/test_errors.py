"""What an error of the server means to the person."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from ollama_kit import answer, ask, context
from played_ollama import PlayedOllama, refusal

from argent_hookspecs import (
    ContextTooLong,
    ModelError,
    ModelProvider,
    ModelRejected,
    ModelUnavailable,
    Secret,
)
from argent_testing import PlayedReply
from argent_testing.answers import collect
from argent_testing.wire.ollama import lines, said

pytestmark = pytest.mark.anyio

FULL = json.dumps(
    {
        "error": {
            "code": 400,
            "message": "request (8889 tokens) exceeds the available context size (4096 tokens)",
            "type": "exceed_context_size_error",
        }
    }
)


async def failed(ollama: PlayedOllama, reply: PlayedReply) -> ModelError:
    ollama.play(reply)
    with pytest.raises(ModelError) as caught:
        await answer(ollama.url, ask("Hi."))
    return caught.value


async def test_a_server_that_does_not_run_is_told_how_to_start(nobody: str) -> None:
    with pytest.raises(ModelUnavailable, match="Start it with: ollama serve") as caught:
        await answer(nobody, ask("Hi."))

    assert nobody in str(caught.value)


async def test_a_model_that_is_not_there_is_told_how_to_fetch(ollama: PlayedOllama) -> None:
    with pytest.raises(ModelRejected, match="argent models pull qwen3:8b"):
        await answer(ollama.url, ask("Hi.", model="qwen3:8b"))


async def test_one_that_was_removed_meanwhile_too(ollama: PlayedOllama) -> None:
    error = await failed(ollama, refusal(404, "model 'llama3.2:latest' not found"))

    assert isinstance(error, ModelRejected)
    assert "argent models pull llama3.2:latest" in str(error)


@pytest.mark.parametrize(
    "words", [FULL, "the prompt is longer than the context length currently available"]
)
async def test_a_request_that_does_not_fit_is_too_long(ollama: PlayedOllama, words: str) -> None:
    error = await failed(ollama, refusal(400, words))

    assert isinstance(error, ContextTooLong)
    assert "{" not in str(error)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_what_passes_is_worth_another_try(ollama: PlayedOllama, status: int) -> None:
    reply = refusal(status, "model requires more system memory", **{"Retry-After": "7"})
    error = await failed(ollama, reply)

    assert isinstance(error, ModelUnavailable)
    assert error.retry_after == 7.0
    assert "model requires more system memory" in str(error)


@pytest.mark.parametrize(("status", "words"), [(400, "does not support chat"), (401, "no key")])
async def test_what_does_not_pass_is_rejected(
    ollama: PlayedOllama, status: int, words: str
) -> None:
    error = await failed(ollama, refusal(status, words))

    assert isinstance(error, ModelRejected)
    assert words in str(error)


async def test_an_error_in_the_middle_ends_the_answer(ollama: PlayedOllama) -> None:
    words = "an error was encountered while running the model"
    error = await failed(ollama, PlayedReply(pieces=lines(said("One"), {"error": words})))

    assert isinstance(error, ModelUnavailable)
    assert words in str(error)


async def test_a_request_without_a_message_is_refused(ollama: PlayedOllama) -> None:
    with pytest.raises(ModelRejected, match="no message"):
        await answer(ollama.url, ask())


async def test_a_key_that_is_not_there_is_named(ollama: PlayedOllama, load_plugin: Any) -> None:
    settings = {"baseUrl": ollama.url, "apiKey": "store:none"}
    async with load_plugin("argent_ollama", settings=settings) as plugin:
        (provider,) = plugin.of(ModelProvider)
        with pytest.raises(ModelRejected, match=r"wants a key: .*argent secrets set none"):
            await collect(plugin.live(provider), ask("Hi."))

    assert not ollama.bodies


async def test_the_key_is_never_told(ollama: PlayedOllama) -> None:
    ollama.play(refusal(401, "invalid key"))
    secret: Any = {"store:k": "geheim-123"}

    async with context(ollama.url, api_key=Secret("store:k"), secrets=secret).open() as client:
        with pytest.raises(ModelRejected) as caught:
            await collect(client, ask("Hi."))
        shown = f"{caught.value!r} {client!r} {vars(client)!r}"

    assert "geheim-123" not in shown


async def test_a_model_that_runs_elsewhere_is_asked_only_if_it_may_be(
    ollama: PlayedOllama,
) -> None:
    from played_ollama import shown

    from argent_testing.answers import words

    ollama.models["big:cloud"] = shown(remote_host="https://ollama.com:443", remote_model="big")
    request = ask("Hi.", model="big:cloud", max_output_tokens=1)

    with pytest.raises(ModelRejected, match=r"plugins\.ollama\.cloud true"):
        await answer(ollama.url, request)
    assert ollama.bodies == []
    assert words(await answer(ollama.url, request, cloud=True)) == "one "
    assert "num_ctx" not in ollama.bodies[0]["options"]


async def test_two_that_begin_at_once_share_one_connection_pool(ollama: PlayedOllama) -> None:
    async with context(ollama.url).open() as client:
        both = await asyncio.gather(*(collect(client, ask("Hi.")) for _ in range(2)))

    assert len(both) == len(ollama.bodies) == 2
