"""What the server is asked."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ollama_kit import COIN, answer, ask, context
from played_ollama import SMALL, PlayedOllama, shown

from argent_hookspecs import (
    ContextBlock,
    Image,
    Message,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from argent_testing.answers import collect

pytestmark = pytest.mark.anyio


async def asked(ollama: PlayedOllama, *messages: Any, **settings: Any) -> Any:
    await answer(ollama.url, ask(*messages), **settings)
    return ollama.bodies[-1]


async def test_a_conversation_is_told_in_order(ollama: PlayedOllama) -> None:
    system = (ContextBlock(text="Be kind.", source="a"), ContextBlock(text="Be brief.", source="b"))
    request = ask("Hi.", "Hello.", "Bye.", system=system, max_output_tokens=9)
    await answer(ollama.url, request)

    body = ollama.bodies[0]
    assert body["messages"] == [
        {"role": "system", "content": "Be kind.\n\nBe brief."},
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Bye."},
    ]
    assert (body["model"], body["stream"]) == (SMALL, True)
    assert body["options"]["num_predict"] == 9


async def test_nothing_is_left_out_without_a_word(ollama: PlayedOllama) -> None:
    body = await asked(ollama, "Hi.")

    assert (body["truncate"], body["shift"]) == (False, False)


@pytest.mark.parametrize(
    ("trained", "parameters", "window"),
    [(131072, "", 16384), (2048, "", 2048), (131072, "stop x\nnum_ctx    32768", 32768)],
)
async def test_the_window_is_asked_of_the_model(
    ollama: PlayedOllama, trained: int, parameters: str, window: int
) -> None:
    ollama.models[SMALL] = shown(trained=trained, parameters=parameters)
    async with context(ollama.url).open() as client:
        await collect(client, ask("Hi."))
        info = await client.describe(SMALL)

    assert ollama.bodies[0]["options"]["num_ctx"] == window
    assert info.context_window == window


async def test_a_schema_is_told_whole_and_only_to_models_with_tools(ollama: PlayedOllama) -> None:
    ollama.models["dumb"] = shown()
    async with context(ollama.url).open() as client:
        await collect(client, ask("Hi.", tools=(COIN,)))
        await collect(client, ask("Hi.", tools=(COIN,), model="dumb"))

    (told,) = ollama.bodies[0]["tools"]
    assert told["function"]["parameters"] == COIN.parameters
    assert "tools" not in ollama.bodies[1]


async def test_results_follow_their_calls(ollama: PlayedOllama) -> None:
    wish = Message(Role.ASSISTANT, (ToolCall("1", "a", {"x": 1}), ToolCall("2", "b", {})))
    results = Message(
        Role.USER,
        (ToolResult("2", "b", "broken", is_error=True), ToolResult("1", "a", "heads"), Text("So?")),
    )
    body = await asked(ollama, "Toss.", wish, results)

    _, assistant, first, second, user = body["messages"]
    assert assistant["tool_calls"][0] == {
        "id": "1",
        "function": {"name": "a", "arguments": {"x": 1}},
    }
    assert (first["role"], first["tool_name"], first["content"]) == ("tool", "a", "heads")
    assert second["content"] == "b failed: broken"
    assert user == {"role": "user", "content": "So?"}


async def test_a_call_without_a_result_gets_one(ollama: PlayedOllama) -> None:
    body = await asked(ollama, "Toss.", Message(Role.ASSISTANT, (ToolCall("1", "a"),)), "And?")

    assert body["messages"][2]["content"] == "(There is no result of this call.)"
    assert body["messages"][3]["content"] == "And?"


@pytest.mark.parametrize("sees", [True, False])
async def test_pictures_are_shown_to_those_who_see(ollama: PlayedOllama, sees: bool) -> None:
    ollama.models[SMALL] = shown("vision") if sees else shown()
    picture = Message(Role.USER, (Text("What is it?"), Image(b"\x89PNG", "image/png")))

    (told,) = (await asked(ollama, picture))["messages"]

    if sees:
        assert base64.b64decode(told["images"][0]) == b"\x89PNG"
    else:
        assert told["content"] == "What is it?\n\n(A picture, which this model cannot see.)"


async def test_its_own_thoughts_are_told_again_and_no_others(ollama: PlayedOllama) -> None:
    thought = (Thinking("mine", "ollama"), Thinking("foreign", "openai"), Text("Yes."))
    body = await asked(ollama, "Hi.", Message(Role.ASSISTANT, thought), "Sure?")

    assert body["messages"][1] == {"role": "assistant", "content": "Yes.", "thinking": "mine"}


@pytest.mark.parametrize(
    ("setting", "told"), [("auto", None), ("off", False), ("on", True), ("high", "high")]
)
async def test_thinking_is_asked_of_models_that_can(
    ollama: PlayedOllama, setting: str, told: Any
) -> None:
    ollama.models[SMALL] = shown("thinking")
    thinking = await asked(ollama, "Hi.", thinking=setting)
    ollama.models["plain"] = shown()
    await answer(ollama.url, ask("Hi.", model="plain"), thinking=setting)

    assert thinking.get("think") == told
    assert "think" not in ollama.bodies[-1]


@pytest.mark.parametrize(("wish", "told"), [("10m", "10m"), (-1, -1.0), ("300", 300.0)])
async def test_a_model_is_kept_as_long_as_wished(
    ollama: PlayedOllama, wish: Any, told: Any
) -> None:
    assert (await asked(ollama, "Hi.", keep_alive=wish))["keep_alive"] == told


async def test_by_itself_the_server_decides(ollama: PlayedOllama) -> None:
    body = await asked(ollama, "Hi.", options={"temperature": 0.3})

    assert "keep_alive" not in body
    assert body["options"]["temperature"] == 0.3


async def test_halves_of_characters_do_no_harm(ollama: PlayedOllama) -> None:
    body = await asked(ollama, "half \ud83d of it")

    assert body["messages"][0]["content"] == "half \ud83d of it"


async def test_a_key_is_sent_and_never_that_of_the_cloud(
    ollama: PlayedOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argent_hookspecs import Secret

    monkeypatch.setenv("OLLAMA_API_KEY", "of-the-cloud")
    await answer(ollama.url, ask("Hi."))
    mine = Secret("store:mine")
    await answer(ollama.url, ask("Hi."), api_key=mine, secrets={"store:mine": "right"})

    bare, keyed = (one.headers for one in ollama.asked_at("/api/chat"))
    assert "authorization" not in bare
    assert keyed["authorization"] == "Bearer right"


async def test_what_is_here_is_reached_past_any_proxy(
    ollama: PlayedOllama, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, nobody)

    assert await asked(ollama, "Hi.")
