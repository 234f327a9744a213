"""Answers of the small model, through the provider."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from attrs import evolve
from llama_kit import SMALL, ask, in_time

from argent_hookspecs import (
    ContextBlock,
    ContextTooLong,
    FinishReason,
    ModelClient,
    ModelError,
    ModelPart,
    ModelRejected,
    ModelRequest,
    ModelUnavailable,
    TextDelta,
    ToolSpec,
)
from argent_testing import FakeContext, eventually
from argent_testing.answers import calls, collect, finish, words

pytestmark = pytest.mark.anyio
LONG = "Write a very long story about the sea, with many chapters."
COIN = ToolSpec(
    "coin",
    "Toss a coin some times.",
    {
        "type": "object",
        "properties": {"times": {"type": "integer"}, "side": {"enum": ["heads", "tails"]}},
        "required": ["times", "side"],
        "additionalProperties": False,
    },
)


async def test_answers_word_by_word(client: ModelClient) -> None:
    parts = await collect(client, ask("What is the capital of France?"))
    assert "Paris" in words(parts)
    assert len(parts) > 4
    end = finish(parts)
    assert end.reason is FinishReason.STOP
    assert end.usage.input_tokens > 5
    assert 4 < end.usage.output_tokens < 24


async def test_the_same_question_has_the_same_answer(client: ModelClient) -> None:
    first, second = [words(await collect(client, ask("What is a cat?"))) for _ in range(2)]
    assert first == second != ""


async def test_stops_at_the_longest_answer_asked_for(client: ModelClient) -> None:
    end = finish(await collect(client, ask(LONG, max_output_tokens=7)))
    assert end.reason is FinishReason.LENGTH
    assert end.usage.output_tokens == 7


async def test_small_talk_with_the_small_model_ends(client: ModelClient) -> None:
    workspace = Path(__file__).parents[3] / "workspace"
    blocks = [
        ContextBlock(text=(workspace / name).read_text("utf-8").strip(), source=name, stable=True)
        for name in ("AGENTS.md", "SOUL.md")
    ]
    ends = []
    for said in ("hi", "hello", "Hi there", "What can you do?", "ok", "bye"):
        request = evolve(ask(said, max_output_tokens=512), system=tuple(blocks))
        parts = await collect(client, request)
        sentences = Counter(re.split(r"[.!?]\s+", words(parts)))
        assert sentences.most_common(1)[0][1] < 3, sentences
        assert finish(parts).usage.output_tokens <= 200
        ends.append(finish(parts).reason)
    assert ends.count(FinishReason.STOP) >= 5


async def test_a_prompt_beyond_the_window_is_refused_in_words(client: ModelClient) -> None:
    with pytest.raises(ContextTooLong, match="window"):
        await collect(client, ask("word " * 2000))


async def test_an_answer_never_leaves_the_window(small: FakeContext) -> None:
    async with small.with_settings(context=512, parallel=1).open() as client:
        begun = "The ship sailed on, and the wind sang of islands far away. " * 24
        parts = await collect(client, ask(f"{LONG} {begun}", max_output_tokens=4096))
    end = finish(parts)
    assert end.reason is FinishReason.LENGTH
    assert end.usage.input_tokens + end.usage.output_tokens <= 512


async def test_a_next_turn_reads_only_what_is_new(
    client: ModelClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "argent.llama")
    block = ContextBlock(text="The ship has a red sail. " * 20, source="ship", stable=True)

    def turn(*said: str) -> ModelRequest:
        return evolve(ask(*said), system=(block,))

    answer = words(await collect(client, turn("Hello.")))
    await collect(client, turn("Hello.", answer, "What colour is the sail?"))
    first, second = [record.__dict__ for record in caplog.records if record.msg == "answered"]
    assert second["cached_tokens"] >= first["input_tokens"] > 100
    assert second["input_tokens"] - second["cached_tokens"] < 30


async def test_closing_the_iterator_stops_the_model(client: ModelClient) -> None:
    await collect(client, ask("Hello.", max_output_tokens=1))
    stream = client.stream(ask(LONG, max_output_tokens=900))
    async with aclosing(stream) as parts:  # type: ignore[type-var]
        async for _ in parts:
            break
        async with in_time(0.2):
            await parts.aclose()  # type: ignore[attr-defined]
    async with in_time(3):
        assert words(await collect(client, ask("Hello.", max_output_tokens=2)))


async def test_a_cancelled_answer_ends_before_the_provider_is_closed(
    small: FakeContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "argent.llama")
    begun = asyncio.Event()

    async def listen(client: ModelClient) -> None:
        async for _ in client.stream(ask(LONG, max_output_tokens=900)):
            begun.set()

    async with small.open() as client:
        task = asyncio.create_task(listen(client))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with in_time(0.2):
                await task
    assert "answered" not in caplog.messages


async def test_whoever_listens_when_the_provider_closes_is_told(small: FakeContext) -> None:
    async with small.with_settings(parallel=1).open() as client:
        speaking = client.stream(ask(LONG, max_output_tokens=900))
        await anext(speaking)
        waiting = asyncio.create_task(collect(client, ask("Hello.")))
        await asyncio.sleep(0)
    for listener in (collect_rest(speaking), waiting):
        with pytest.raises(ModelUnavailable, match="unloaded") as told:
            await listener
        assert "ask again" not in str(told.value)


async def collect_rest(parts: AsyncIterator[ModelPart]) -> list[ModelPart]:
    return [part async for part in parts]


async def test_a_stop_while_the_prompt_is_read_is_not_waited_for(small: FakeContext) -> None:
    async with small.with_settings(context=4096, parallel=1).open() as client:
        await collect(client, ask("Hello.", max_output_tokens=1))
        with pytest.raises(TimeoutError):
            async with in_time(0.4), asyncio.timeout(0.2):
                await collect(client, ask("sea " * 3900))
        async with in_time(3):
            await collect(client, ask("Hello.", max_output_tokens=1))


async def test_answers_are_given_side_by_side(client: ModelClient) -> None:
    order: list[str] = []

    async def talk(name: str) -> None:
        async for _ in client.stream(ask(f"{name}: {LONG}", max_output_tokens=20)):
            order.append(name)

    await asyncio.gather(talk("first"), talk("second"))
    switches = sum(one != other for one, other in itertools.pairwise(order))
    assert switches > 5


async def test_more_questions_than_places_wait_their_turn(small: FakeContext) -> None:
    async with small.with_settings(parallel=1).open() as client:
        questions = [ask(f"Say {n}.", max_output_tokens=4) for n in range(3)]
        answers = await asyncio.gather(*(collect(client, one) for one in questions))
    assert all(finish(parts).usage.output_tokens for parts in answers)


async def test_one_who_waits_can_give_up(small: FakeContext) -> None:
    async with small.with_settings(parallel=1).open() as client:
        busy = client.stream(ask(LONG, max_output_tokens=900))
        await anext(busy)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await collect(client, ask("Hello."))
        assert isinstance(await anext(busy), TextDelta)
        await busy.aclose()  # type: ignore[attr-defined]


async def test_first_questions_share_one_loading(small: FakeContext) -> None:
    async with small.open() as client:
        questions = [ask("Hello.", max_output_tokens=2) for _ in range(3)]
        await asyncio.gather(*(collect(client, one) for one in questions))
    loaded = [note for note in small.notes if note.done == note.total]
    assert len(loaded) == 1
    assert loaded[0].activity == "loading SmolLM2-135M-Instruct Q4_1"
    assert loaded[0].unit == "B"


async def test_giving_up_while_the_model_loads_leaves_nothing(small: FakeContext) -> None:
    for _ in range(5):
        async with small.open() as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await collect(client, ask("Hello."))


async def test_the_event_loop_runs_while_the_model_thinks(client: ModelClient) -> None:
    await collect(client, ask("Hello.", max_output_tokens=1))
    ticks = 0
    answer = asyncio.create_task(collect(client, ask("sea " * 600, max_output_tokens=1)))
    while not answer.done():
        await asyncio.sleep(0.005)
        ticks += 1
    assert ticks > 40


async def test_opening_is_light(small: FakeContext) -> None:
    async with small.open() as client:
        await client.describe(SMALL)
    assert not small.notes


async def test_an_idle_model_is_unloaded_and_comes_back(small: FakeContext) -> None:
    ctx = small.with_settings(idle_unload=60.0)
    async with ctx.open() as client:
        await collect(client, ask("Hello.", max_output_tokens=1))
        await eventually(lambda: ctx.clock.sleepers, what="counting the idle time")
        loaded = len(ctx.notes)
        await ctx.clock.advance(61)
        await collect(client, ask("Hello.", max_output_tokens=1))
        assert len(ctx.notes) == 2 * loaded


async def test_offered_tools_are_called_in_their_shape(small: FakeContext) -> None:
    question = ask("Use the tool coin.", tools=(COIN,), max_output_tokens=60)
    async with small.with_settings(tools="always").open() as client:
        parts = await collect(client, question)
    (call,) = calls(parts)
    assert call.name == "coin"
    assert isinstance(call.arguments["times"], int)
    assert call.arguments["side"] in ("heads", "tails")
    assert finish(parts).reason is FinishReason.TOOL_CALLS
    assert not words(parts)


async def test_a_reply_beside_tools_streams_as_plain_words(small: FakeContext) -> None:
    async with small.with_settings(tools="always").open() as client:
        parts = await collect(client, ask("Hello!", tools=(COIN,), max_output_tokens=60))
    assert words(parts).startswith("Hello!")
    assert len(parts) > 5
    assert not {"{", '"', "\\"} & set(words(parts))
    assert finish(parts).reason is FinishReason.STOP


async def test_a_model_that_cannot_use_tools_answers_in_words(client: ModelClient) -> None:
    parts = await collect(client, ask("What is the capital of France?", tools=(COIN,)))
    assert "Paris" in words(parts)
    assert not calls(parts)


async def test_marks_of_the_template_are_only_text(client: ModelClient) -> None:
    plain, marked = [
        finish(await collect(client, ask(text * 20, max_output_tokens=1))).usage.input_tokens
        for text in ("x", "<|im_end|>")
    ]
    assert marked > plain + 80


async def test_half_a_character_does_no_harm(client: ModelClient) -> None:
    assert finish(await collect(client, ask("a \ud83d b", max_output_tokens=2)))


async def test_nothing_to_answer_is_rejected(client: ModelClient) -> None:
    with pytest.raises(ModelRejected, match="no message"):
        await collect(client, ModelRequest(model=SMALL, messages=()))


async def test_an_unknown_model_is_rejected_with_the_known_names(client: ModelClient) -> None:
    with pytest.raises(ModelRejected, match=r"smollm2-135m, qwen2\.5-coder-1\.5b"):
        await collect(client, ask("Hello.", model="gpt-7"))


async def test_a_missing_file_is_explained(ctx: FakeContext) -> None:
    path = str(ctx.data / "none.gguf")
    async with ctx.open() as client:
        with pytest.raises(ModelRejected, match=r"no file .*none\.gguf; correct"):
            await collect(client, ask("Hello.", model=path))


@pytest.mark.parametrize(
    ("keep", "problem"),
    [(2, ModelRejected), (3000, ModelUnavailable), (5_000_000, ModelUnavailable)],
)
async def test_a_damaged_file_of_the_person_is_explained_and_left(
    small: FakeContext, tmp_path: Path, keep: int, problem: type[ModelError]
) -> None:
    async with small.open() as client:
        await collect(client, ask("Hello.", max_output_tokens=1))
    whole = next(small.data.glob("models/SmolLM2*.gguf"))
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole.read_bytes()[:keep])
    async with small.open() as client:
        with pytest.raises(problem, match=r"cut\.gguf"):
            await collect(client, ask("Hello.", model=str(cut)))
    assert cut.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_nobody_else_can_reach_the_model(client: ModelClient) -> None:
    await collect(client, ask("Hello.", max_output_tokens=1))
    assert not _listening_ports()
    assert not _socket_files()


def _listening_ports() -> list[str]:
    """TCP ports on which this process listens; see ``proc_net_tcp`` of the kernel's manual."""
    mine = {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()
    ]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in mine]


def _socket_files() -> list[str]:
    table = Path("/proc/self/net/unix").read_text().splitlines()
    named = [line.split()[-1] for line in table if line.endswith("llama.sock")]
    return [path for path in named if Path(path).exists()]
