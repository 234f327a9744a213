"""The provider and a real server: llama.cpp's own Messages endpoint, with the small model."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
from anthropic_kit import COIN, KEY, ask, context, said
from attrs import evolve

from argent_hookspecs import (
    FREE,
    ContextBlock,
    ContextTooLong,
    FinishReason,
    Message,
    ModelClient,
    ModelRejected,
    Role,
    TextDelta,
    ToolCall,
    ToolResult,
)
from argent_llama.catalogue import CATALOGUE
from argent_llama.weights import WeightStore
from argent_testing import FakeContext
from argent_testing.answers import collect, finish, words

pytestmark = pytest.mark.anyio
SMALL = "smollm2-135m"
WINDOW = 1024
LONG = "Write a very long story about the sea, with many chapters."


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def llama(anyio_backend: str) -> AsyncIterator[str]:
    """Address of the server; it asks for the key and gives each answer the same window."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(os.environ.get("ARGENT_TEST_MODELS") or Path(base, "argent-test-models"))
    store: Any = SimpleNamespace(data=cache, log=None, progress=lambda *_, **__: None)
    path = await WeightStore(store).fetch(CATALOGUE[SMALL].weights)
    server = await asyncio.to_thread(_start, path)
    yield server.listening_address
    await asyncio.to_thread(_stop, server)


def _start(path: Path) -> Any:
    # Threads that spin while they wait make an answer many times slower on busy processors.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    xllamacpp = importlib.import_module("xllamacpp")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx, parameters.n_parallel = 2 * WINDOW, 2
    parameters.n_batch = parameters.n_ubatch = 64
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 2
    parameters.no_extra_bufts, parameters.fit_params = True, False
    parameters.warmup, parameters.verbosity = False, -1
    parameters.api_keys, parameters.hostnames, parameters.port = [KEY], ["127.0.0.1"], 0
    parameters.sampling.temp = 0.0
    return xllamacpp.Server(parameters)


def _stop(server: Any) -> None:
    del server


@pytest.fixture
async def ctx(llama: str) -> FakeContext:
    return context(llama)


@pytest.fixture
async def client(ctx: FakeContext) -> AsyncIterator[ModelClient]:
    async with ctx.open() as opened:
        yield opened


async def counted(llama: str, body: Any) -> int:
    """Ask the server how many tokens a request has."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        url = f"{llama}/v1/messages/count_tokens"
        response = await http.post(url, json=body, headers={"x-api-key": KEY})
    return cast(int, response.json()["input_tokens"])


async def test_it_answers_word_by_word(client: ModelClient) -> None:
    parts = await collect(client, ask("What is the capital of France?", max_output_tokens=24))
    assert len(parts) > 4
    assert words(parts).strip()
    assert finish(parts).reason in (FinishReason.STOP, FinishReason.LENGTH)


async def test_its_tokens_are_counted_as_it_counts_them(llama: str, client: ModelClient) -> None:
    block = ContextBlock(text="The ship has a red sail. " * 9, source="ship", stable=True)
    request = evolve(ask("Which colour?", max_output_tokens=4), system=(block,))
    usage = finish(await collect(client, request)).usage
    told = [{"role": "user", "content": [{"type": "text", "text": "Which colour?"}]}]
    total = await counted(llama, {"model": "m", "system": block.text, "messages": told})
    assert usage.input_tokens + usage.cache_read_tokens == total
    assert usage.output_tokens == 4
    again = finish(await collect(client, request)).usage
    assert again.cache_read_tokens > usage.cache_read_tokens
    assert again.input_tokens + again.cache_read_tokens == total


async def test_it_stops_at_the_longest_answer(client: ModelClient) -> None:
    end = finish(await collect(client, ask(LONG, max_output_tokens=7)))
    assert end.reason is FinishReason.LENGTH
    assert end.usage.output_tokens == 7


async def test_it_takes_tools_and_their_results(client: ModelClient) -> None:
    call = ToolCall("call-1-0", "coin", {"times": 3})
    answer = Message(Role.ASSISTANT, (call,))
    result = Message(Role.USER, (ToolResult(call.id, call.name, "heads, tails, heads"),))
    request = ask("Toss a coin 3 times.", answer, result, max_output_tokens=16)
    for tools in ((COIN,), ()):
        parts = await collect(client, evolve(request, tools=tools))
        assert finish(parts).usage.output_tokens > 0
        assert said(parts).role is Role.ASSISTANT


async def test_a_request_beyond_its_window(client: ModelClient) -> None:
    with pytest.raises(ContextTooLong, match="context size"):
        await collect(client, ask("word " * 2000))


async def test_a_wrong_key(ctx: FakeContext) -> None:
    ctx.secrets.values["env:ANTHROPIC_API_KEY"] = "wrong"
    async with ctx.open() as client:
        with pytest.raises(ModelRejected, match="does not accept the key"):
            await collect(client, ask("Hello."))


async def test_it_says_its_window_and_costs_nothing(ctx: FakeContext) -> None:
    async with ctx.with_settings(local=True).open() as client:
        info = await client.describe("whatever")
    assert info.context_window == WINDOW
    assert info.price == FREE


async def test_closing_the_iterator_stops_it(client: ModelClient) -> None:
    for _ in range(4):
        stream = client.stream(ask(LONG, max_output_tokens=900))
        async with aclosing(stream) as parts:  # type: ignore[type-var]
            assert isinstance(await anext(parts), TextDelta)
    async with asyncio.timeout(20):
        assert words(await collect(client, ask("Hello.", max_output_tokens=2)))


async def test_answers_side_by_side(client: ModelClient) -> None:
    both = (collect(client, ask(f"Say {n}.", max_output_tokens=8)) for n in range(2))
    for parts in await asyncio.gather(*both):
        assert finish(parts).usage.output_tokens > 0
