"""What is known about models, and where from."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from importlib.resources import files
from typing import get_args

import pytest
from anthropic.resources.messages.messages import DEPRECATED_MODELS
from anthropic.types import ModelParam
from anthropic_kit import HAIKU, OPUS, ask, context
from anthropic_replay import ReplayServer, capabilities, model

from argent_hookspecs import FREE, ModelCatalogue, ModelClient, ModelInfo, ModelUnavailable
from argent_testing import FakeContext, PlayedReply
from argent_testing.answers import collect, words
from argent_testing.waiting import PATIENCE, eventually
from argent_testing.wire.messages import message, text

TABLE = json.loads(files("argent_anthropic").joinpath("models.json").read_text("utf-8"))


async def told(client: ModelClient, name: str) -> ModelInfo:
    """What is known of a model once the server has told."""
    info = await client.describe(name)
    async with asyncio.timeout(PATIENCE):
        while not info.good_for:  # only the server says it
            await asyncio.sleep(0.01)
            info = await client.describe(name)
    return info


@pytest.mark.anyio
async def test_the_server_says_what_a_model_can(server: ReplayServer, client: ModelClient) -> None:
    server.models = [model("claude-next", window=7000, capabilities=capabilities(images=True))]
    info = await client.describe("claude-next")
    assert (info.id, info.context_window, info.max_output) == ("claude-next", 7000, 64_000)
    assert info.takes_images
    assert info.good_for == "Claude-Next"


@pytest.mark.anyio
async def test_it_is_asked_once(server: ReplayServer, client: ModelClient) -> None:
    server.models = [model(OPUS)]
    server.answer(*message(text("Yes.")))
    await client.describe(OPUS)
    await collect(client, ask("Hello."))
    await client.describe(OPUS)
    await eventually(lambda: len(server.asked) == 2, what="both requests")
    assert {one.path for one in server.asked} == {f"/v1/models/{OPUS}", "/v1/messages"}


@pytest.mark.anyio
async def test_what_it_does_not_say_is_in_the_table(
    server: ReplayServer, client: ModelClient
) -> None:
    server.models = [model(OPUS) | {"max_input_tokens": None, "capabilities": None}]
    info = await told(client, OPUS)
    assert (info.context_window, info.max_output) == (1_000_000, 64_000)
    assert info.takes_images


@pytest.mark.anyio
async def test_without_a_server_the_table_serves_until_later(
    server: ReplayServer, ctx: FakeContext
) -> None:
    async with ctx.open() as client:
        assert (await client.describe(HAIKU)).context_window == 200_000
        server.models = [model(HAIKU, window=300_000)]
        assert (await client.describe(HAIKU)).context_window == 200_000
        await ctx.clock.advance(301)
        assert (await told(client, HAIKU)).context_window == 300_000


@pytest.mark.anyio
async def test_a_list_that_hangs_keeps_no_answer_waiting(
    server: ReplayServer, ctx: FakeContext
) -> None:
    async with asyncio.timeout(2.0), ctx.open() as client:
        for _ in range(2):
            server.play(PlayedReply(hold=True), path=f"/v1/models/{OPUS}")
            server.answer(*message(text("Yes.")))
            assert (await client.describe(OPUS)).context_window == 1_000_000
            assert words(await collect(client, ask("Hello."))) == "Yes."
            await ctx.clock.advance(301)


@pytest.mark.anyio
async def test_one_model_does_not_wait_for_another(
    server: ReplayServer, client: ModelClient
) -> None:
    server.models = [model("quick", window=7000)]
    server.play(PlayedReply(hold=True), path="/v1/models/slow")
    slow = asyncio.create_task(client.describe("slow"))
    await eventually(lambda: server.asked, what="a request")
    async with asyncio.timeout(2.0):
        assert (await client.describe("quick")).context_window == 7000
    assert not slow.done()
    slow.cancel()


@pytest.mark.anyio
async def test_a_list_without_end_is_not_read_to_its_end(
    server: ReplayServer, client: ModelClient
) -> None:
    endless = PlayedReply(pieces=[b" " * 1_000_000] * 40, hold=True)
    server.play(endless, path="/v1/models?limit=1000")
    assert isinstance(client, ModelCatalogue)
    with pytest.raises(ModelUnavailable, match="more than can be read"):
        await client.models()


@pytest.mark.anyio
async def test_a_model_that_nobody_knows_has_the_window_of_the_settings(ctx: FakeContext) -> None:
    async with ctx.with_settings(context_window=5000).open() as client:
        info = await client.describe("mystery")
    assert (info.context_window, info.max_output, info.takes_images) == (5000, None, False)


@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("claude-haiku-4-5-20251001", 200_000),
        ("anthropic/claude-haiku-4.5", 200_000),
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", 200_000),
        ("claude-opus-5-5@20260922", 1_000_000),
        ("claude-opus-5", 1_000_000),
        ("claude-opus-5-20260724", 1_000_000),
        ("claude-opus-5-7", 32_768),
        ("claude-haiku-4", 32_768),
        ("notclaude-opus-5", 32_768),
    ],
)
@pytest.mark.anyio
async def test_names_of_clouds_and_gateways_are_known(
    ctx: FakeContext, name: str, window: int
) -> None:
    async with ctx.open() as client:
        assert (await client.describe(name)).context_window == window


@pytest.mark.anyio
async def test_models_are_listed_page_by_page_without_the_retired(
    server: ReplayServer, client: ModelClient
) -> None:
    server.page = 2
    server.models = [model(f"claude-{n}") for n in range(5)]
    server.models[3]["lifecycle"] = "retired"
    assert isinstance(client, ModelCatalogue)
    found = await client.models()
    assert [info.id for info in found] == ["claude-0", "claude-1", "claude-2", "claude-4"]


@pytest.mark.anyio
async def test_a_list_that_cannot_be_had_is_an_error() -> None:
    async with context("http://127.0.0.1:1").open() as client:
        assert isinstance(client, ModelCatalogue)
        with pytest.raises(ModelUnavailable, match="cannot be reached"):
            await client.models()


@pytest.mark.anyio
async def test_what_runs_on_this_machine_is_free_unless_it_is_claude(
    server: ReplayServer, ctx: FakeContext
) -> None:
    server.models = [model("qwen"), model(OPUS)]
    async with ctx.with_settings(api_key=None).open() as client:
        assert (await client.describe("qwen")).price == FREE
        assert (await client.describe(OPUS)).price is None


@pytest.mark.anyio
async def test_what_asks_for_a_key_is_not_free_unless_the_person_says_so(
    server: ReplayServer, ctx: FakeContext
) -> None:
    server.models = [model("gpt-6")]
    for local, price in ((None, None), (False, None), (True, FREE)):
        async with ctx.with_settings(local=local).open() as client:
            assert (await client.describe("gpt-6")).price == price


def test_the_table_holds_the_models_that_the_vendor_lists() -> None:
    (listed, _) = get_args(ModelParam)
    current = {name for name in get_args(listed) if name not in DEPRECATED_MODELS}
    dated = {name for name in current if name[-8:].isdigit()}
    assert current - dated <= set(TABLE["models"])
    assert date.fromisoformat(TABLE["date"]) >= date(2026, 11, 20)


@pytest.mark.parametrize("name", sorted(TABLE["models"]))
def test_each_model_has_a_price(name: str) -> None:
    prices = files("argent_core").joinpath("data/prices.json").read_text("utf-8")
    assert name in json.loads(prices)["prices"]


def test_rows_of_the_table_are_sound() -> None:
    for name, row in TABLE["models"].items():
        assert row["window"] > row["output"] > 0, name
        assert set(row["thinking"]) <= {"adaptive", "between_tools", "disabled", "enabled"}
        assert set(row["effort"]) <= {"low", "medium", "high", "xhigh", "max"}
