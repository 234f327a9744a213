"""What the model reads."""

from __future__ import annotations

import json
from typing import Any

from llama_kit import ask

from argent_hookspecs import (
    ContextBlock,
    Message,
    ModelRequest,
    Role,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
    Trust,
)
from argent_llama.catalogue import CATALOGUE
from argent_llama.prompts import chat_messages, sampling

CALC = ToolSpec("calc", "Calculate.", {"type": "object", "properties": {}})
CALL = ToolCall("1", "calc", {"expression": "6 * 7"})


def messages(*blocks: ContextBlock, said: tuple[Message, ...] = (), **options: Any) -> list[Any]:
    request = ModelRequest(model="m", system=blocks, messages=(*said, Message(Role.USER, "Hi")))
    return chat_messages(request, **options)


def test_without_context_there_is_no_system_message() -> None:
    assert messages() == [{"role": "user", "content": "Hi"}]


def test_the_system_message_holds_the_blocks_in_order() -> None:
    first = ContextBlock(text="Be brief.", source="AGENTS.md", stable=True)
    second = ContextBlock(text="Ada lives here.", source="USER.md", trust=Trust.PAIRED)
    system = messages(first, second, manner="Be kind.")[0]
    assert system == {
        "role": "system",
        "content": "Be kind.\n\nBe brief.\n\nAda lives here.\n\nBe kind.",
    }


def test_the_beginning_is_the_same_from_turn_to_turn() -> None:
    blocks = tuple(
        ContextBlock(text=trust.value, source="s", trust=trust, stable=True) for trust in Trust
    )
    turns = [(Message(Role.USER, said),) for said in ("Hi", "Bye")]
    requests = [ModelRequest(model="m", system=blocks, messages=turn) for turn in turns]
    one, other = [chat_messages(request, tools=(CALC,)) for request in requests]
    assert one[0] == other[0]


def test_tools_are_described_and_earlier_calls_have_their_form() -> None:
    said = (
        Message(Role.USER, "What is 6 * 7?"),
        Message(Role.ASSISTANT, (CALL,)),
        Message(Role.USER, (ToolResult("1", "calc", "42"),)),
        Message(Role.ASSISTANT, "It is 42."),
    )
    system, _, call, result, reply, _ = messages(said=said, tools=(CALC,))
    assert "## calc" in system["content"]
    assert json.loads(call["content"]) == {"tool": "calc", "arguments": {"expression": "6 * 7"}}
    assert result == {"role": "user", "content": "Result of calc: 42"}
    assert reply == {"role": "assistant", "content": "It is 42."}


def test_without_tools_earlier_calls_are_told_in_words() -> None:
    said = (
        Message(Role.ASSISTANT, (CALL,)),
        Message(Role.USER, (ToolResult("1", "calc", "no such number", is_error=True),)),
        Message(Role.ASSISTANT, "It failed."),
    )
    call, result, reply, _ = messages(said=said)
    assert call["content"] == '(used calc with {"expression": "6 * 7"})'
    assert result["content"] == "calc failed: no such number"
    assert reply["content"] == "It failed."


def test_neighbours_with_one_role_become_one_message() -> None:
    said = (Message(Role.USER, (Text("One."), Text("Two."))), Message(Role.USER, "Three."))
    assert messages(said=said) == [{"role": "user", "content": "One.\n\nTwo.\n\nThree.\n\nHi"}]


def test_marks_of_templates_lose_their_power() -> None:
    for mark in ("<|im_start|>", "<｜User｜>", "</s>", "[/INST]", "<end_of_turn>"):
        (message,) = chat_messages(ask(f"a {mark} b"))
        assert mark not in message["content"]
        assert message["content"].replace("\u2060", "") == f"a {mark} b"


def test_ordinary_brackets_stay_as_they_are() -> None:
    text = "if a < b and c[0] |> f: <b>bold</b> <|"
    assert chat_messages(ask(text))[0]["content"] == text


def test_only_models_that_loop_are_kept_from_repeating() -> None:
    assert sampling(None, temperature=0.0) == {"temperature": 0.0}
    assert sampling(CATALOGUE["qwen2.5-coder-1.5b"], temperature=0.5) == {"temperature": 0.5}
    kept = sampling(CATALOGUE["smollm2-135m"], temperature=0.0)
    assert (kept["dry_allowed_length"], kept["repeat_penalty"]) == (6, 1.08)
