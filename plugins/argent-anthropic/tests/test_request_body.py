"""What the API is sent: its form, its order, its marks for the cache, and what was thought."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

import pytest
from anthropic_kit import COIN, HAIKU, OPUS, SONNET, ask, said
from anthropic_replay import ReplayServer, capabilities, failure, model
from attrs import evolve

from argent_hookspecs import (
    ContextBlock,
    Image,
    Message,
    ModelClient,
    ModelRejected,
    ModelRequest,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from argent_testing import FakeContext
from argent_testing.answers import calls, collect, thoughts, words
from argent_testing.wire.messages import message, redacted, text, thinking, tool_use

pytestmark = pytest.mark.anyio
SYSTEM = tuple(
    ContextBlock(text=words, source=words, stable=True) for words in ("Be kind.", " ", "Be brief.")
)


async def send(server: ReplayServer, client: ModelClient, request: ModelRequest) -> Any:
    """Send a request and return the body that the server got."""
    server.answer(*message(text("Yes.")))
    await collect(client, request)
    return server.bodies[-1]


def results(answer: Message, *more: Text) -> Message:
    """What the tools of an answer gave."""
    made = [part for part in answer.parts if isinstance(part, ToolCall)]
    return Message(Role.USER, (*(ToolResult(c.id, c.name, "heads") for c in made), *more))


def plain(blocks: Iterable[Any]) -> list[Any]:
    """Blocks without their marks for the cache."""
    return [{k: v for k, v in block.items() if k != "cache_control"} for block in blocks]


def blocks(body: Any) -> list[Any]:
    """Everything that the model is told, in the order in which the cache has it."""
    told = [block for one in body["messages"] for block in one["content"]]
    return [*body.get("tools", ()), *body.get("system", ()), *told]


def marks(body: Any) -> list[int]:
    return [n for n, block in enumerate(blocks(body)) if "cache_control" in block]


async def test_a_request_in_the_form_of_the_api(server: ReplayServer, client: ModelClient) -> None:
    request = ask("Hello.", system=SYSTEM, tools=(COIN,), max_output_tokens=99)
    body = await send(server, client, request)
    assert body["model"] == OPUS
    assert body["max_tokens"] == 99
    assert body["stream"] is True
    assert [block["text"] for block in body["system"]] == ["Be kind.", "Be brief."]
    assert plain(body["tools"]) == [
        {"name": "coin", "description": COIN.description, "input_schema": COIN.parameters}
    ]
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hello."}]}]
    assert not {"temperature", "top_p", "top_k", "tool_choice"} & set(body)


async def test_pictures_are_sent(server: ReplayServer, client: ModelClient) -> None:
    picture = Message(Role.USER, (Text("What is this?"), Image(b"\x89PNG", "image/png")))
    body = await send(server, client, ask(picture))
    assert body["messages"][0]["content"][1] == {
        "type": "image",
        "source": {
            "type": "base64",
            "media_type": "image/png",
            "data": base64.b64encode(b"\x89PNG").decode(),
        },
    }


async def test_roles_alternate_and_nothing_is_blank(
    server: ReplayServer, client: ModelClient
) -> None:
    said = [
        (Role.USER, "One."),
        (Role.USER, "Two."),
        (Role.ASSISTANT, " \n"),
        (Role.USER, ""),
        (Role.ASSISTANT, "Three."),
        (Role.USER, "Four."),
    ]
    request = ModelRequest(model=OPUS, messages=tuple(Message(role, one) for role, one in said))
    body = await send(server, client, request)
    assert [one["role"] for one in body["messages"]] == ["user", "assistant", "user"]
    told = [[block["text"] for block in one["content"]] for one in body["messages"]]
    assert told == [["One.", "Two.", "(no words)"], ["Three."], ["Four."]]


async def test_results_stand_first_and_are_told_as_they_are(
    server: ReplayServer, client: ModelClient
) -> None:
    answer = Message(Role.ASSISTANT, (ToolCall("a", "coin", {}), ToolCall("b", "coin", {})))
    given = Message(Role.USER, (Text("Hurry."), ToolResult("a", "coin", "no", is_error=True)))
    late = Message(Role.USER, (ToolResult("b", "coin", ""),))
    request = ask("Toss.", answer, given, tools=(COIN,))
    body = await send(server, client, evolve(request, messages=(*request.messages, late)))
    assert plain(body["messages"][-1]["content"]) == [
        {"type": "tool_result", "tool_use_id": "a", "content": "no", "is_error": True},
        {"type": "tool_result", "tool_use_id": "b"},
        {"type": "text", "text": "Hurry."},
    ]


async def test_tools_that_may_not_be_called_any_more_are_still_named(
    server: ReplayServer, client: ModelClient
) -> None:
    answer = Message(Role.ASSISTANT, (ToolCall("a", "coin", {"times": 1}),))
    body = await send(server, client, ask("Toss.", answer, results(answer)))
    assert [tool["name"] for tool in body["tools"]] == ["coin"]
    assert body["tool_choice"] == {"type": "none"}


async def test_odd_text_and_odd_mappings_can_be_sent(
    server: ReplayServer, client: ModelClient
) -> None:
    nested = MappingProxyType({"x": MappingProxyType({"type": "string"})})
    tool = ToolSpec("odd", "Odd.", MappingProxyType({"properties": nested}))
    body = await send(server, client, ask("half \ud83e of a pair", tools=(tool,)))
    assert body["messages"][0]["content"][0]["text"] == "half ? of a pair"
    assert body["tools"][0]["input_schema"] == {
        "type": "object",
        "properties": {"x": {"type": "string"}},
    }


async def test_a_request_without_messages_is_refused(client: ModelClient) -> None:
    with pytest.raises(ModelRejected, match="no message"):
        await collect(client, ModelRequest(model=OPUS, messages=()))


async def test_the_longest_answer_is_one_that_the_model_can_give(
    server: ReplayServer, client: ModelClient
) -> None:
    body = await send(server, client, ask("Tell.", model=HAIKU, max_output_tokens=100_000))
    assert body["max_tokens"] == 64_000


class TestCache:
    """Marks for the prompt cache."""

    async def test_marks_stand_after_what_stays_the_same(
        self, server: ReplayServer, client: ModelClient
    ) -> None:
        request = ask("One.", "Two.", "Three.", system=SYSTEM, tools=(COIN,), stable=2)
        body = await send(server, client, request)
        marked = [blocks(body)[n] for n in marks(body)]
        assert [block.get("name") or block["text"] for block in marked] == [
            "coin",
            "Be brief.",
            "Two.",
        ]

    async def test_a_turn_with_tools_is_marked_at_its_end(
        self, server: ReplayServer, client: ModelClient
    ) -> None:
        server.answer(*message(tool_use("t", "coin", '{"times": 1}'), stop="tool_use"))
        request = ask("One.", "Two.", "Toss.", system=SYSTEM, tools=(COIN,), stable=2)
        answer = said(await collect(client, request))
        messages = (*request.messages, answer, results(answer))
        body = await send(server, client, evolve(request, messages=messages))
        assert len(marks(body)) == 4
        assert marks(body)[-1] == len(blocks(body)) - 1

    async def test_no_thinking_block_is_marked(
        self, server: ReplayServer, client: ModelClient
    ) -> None:
        server.answer(*message(thinking("Hm.", signature="s"), text("Well.")))
        first = said(await collect(client, ask("One.")))
        body = await send(server, client, ask("One.", first, "Three.", stable=2))
        assert [blocks(body)[n]["type"] for n in marks(body)] == ["text"]

    async def test_consecutive_turns_begin_with_the_same_bytes(
        self, server: ReplayServer, client: ModelClient
    ) -> None:
        talk = [f"{'Question' if n % 2 == 0 else 'Answer'} {n}, ü." for n in range(21)]
        bodies = []
        for end in range(1, len(talk) + 1, 2):
            now = f"It is {end} o'clock.\n\n{talk[end - 1]}"
            request = ask(*talk[: end - 1], now, system=SYSTEM, tools=(COIN,), stable=end - 1)
            bodies.append(await send(server, client, request))
        for earlier, later in itertools.pairwise(bodies):
            last = marks(earlier)[-1] + 1
            assert plain(blocks(later)[:last]) == plain(blocks(earlier)[:last])
            assert last >= len(blocks(earlier)) - 1
        raw = [
            one.raw.replace(b',"cache_control":{"type":"ephemeral"}', b"") for one in sent(server)
        ]
        for before, after in itertools.pairwise(raw):
            stable = before[: before.index(b"It is ")]
            assert after.startswith(stable)
            assert len(stable) > 200

    async def test_it_can_be_switched_off(self, server: ReplayServer, ctx: FakeContext) -> None:
        async with ctx.with_settings(cache=False).open() as client:
            body = await send(server, client, ask("Hello.", system=SYSTEM, tools=(COIN,)))
        assert not marks(body)


def sent(server: ReplayServer) -> list[Any]:
    return [one for one in server.asked if one.path == "/v1/messages"]


class TestThinkingAgain:
    """Thoughts are told again as they came, within the turn."""

    async def turn(
        self, server: ReplayServer, client: ModelClient, *said_by_model: Any, model: str = OPUS
    ) -> tuple[ModelRequest, Message]:
        server.answer(*message(*said_by_model, stop="tool_use"))
        request = ask("Toss.", system=SYSTEM, tools=(COIN,), model=model)
        parts = await collect(client, request)
        assert thoughts(parts)
        assert words(parts) or calls(parts)
        return request, said(parts)

    async def test_unchanged_and_in_place(self, server: ReplayServer, client: ModelClient) -> None:
        request, answer = await self.turn(
            server,
            client,
            thinking("First.", signature="sig-1"),
            redacted("secret-2"),
            text("I'll toss. ", "Twice."),
            thinking("Then.", signature="sig-3"),
            tool_use("toolu_1", "coin", '{"times": 1}'),
            thinking("", signature="sig-4"),
            tool_use("toolu_2", "coin", '{"times": 2}'),
        )
        messages = (*request.messages, answer, results(answer))
        body = await send(server, client, evolve(request, messages=messages))
        assert plain(body["messages"][1]["content"]) == [
            {"type": "thinking", "thinking": "First.", "signature": "sig-1"},
            {"type": "redacted_thinking", "data": "secret-2"},
            {"type": "text", "text": "I'll toss. Twice."},
            {"type": "thinking", "thinking": "Then.", "signature": "sig-3"},
            {"type": "tool_use", "id": "c00001000", "name": "coin", "input": {"times": 1}},
            {"type": "thinking", "thinking": "", "signature": "sig-4"},
            {"type": "tool_use", "id": "c00001001", "name": "coin", "input": {"times": 2}},
        ]

    async def test_through_several_steps(self, server: ReplayServer, client: ModelClient) -> None:
        call = tool_use("t", "coin", '{"times": 1}')
        request, answer = await self.turn(server, client, thinking("1", signature="s1"), call)
        messages = (*request.messages, answer, results(answer, Text("Faster!")))
        server.answer(*message(thinking("2", signature="s2"), call, stop="tool_use"))
        second = said(await collect(client, evolve(request, messages=messages)))
        messages = (*messages, second, results(second))
        body = await send(server, client, evolve(request, messages=messages))
        kept = [b["signature"] for b in blocks(body) if b.get("type") == "thinking"]
        assert kept == ["s1", "s2"]

    @pytest.mark.parametrize("changed", ["system", "tools", "messages"])
    async def test_left_out_once_something_before_has_changed(
        self, server: ReplayServer, client: ModelClient, changed: str
    ) -> None:
        call = tool_use("t", "coin", '{"times": 1}')
        request, answer = await self.turn(server, client, thinking("1", signature="s1"), call)
        other = ask("Toss!", system=SYSTEM[:1])
        request = evolve(request, **{changed: getattr(other, changed)})
        messages = (*request.messages, answer, results(answer))
        body = await send(server, client, evolve(request, messages=messages))
        assert [block["type"] for block in body["messages"][1]["content"]] == ["tool_use"]

    async def test_not_those_of_another_provider(
        self, server: ReplayServer, client: ModelClient
    ) -> None:
        answer = Message(
            Role.ASSISTANT,
            (
                Thinking("Hm.", "other", '{"block": {}}'),
                Thinking("Hm.", "anthropic", "damaged"),
                Text("Well."),
            ),
        )
        body = await send(server, client, ask("One.", answer, "Three."))
        assert plain(body["messages"][1]["content"]) == [{"type": "text", "text": "Well."}]

    async def test_a_server_that_does_not_take_them_back_is_asked_without(
        self, server: ReplayServer, client: ModelClient
    ) -> None:
        call = tool_use("t", "coin", '{"times": 1}')
        request, answer = await self.turn(server, client, thinking("1", signature="s1"), call)
        bound = (
            "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to "
            "a different conversation."
        )
        server.play(failure(400, "invalid_request_error", bound))
        messages = (*request.messages, answer, results(answer))
        body = await send(server, client, evolve(request, messages=messages))
        assert [block["type"] for block in body["messages"][1]["content"]] == ["tool_use"]

    async def test_a_model_that_thinks_by_budget_gets_them_in_any_case(
        self, server: ReplayServer, ctx: FakeContext
    ) -> None:
        async with ctx.with_settings(thinking=True).open() as client:
            call = tool_use("t", "coin", '{"times": 1}')
            request, answer = await self.turn(
                server, client, thinking("1", signature="s1"), call, model=HAIKU
            )
            messages = (*request.messages, answer, results(answer))
            request = evolve(request, messages=messages, system=())
            body = await send(server, client, request)
        assert body["messages"][1]["content"][0]["signature"] == "s1"
        assert body["thinking"] == {"type": "enabled", "budget_tokens": 2048}


class TestManner:
    """Whether a model thinks, and how much trouble it takes."""

    @pytest.mark.parametrize(
        ("name", "sent"),
        [
            (OPUS, None),
            ("claude-fable-5-2", None),
            (SONNET, {"type": "between_tools"}),
            ("claude-haiku-5-5", {"type": "disabled"}),
            ("claude-opus-5", {"type": "disabled"}),
            (HAIKU, {"type": "disabled"}),
            ("qwen", None),
        ],
    )
    async def test_models_do_not_think_unless_they_must(
        self, server: ReplayServer, client: ModelClient, name: str, sent: Any
    ) -> None:
        body = await send(server, client, ask("Hello.", model=name))
        assert body.get("thinking") == sent
        assert "output_config" not in body

    @pytest.mark.parametrize(
        ("name", "most", "sent"),
        [
            (OPUS, 4096, {"type": "adaptive"}),
            (SONNET, 64, {"type": "adaptive"}),
            ("claude-opus-4-6", 4096, {"type": "adaptive"}),
            (HAIKU, 64_000, {"type": "enabled", "budget_tokens": 4096}),
            (HAIKU, 4096, {"type": "enabled", "budget_tokens": 2048}),
            (HAIKU, 2000, {"type": "disabled"}),
            ("qwen", 4096, None),
        ],
    )
    async def test_they_think_when_they_shall(
        self, server: ReplayServer, ctx: FakeContext, name: str, most: int, sent: Any
    ) -> None:
        async with ctx.with_settings(thinking=True).open() as client:
            request = ask("Hello.", model=name, max_output_tokens=most)
            body = await send(server, client, request)
        assert body.get("thinking") == sent

    @pytest.mark.parametrize(
        ("effort", "name", "sent", "kind"),
        [
            ("low", OPUS, "low", None),
            ("low", SONNET, "low", "between_tools"),
            ("max", SONNET, "max", "adaptive"),
            ("xhigh", "claude-opus-4-6", None, "disabled"),
            ("high", HAIKU, None, "disabled"),
        ],
    )
    async def test_effort_where_a_model_knows_it(
        self, server: ReplayServer, ctx: FakeContext, effort: str, name: str, sent: Any, kind: Any
    ) -> None:
        async with ctx.with_settings(effort=effort).open() as client:
            body = await send(server, client, ask("Hello.", model=name))
        assert body.get("output_config") == (sent and {"effort": sent})
        assert body.get("thinking") == (kind and {"type": kind})

    async def test_what_the_server_says_of_a_model_counts(
        self, server: ReplayServer, client: ModelClient
    ) -> None:
        server.models = [model("claude-next-9", capabilities=capabilities("disabled"))]
        body = await send(server, client, ask("Hello.", model="claude-next-9"))
        assert body["thinking"] == {"type": "disabled"}

    async def test_a_call_without_a_thought_before_it_ends_the_turn_unthinkingly(
        self, server: ReplayServer, ctx: FakeContext
    ) -> None:
        answer = Message(Role.ASSISTANT, (ToolCall("a", "coin", {"times": 1}),))
        request = ask("Toss.", answer, results(answer), tools=(COIN,), model=HAIKU)
        async with ctx.with_settings(thinking=True).open() as client:
            body = await send(server, client, request)
        assert body["thinking"] == {"type": "disabled"}
