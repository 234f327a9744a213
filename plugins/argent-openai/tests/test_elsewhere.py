"""What leaves this machine: what it costs, and what must not leave it."""

from __future__ import annotations

from typing import Any

import pytest
from openai_kit import lab
from replay import Replay, hello, replaying

from argent_core.config.problems import Invalid
from argent_core.config.structure import structure
from argent_hookspecs import FREE, ModelInfo, ModelRejected, Price, Secret
from argent_openai.settings import OpenAISettings
from argent_testing import json_reply
from argent_testing.answers import ask, collect

pytestmark = pytest.mark.anyio
PRICED = {"prompt": "0.0000025", "completion": "0.000015"}
LISTED = json_reply(
    {"data": [{"id": "openai/gpt-5.4", "context_length": 400_000, "pricing": PRICED}]}
)


def lead_elsewhere(
    monkeypatch: pytest.MonkeyPatch, server: Replay, host: str = "models.invalid"
) -> str:
    """Return an address that is not on this machine, behind a proxy that is."""
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, server.url.removesuffix("/v1"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return f"http://{host}/v1"


@pytest.mark.parametrize(("wished", "window"), [(None, 400_000), (100_000, 100_000)])
async def test_the_price_of_a_known_model_is_the_one_in_the_list(
    monkeypatch: pytest.MonkeyPatch, wished: int | None, window: int
) -> None:
    async with replaying(hello(), models=LISTED) as server:
        url = lead_elsewhere(monkeypatch, server)
        async with lab(url, context_window=wished).open("lab") as client:
            info = await client.describe("openai/gpt-5.4")
    assert info.price == Price(input=2.5, output=15.0)
    assert info.context_window == window


async def test_a_known_model_that_is_not_in_the_list_is_known_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with replaying(hello(), models=json_reply({}, status=404)) as server:
        url = lead_elsewhere(monkeypatch, server)
        async with lab(url).open("lab") as client:
            info = await client.describe("openai/gpt-4.1")
    assert (info.context_window, info.price) == (1_047_576, None)


async def described(**settings: Any) -> tuple[bool, ModelInfo]:
    """Return whether a server on this machine is local, and what its model costs."""
    async with replaying(hello(), models=json_reply({"data": [{"id": "m"}]})) as server:
        ctx = lab(server.url, secrets={"env:A": "key-of-lab"}, **settings)
        async with ctx.open("lab") as client:
            return ctx.providers()["lab"].local, await client.describe("m")


@pytest.mark.parametrize(
    "key",
    [
        {"api_key": Secret("env:A")},
        {"headers": {"X-Lab": Secret("env:A")}},
        {"headers": {"Authorization": "Basic abc"}},
    ],
)
async def test_a_server_here_that_asks_for_a_key_may_lead_elsewhere(key: dict[str, Any]) -> None:
    local, info = await described(**key)
    assert not local
    assert info.price is None
    local, info = await described(**key, local=True)
    assert local
    assert info.price == FREE


async def test_a_header_that_is_no_key_changes_nothing() -> None:
    local, info = await described(headers={"X-Title": "Argent"})
    assert local
    assert info.price == FREE


@pytest.mark.parametrize(("room", "posted"), [(15, []), (16, [16])])
async def test_openai_is_not_asked_for_more_than_what_is_put_aside(
    monkeypatch: pytest.MonkeyPatch, room: int, posted: list[int]
) -> None:
    """It writes no answer of fewer than 16 tokens."""
    async with replaying(json_reply({"error": {"message": "No."}}, status=400)) as server:
        url = lead_elsewhere(monkeypatch, server, host="api.openai.com")
        async with lab(url, api_key=Secret("env:A"), secrets={"env:A": "k"}).open("lab") as client:
            with pytest.raises(ModelRejected, match="No" if posted else "fewer than 16 tokens"):
                await collect(client, ask("Hi.", max_output_tokens=room))
    assert [one.body["max_output_tokens"] for one in server.posted] == posted


@pytest.mark.parametrize(
    "field",
    [
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "n",
        "stream",
        "stream_options",
        "store",
        "include",
    ],
)
def test_options_cannot_make_an_answer_dearer_than_what_is_put_aside(field: str) -> None:
    with pytest.raises(Invalid) as raised:
        structure({"endpoints": {"lab": {"options": {field: 5, "seed": 1}}}}, OpenAISettings)
    (problem,) = raised.value.problems
    assert problem.path == "endpoints.lab.options"
    assert f"without {field}, which Argent fills in" in f"{problem.expected} {problem.hint}"
