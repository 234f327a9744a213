"""Which models there are, and what is known about them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from openai_kit import context, lab
from replay import hello, refusal, replaying

from argent_hookspecs import (
    FREE,
    Embedder,
    ModelCatalogue,
    ModelInfo,
    ModelRejected,
    ModelUnavailable,
    Price,
)
from argent_testing import PlayedReply
from argent_testing.answers import ask, collect, words

pytestmark = pytest.mark.anyio

LISTED: list[tuple[dict[str, Any], int]] = [
    ({"max_model_len": 32768}, 32768),
    ({"context_length": 131072, "top_provider": {"max_completion_tokens": 8192}}, 131072),
    ({"context_window": 131072}, 131072),
    ({"max_context_length": 65536, "loaded_context_length": 4096}, 4096),
    ({"meta": {"n_ctx": 2048, "n_ctx_train": 8192}}, 2048),
    ({"meta": {"n_ctx_train": 8192}}, 8192),
    ({"context_length": None, "meta": "odd"}, 8192),
    ({"context_length": -1, "max_model_len": True}, 8192),
]


def listing(*entries: dict[str, Any]) -> PlayedReply:
    body = json.dumps({"object": "list", "data": list(entries)}).encode()
    return PlayedReply(pieces=[body], media="application/json")


async def described(entry: dict[str, Any], **settings: Any) -> ModelInfo:
    async with (
        replaying(hello(), models=listing({"id": "m", **entry})) as server,
        lab(server.url, **settings).open("lab") as client,
    ):
        return await client.describe("m")


@pytest.mark.parametrize(("entry", "window"), LISTED)
async def test_windows_as_each_server_tells_them(entry: dict[str, Any], window: int) -> None:
    info = await described(entry)
    assert (info.id, info.context_window, info.price) == ("m", window, FREE)


async def test_a_window_that_is_set_goes_before_all_others() -> None:
    assert (await described({"max_model_len": 9}, context_window=1024)).context_window == 1024


async def test_what_the_list_says_besides() -> None:
    told = {"architecture": {"input_modalities": ["text", "image"]}}
    told["top_provider"] = {"max_completion_tokens": 777}
    info = await described({"context_length": 1000, **told})
    assert (info.max_output, info.takes_images) == (777, True)
    assert not (await described(told, images=False)).takes_images


async def test_the_list_is_a_catalogue_with_prices() -> None:
    priced = {"prompt": "0.0000025", "completion": "0.000015", "input_cache_read": "0.00000025"}
    entries = (
        {"id": "a", "pricing": priced},
        {"id": "auto", "pricing": {"prompt": "-1", "completion": "-1"}},
        {"id": "odd", "pricing": {"prompt": "much", "completion": None}},
        {"id": "b", "aliases": ["b", "bee"]},
        {"object": "nameless"},
    )
    async with replaying(hello(), models=listing(*entries)) as server:
        # A name that is not this machine's, which the proxy of the test does not know either.
        ctx = lab(server.url)
        async with ctx.open("lab") as client:
            assert isinstance(client, ModelCatalogue)
            found = {info.id: info for info in await client.models()}
    assert list(found) == ["a", "auto", "odd", "b", "bee"]
    assert {info.price for info in found.values()} == {FREE}


async def test_prices_of_a_server_that_is_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    priced = {"prompt": "0.0000025", "completion": "0.000015", "input_cache_read": "0.00000025"}
    entries = (
        {"id": "a", "pricing": priced},
        {"id": "auto", "pricing": {"prompt": "-1", "completion": "-1"}},
        {"id": "odd", "pricing": {"prompt": "much", "completion": None}},
    )
    async with replaying(hello(), models=listing(*entries)) as server:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, server.url.removesuffix("/v1"))
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        async with lab("http://models.invalid/v1").open("lab") as client:
            found = {info.id: info.price for info in await client.models()}
    assert found == {
        "a": Price(input=2.5, output=15.0, cache_read=0.25),
        "auto": None,
        "odd": None,
    }


@pytest.mark.parametrize(
    ("model", "window", "images"),
    [
        ("gpt-6-sol", 1_050_000, True),
        ("gpt-5.2-2025-12-11", 400_000, True),
        ("gpt-4.1", 1_047_576, True),
        ("gpt-9", 128_000, False),
    ],
)
async def test_models_of_openai_are_known_without_a_network(
    model: str, window: int, images: bool
) -> None:
    async with context().open("openai") as client:
        info = await client.describe(model)
    assert (info.context_window, info.takes_images, info.price) == (window, images, None)


async def test_models_of_openai_are_known_behind_a_gateway_too() -> None:
    async with replaying(hello()) as server, lab(server.url).open("lab") as client:
        assert (await client.describe("openai/gpt-5.4")).context_window == 1_050_000


async def test_describing_never_fails_and_asks_rarely() -> None:
    async with replaying(hello(), models=refusal(500, {"message": "No."})) as server:
        ctx = lab(server.url)
        async with ctx.open("lab") as client:
            many = await asyncio.gather(*(client.describe("m") for _ in range(5)))
            assert {info.context_window for info in many} == {8192}
            assert len(server.asked) == 1
            await ctx.clock.advance(60)
            server.models = listing({"id": "m", "max_model_len": 4096})
            assert (await client.describe("m")).context_window == 4096
            await ctx.clock.advance(60)
            await client.describe("m")
            assert len(server.asked) == 2
            await ctx.clock.advance(3600)
            await client.describe("m")
            assert len(server.asked) == 3


@pytest.mark.parametrize(
    "body", [b"oh dear", b"[]", b"{}", b'{"data": 7}', b'{"data": [7, {"id": 7}]}', b""]
)
async def test_a_list_that_makes_no_sense_is_none(body: bytes) -> None:
    reply = PlayedReply(pieces=[body] if body else [], media="application/json")
    async with replaying(hello(), models=reply) as server, lab(server.url).open("lab") as client:
        assert (await client.describe("m")).context_window == 8192
        assert words(await collect(client, ask("Hi.")))


async def test_a_list_that_cannot_be_had_is_an_error() -> None:
    async with (
        replaying(hello(), models=refusal(503, {"message": "No."})) as server,
        lab(server.url).open("lab") as client,
    ):
        with pytest.raises(ModelUnavailable, match="lab: No"):
            await client.models()


async def test_a_server_that_would_let_another_model_answer_is_not_asked() -> None:
    entry = {"id": "/models/a.gguf", "aliases": ["a"], "owned_by": "llamacpp"}
    async with (
        replaying(hello(), models=listing(entry)) as server,
        lab(server.url).open("lab") as client,
    ):
        with pytest.raises(ModelRejected, match=r"no model b; it has /models/a\.gguf, a"):
            await collect(client, ask("Hi.", model="b"))
        assert server.posted == []
        assert words(await collect(client, ask("Hi.", model="a")))


def vectors(*rows: tuple[int, list[float]]) -> PlayedReply:
    data = [{"object": "embedding", "index": index, "embedding": row} for index, row in rows]
    return PlayedReply(pieces=[json.dumps({"data": data}).encode()], media="application/json")


async def test_texts_become_vectors_in_their_order() -> None:
    async with (
        replaying(vectors((1, [3, 4]), (0, [1.5, 2]))) as server,
        lab(server.url).open("lab") as client,
    ):
        assert isinstance(client, Embedder)
        assert await client.embed("e", ["a", "b"]) == [[1.5, 2.0], [3.0, 4.0]]
        assert server.posted[0].body["input"] == ["a", "b"]
        assert server.posted[0].path == "/v1/embeddings"
        assert await client.embed("e", []) == []
        assert len(server.posted) == 1


async def test_many_texts_are_sent_in_several_requests() -> None:
    rows = [(index, [float(index)]) for index in range(256)]
    async with (
        replaying(vectors(*rows), vectors(*rows[:44])) as server,
        lab(server.url).open("lab") as client,
    ):
        found = await client.embed("e", ["a"] * 300)
        assert [len(one.body["input"]) for one in server.posted] == [256, 44]
    assert len(found) == 300


@pytest.mark.parametrize(
    "reply",
    [
        vectors((0, [1.0])),
        vectors((0, [1.0]), (1, [1.0, 2.0])),
        PlayedReply(pieces=[b'{"data": [{"index": 0}, 7]}'], media="application/json"),
        PlayedReply(pieces=[b"{}"], media="application/json"),
        PlayedReply(pieces=[b"oh dear"], media="application/json"),
    ],
    ids=["too few", "uneven", "no vectors", "nothing", "no JSON"],
)
async def test_vectors_that_make_no_sense_are_an_error(reply: PlayedReply) -> None:
    async with replaying(reply) as server, lab(server.url).open("lab") as client:
        with pytest.raises(ModelUnavailable):
            await client.embed("e", ["a", "b"])
