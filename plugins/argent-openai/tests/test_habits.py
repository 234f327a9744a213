"""What servers refuse, and how they are asked from then on."""

from __future__ import annotations

import asyncio
import json

import pytest
from openai_kit import COIN, lab
from replay import hello, refusal, replaying

from argent_hookspecs import (
    Image,
    Message,
    ModelRejected,
    Role,
    Text,
    Thinking,
)
from argent_testing import PlayedReply
from argent_testing.answers import ask, collect, words
from argent_testing.wire.chat import events

pytestmark = pytest.mark.anyio
PICTURE = Message(Role.USER, (Text("What is it?"), Image(b"a", "image/png")))


REFUSED = [
    ("Unsupported parameter: 'max_tokens' is not supported with this model. Use "
     "'max_completion_tokens' instead.", "max_tokens", "max_completion_tokens"),
    ("Unrecognized request argument supplied: stream_options", "stream_options", None),
    ("You are not allowed to request logprobs from this model: unsupported", "logprobs", None),
]  # fmt: skip


@pytest.mark.parametrize(("said", "without", "instead"), REFUSED)
async def test_a_field_that_is_refused_is_left_out_from_then_on(
    said: str, without: str, instead: str | None
) -> None:
    async with (
        replaying(refusal(400, {"message": said}), hello()) as server,
        lab(server.url, confidence=True).open("lab") as client,
    ):
        for _ in range(2):
            assert words(await collect(client, ask("Hi.")))
        await collect(client, ask("Hi.", model="other"))
        first, *rest, other = (one.body for one in server.posted)
    assert without in first
    assert without in other
    assert len(rest) == 2
    for body in rest:
        assert without not in body
        assert instead is None or instead in body


async def test_a_limit_that_is_too_high_is_lowered() -> None:
    said = "max_tokens is too large: 4096. This model supports at most 1024 completion tokens."
    async with (
        replaying(refusal(400, {"message": said}), hello()) as server,
        lab(server.url).open("lab") as client,
    ):
        await collect(client, ask("Hi."))
        assert [one.body["max_tokens"] for one in server.posted] == [4096, 1024]


@pytest.mark.parametrize("status", [400, 404, 500])
async def test_a_model_that_sees_nothing_is_told_of_pictures(status: int) -> None:
    said = {"message": "image input is not supported", "type": "server_error"}
    async with (
        replaying(refusal(status, said), hello()) as server,
        lab(server.url).open("lab") as client,
    ):
        assert words(await collect(client, ask(PICTURE)))
        assert "cannot see" in json.dumps(server.posted[1].body)


async def test_thoughts_that_a_server_does_not_want_back_are_kept_from_it() -> None:
    said = {"message": "reasoning_content is not supported in the input"}
    thought = Message(Role.ASSISTANT, (Thinking("Hm.", "lab", "reasoning_content"), Text("Hello.")))
    async with (
        replaying(refusal(400, said), hello()) as server,
        lab(server.url).open("lab") as client,
    ):
        assert words(await collect(client, ask("Hi.", thought, "And?")))
        assert "Hm." not in json.dumps(server.posted[1].body)


async def test_a_server_that_refuses_everything_is_not_asked_for_ever() -> None:
    said = (
        "unsupported: max_tokens max_completion_tokens stream_options logprobs image "
        "reasoning_content /v1/responses reasoning_effort"
    )
    async with (
        replaying(refusal(400, {"message": said})) as server,
        lab(server.url, confidence=True).open("lab") as client,
    ):
        with pytest.raises(ModelRejected):
            await collect(client, ask("Hi.", tools=(COIN,)))
        assert len(server.posted) < 10


async def test_answers_side_by_side_learn_together() -> None:
    said = refusal(400, {"message": "Unrecognized request argument supplied: stream_options"})
    async with (
        replaying(hello()) as server,
        lab(server.url).open("lab") as client,
    ):
        server.choose = lambda body: said if "stream_options" in body else hello()
        answers = await asyncio.gather(*(collect(client, ask(f"Hi {n}.")) for n in range(5)))
    assert {words(parts) for parts in answers} == {"Hello, wörld 🙂"}


async def test_a_model_that_does_not_think_is_not_asked_for_its_thoughts() -> None:
    said = {"message": "Encrypted content is not supported with this model.", "param": "include"}
    response = {"object": "response", "status": "completed"}
    answer = PlayedReply(
        pieces=events(
            {"type": "response.output_text.delta", "delta": "Hello."},
            {"type": "response.completed", "response": response},
        )
    )
    async with (
        replaying(refusal(400, said), answer) as server,
        lab(server.url, api="responses").open("lab") as client,
    ):
        assert words(await collect(client, ask("Hi."))) == "Hello."
        assert ["include" in one.body for one in server.posted] == [True, False]
