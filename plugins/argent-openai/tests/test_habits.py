"""What servers refuse, and how they are asked from then on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

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


@pytest.mark.parametrize(
    "said",
    [
        {
            "message": "max_tokens is too large: 4096. This model supports at most 1024 completion "
            "tokens."
        },
        {
            "message": "Invalid 'max_tokens': integer above maximum value: must be <= 1024",
            "param": "max_tokens",
            "code": "integer_above_max_value",
        },
    ],
)
async def test_a_limit_that_is_too_high_is_lowered(said: dict[str, Any]) -> None:
    async with (
        replaying(refusal(400, said), hello()) as server,
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


NO_PICTURES: list[dict[str, Any]] = [
    {"message": "This model does not support image inputs.", "code": "unsupported_value"},
    {"message": "Model does not support images. Please use a model that does."},
    {"message": "No endpoints found that support image input", "code": 404},
    {"message": "Failed to deserialize: messages[0]: unknown variant `image_url`, expected `text`"},
    {"message": "At most 0 image(s) may be provided in one request."},
    {"message": "m is not a multimodal model"},
    {"message": "'messages.0' : content must be a string", "param": "messages.0.content"},
    {
        "message": "Invalid content type. image_url is only supported by certain models.",
        "type": "invalid_request_error",
        "param": "messages.[0].content.[1].type",
        "code": None,
    },
]
BAD = "You uploaded an unsupported image. Please make sure your image has of one the formats"
BAD_PICTURES: list[dict[str, Any]] = [
    {"message": f"{BAD}: ['png', 'gif']."},
    {"message": f"{BAD}: ['png'].", "code": "invalid_image_format"},
    {"message": "Image input is not supported: no image", "code": "invalid_image_url"},
    {"message": "Image input is not supported", "code": "image_parse_error", "param": "input"},
    {"message": "Invalid image data: base64 is not a valid image", "param": "messages"},
    {"message": "The model does not support image formats other than PNG."},
    {"message": "The model does not support images larger than 20 MB."},
    {"message": "The model does not support images with an alpha channel."},
    {"message": "Animated images are not supported."},
    {"message": "image/tiff is not supported."},
    {
        "message": "Invalid schema for function 'make_image': image input is not supported.",
        "param": "tools[0].function.parameters",
        "code": "invalid_function_parameters",
    },
]


@pytest.mark.parametrize("said", NO_PICTURES, ids=lambda said: str(said["message"])[:30])
async def test_a_model_that_takes_no_pictures_is_shown_none_for_a_while(
    said: dict[str, Any],
) -> None:
    async with replaying(refusal(400, said), hello()) as server:
        ctx = lab(server.url)
        async with ctx.open("lab") as client:
            assert words(await collect(client, ask(PICTURE)))
            await collect(client, ask(PICTURE))
            await ctx.clock.advance(3601)
            await collect(client, ask(PICTURE))
        shown = ["image_url" in json.dumps(one.body) for one in server.posted]
    assert shown == [True, False, False, True]


@pytest.mark.parametrize("said", BAD_PICTURES, ids=lambda said: str(said["message"])[:30])
async def test_one_bad_picture_does_not_blind_a_model(said: dict[str, Any]) -> None:
    async with (
        replaying(refusal(400, said), hello()) as server,
        lab(server.url).open("lab") as client,
    ):
        with pytest.raises(ModelRejected):
            await collect(client, ask(PICTURE))
        assert words(await collect(client, ask(PICTURE)))
        assert "image_url" in json.dumps(server.posted[-1].body)


async def test_what_was_not_in_the_request_was_not_refused() -> None:
    said = {"message": "make_image: image input is not supported; nor is reasoning_content"}
    async with (
        replaying(refusal(400, said), hello()) as server,
        lab(server.url).open("lab") as client,
    ):
        with pytest.raises(ModelRejected):
            await collect(client, ask("Hi.", tools=(COIN,)))
        assert len(server.posted) == 1
        await collect(client, ask(PICTURE))
        assert "image_url" in json.dumps(server.posted[-1].body)


async def test_what_a_parameter_of_the_error_names_is_to_blame() -> None:
    said = {"message": "Unsupported, unlike stream_options", "param": "seed"}
    async with (
        replaying(refusal(400, said), hello()) as server,
        lab(server.url, options={"seed": 1}).open("lab") as client,
    ):
        with pytest.raises(ModelRejected):
            await collect(client, ask("Hi."))
        await collect(client, ask("Hi."))
        assert all("stream_options" in one.body for one in server.posted)


async def test_a_limit_that_is_too_low_is_not_called_otherwise() -> None:
    said = {
        "message": "Invalid 'max_tokens': integer below minimum value. Expected a value >= 16",
        "param": "max_tokens",
        "code": "integer_below_min_value",
    }
    async with (
        replaying(refusal(400, said)) as server,
        lab(server.url).open("lab") as client,
    ):
        with pytest.raises(ModelRejected, match="below minimum"):
            await collect(client, ask("Hi.", max_output_tokens=5))
        assert len(server.posted) == 1


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
