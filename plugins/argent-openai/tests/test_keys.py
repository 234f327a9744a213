"""Keys: how they are sent, and that they are never shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from openai_kit import lab
from replay import hello, refusal, replaying

from argent_hookspecs import (
    ModelError,
    ModelRejected,
    Secret,
)
from argent_testing import PlayedReply
from argent_testing.answers import ask, collect, words
from argent_testing.wire.chat import events

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "reply",
    [
        lambda said: refusal(401, said),
        lambda said: PlayedReply(pieces=events({"error": said})),
        lambda said: PlayedReply(pieces=[json.dumps({"error": said}).encode()], media="text/json"),
    ],
    ids=["refusal", "frame", "document"],
)
async def test_a_key_is_never_shown(
    caplog: pytest.LogCaptureFixture, reply: Callable[[object], PlayedReply]
) -> None:
    caplog.set_level("DEBUG")
    secrets = {"store:lab": "sk-very-secret-7"}
    said = {"message": "Incorrect API key provided: sk-very-secret-7.", "code": 401}
    async with (
        replaying(reply(said)) as server,
        lab(server.url, api_key=Secret("store:lab"), secrets=secrets).open("lab") as client,
    ):
        with pytest.raises(ModelRejected) as raised:
            await collect(client, ask("Hi."))
        assert server.posted[0].headers["authorization"] == "Bearer sk-very-secret-7"
        shown = f"{raised.value!r} {client!r} {vars(client)!r} {caplog.text}"
    assert "Incorrect API key provided: [key]" in str(raised.value)
    assert "secret-7" not in shown


@pytest.mark.parametrize("start", range(470, 505, 5))
async def test_no_part_of_a_key_is_shown_where_an_error_is_cut_short(start: int) -> None:
    said = f"{'x' * start}sk-very-secret-7"
    for reply in (
        refusal(400, {"message": said}),
        PlayedReply(status=400, pieces=[said.encode()], media="text/plain"),
        PlayedReply(pieces=events({"error": {"message": said, "code": 400}})),
        PlayedReply(pieces=[f"data: {said[start - 70 :]}\n\n".encode()]),
    ):
        secrets = {"store:lab": "sk-very-secret-7"}
        async with (
            replaying(reply) as server,
            lab(server.url, api_key=Secret("store:lab"), secrets=secrets).open("lab") as client,
        ):
            with pytest.raises(ModelError) as raised:
                await collect(client, ask("Hi."))
        assert "sk-" not in str(raised.value)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"Authorization": Secret("store:lab")}, ""),
        ({"Authorization": "Bearer secret-very-7"}, ""),
        ({"X-Api-Key": "secret-very-7"}, ""),
        ({}, "?key=secret-very-7"),
    ],
)
async def test_a_key_that_stands_elsewhere_is_not_shown_either(
    headers: dict[str, Any], query: str
) -> None:
    secrets = {"store:lab": "Bearer secret-very-7"}
    for reply in (
        refusal(401, {"message": "Wrong key secret-very-7."}),
        refusal(404, {"message": "Nothing here."}),
        PlayedReply(status=307, headers={"Location": "https://a.invalid/?key=secret-very-7"}),
        PlayedReply(pieces=[b"<html>Log in!</html>"], media="text/html"),
    ):
        async with (
            replaying(reply) as server,
            lab(f"{server.url}{query}", headers=headers, secrets=secrets).open("lab") as client,
        ):
            with pytest.raises(ModelError) as raised:
                await collect(client, ask("Hi."))
        assert "very-7" not in str(raised.value)


async def test_a_key_that_was_changed_is_read_anew() -> None:
    ctx = lab("http://127.0.0.1:1", api_key=Secret("store:lab"), secrets={"store:lab": "old"})
    async with replaying(refusal(401, {"message": "No."}), hello()) as server:
        ctx = lab(server.url, api_key=Secret("store:lab"), secrets={"store:lab": "old"})
        async with ctx.open("lab") as client:
            with pytest.raises(ModelRejected):
                await collect(client, ask("Hi."))
            ctx.secrets.values["store:lab"] = "new\n"
            assert words(await collect(client, ask("Hi.")))
        assert server.posted[1].headers["authorization"] == "Bearer new"


async def test_without_a_key_the_person_is_told_what_to_do() -> None:
    async with lab("http://127.0.0.1:1/v1").open("openai") as client:
        with pytest.raises(ModelRejected) as raised:
            await collect(client, ask("Hi."))
        assert (await client.describe("gpt-5.4")).context_window == 1_050_000
    assert "argent secrets set openai" in str(raised.value)
    assert "argent config set plugins.openai.apiKey store:openai" in str(raised.value)


@pytest.mark.parametrize("value", ["two words", "ключ", "a\x00b"])
async def test_a_key_that_cannot_be_sent_is_told_of(value: str) -> None:
    if value == "two words":
        value = "two\nlines"
    ctx = lab("http://127.0.0.1:1/v1", api_key=Secret("env:A"), secrets={"env:A": value})
    async with ctx.open("lab") as client:
        with pytest.raises(ModelRejected, match="characters that no key has") as raised:
            await collect(client, ask("Hi."))
    assert value not in str(raised.value)


async def test_further_headers_are_sent() -> None:
    headers = {"X-Title": "Argent", "Api-Key": Secret("env:A")}
    async with replaying(hello()) as server:
        ctx = lab(server.url, headers=headers, secrets={"env:A": "k"})
        async with ctx.open("lab") as client:
            await collect(client, ask("Hi."))
        sent = server.posted[0].headers
    assert (sent["x-title"], sent["api-key"]) == ("Argent", "k")
    assert "authorization" not in sent
