"""The contract of model providers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import pytest
from attrs import evolve

from argent_core.guard import attempt_async
from argent_hookspecs import (
    ContextBlock,
    Finish,
    Message,
    ModelClient,
    ModelError,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRequest,
    ModelTier,
    Role,
    TextDelta,
    Thinking,
    ToolCall,
)
from argent_testing.answers import calls, collect, words
from argent_testing.contracts.base import OpenedContract
from argent_testing.contracts.conversations import Told, a_conversation, with_results
from argent_testing.specimen import Specimen

_PARTS = (TextDelta, Thinking, ToolCall, Finish)
_SAID = ("Grüße", ", 🦉 — ", "naïve", " 日本語", " ok.")
_CALLS = (ToolCall("1", "coin", {"times": 2}), ToolCall("2", "coin", {"times": 3}))
_LONG = "The person lives in a small house by the sea, with two dogs and a parrot. " * 3
_SOME = 5
_OVERHEAD = 2000
"""Tokens that a provider may put around a question of its own accord."""


class ModelProviderContract(OpenedContract):
    """Tries out a plugin's model providers, with real answers.

    Where the test can say what the model answers, and see what it is told, it overrides ``play``
    and ``told``: then tool calls and their results are tried out too.

    Attributes:
        models: The providers' own names of models; those of the plugin's tiers, if empty.
        prompt: What the models are asked.
        patience: Seconds that one answer may take, loading included.
    """

    kind = ModelProvider
    yields = ModelClient
    models: ClassVar[Sequence[str]] = ()
    prompt: ClassVar[str] = "Count from one to twenty, in words."
    patience: ClassVar[float] = 60.0

    async def play(self, live: Any, *parts: ModelPart) -> None:
        """Make the model answer the next request with these parts: override it.

        ``argent_testing.wire`` writes them as servers do.

        Args:
            live: What ``open`` yielded.
            parts: Words and tool calls; the end is left to the server.
        """
        pytest.skip("override play(live, *parts) and told(live) to try out tool calls")

    async def told(self, live: Any) -> str:
        """Return all that the model was told with the last request, as one text: override it."""
        pytest.skip("override play(live, *parts) and told(live) to try out what the model is told")

    async def test_describes_its_models(self, specimen: Specimen) -> None:
        """Each model has a window."""
        for client, model in self._offered(specimen):
            info = await self.soon(client.describe(model), what=f"description of {model}")
            assert isinstance(info, ModelInfo), f"describe returned {info!r:.100}"
            assert info.id == model, f"asked about {model}, it describes {info.id}"
            assert info.context_window > 0, f"{model} has no context window"

    async def test_a_stream_ends_with_one_finish(self, specimen: Specimen) -> None:
        """An answer has parts of the contract's classes; the last and only the last is Finish."""
        for client, model in self._offered(specimen):
            parts: list[Any] = await self._answer(client, self.request(model))
            strange = [part for part in parts if not isinstance(part, _PARTS)]
            assert not strange, f"{model} streamed {strange[0]!r:.100}"
            ends = [i for i, part in enumerate(parts) if isinstance(part, Finish)]
            assert ends == [len(parts) - 1], f"{model}: Finish must come once, last"
            assert len(parts) > 1, f"{model} said nothing"

    async def test_usage_is_counted(self, specimen: Specimen) -> None:
        """Tokens are whole numbers, and neither question nor answer is free of them."""
        for client, model in self._offered(specimen):
            usage = await self._usage(client, self.request(model))
            for name in ("input_tokens", "output_tokens"):
                count = getattr(usage, name)
                assert type(count) is int, f"{model}: {name} is {count!r}, not a whole number"
                assert count > 0, f"{model}: {name} was not counted"
            most = len(self.prompt.encode()) + _OVERHEAD
            assert usage.input_tokens <= most, (
                f"{model}: {usage.input_tokens} input_tokens are not believable for so short a "
                "question"
            )

    async def test_all_that_is_told_counts(self, specimen: Specimen) -> None:
        """What stands in the system's blocks and in the history is read, and counted."""
        for client, model in self._offered(specimen):
            short = self.request(model, max_output_tokens=1)
            block = ContextBlock(text=_LONG, source="contract", stable=True)
            past = (Message(Role.USER, _LONG), Message(Role.ASSISTANT, "Yes."))
            bare = await self._read(client, short)
            with_system = await self._read(client, evolve(short, system=(block,)))
            with_past = await self._read(client, evolve(short, messages=(*past, *short.messages)))
            assert with_system > bare + _SOME, f"{model} was not told what stands in system"
            assert with_past > bare + _SOME, f"{model} was not told the history"

    async def test_an_answer_keeps_to_its_limit(self, specimen: Specimen) -> None:
        """No more tokens are written than were asked for."""
        for client, model in self._offered(specimen):
            usage = await self._usage(client, self.request(model, max_output_tokens=4))
            assert usage.output_tokens <= 4, f"{model} wrote {usage.output_tokens} tokens, not 4"

    async def test_words_come_as_they_were_said(self, specimen: Specimen) -> None:
        """No letter is lost, doubled or torn apart, of whatever alphabet."""
        for client, model in self._offered(specimen):
            await self.play(client, *(TextDelta(piece) for piece in _SAID))
            said = words(await self._answer(client, self.request(model)))
            assert said == "".join(_SAID), f"{model} said {_SAID!r}, which came as {said!r}"

    async def test_no_letter_is_torn_apart(self, specimen: Specimen) -> None:
        """What comes are letters, not the halves of some."""
        for client, model in self._offered(specimen):
            said = words(await self._answer(client, self.request(model)))
            torn = "\ufffd" in said or any("\ud800" <= letter <= "\udfff" for letter in said)
            assert not torn, f"{model}: a letter was torn apart: {said!r:.200}"

    async def test_the_model_is_told_everything(self, specimen: Specimen) -> None:
        """System, history, calls, results and tools reach the model, in their order."""
        for client, model in self._offered(specimen):
            await self.play(client, TextDelta("Yes."))
            await self._answer(client, a_conversation(model))
            Told(model, await self.told(client)).check()

    async def test_calls_are_told_apart(self, specimen: Specimen) -> None:
        """Two calls at once are two calls, each whole, and the answer ends for them."""
        for client, model in self._offered(specimen):
            parts = await self._called(client, model)
            found = [(call.name, dict(call.arguments)) for call in calls(parts)]
            meant = [(call.name, dict(call.arguments)) for call in _CALLS]
            assert found == meant, f"{model} called {meant}, which came as {found}"
            ids = {call.id for call in calls(parts)}
            assert len(ids) == len(meant), f"{model}: two calls have the same id"
            reason = parts[-1].reason
            assert reason == "tool_calls", f"{model}: the answer ended with {reason}, for calls"

    async def test_a_result_is_used(self, specimen: Specimen) -> None:
        """What came of the calls reaches the model, in the same turn, and it goes on."""
        for client, model in self._offered(specimen):
            parts = await self._called(client, model)
            await self.play(client, TextDelta("It is 42."))
            answer = await self._answer(client, with_results(a_conversation(model), calls(parts)))
            told = await self.told(client)
            assert words(answer) == "It is 42.", f"{model}: {words(answer)!r} came after a result"
            for mark in ("result-0", "result-1"):
                assert mark in told, f"{model} was not told a result: {mark}"

    async def test_it_calls_nothing_where_it_may_not(self, specimen: Specimen) -> None:
        """With ``may_call=False``, the tools are for show."""
        for client, model in self._offered(specimen):
            asked = evolve(a_conversation(model), may_call=False, max_output_tokens=16)
            called = calls(await self._answer(client, asked))
            assert not called, f"{model} called {called[0].name} where it may not call"

    async def test_a_closed_stream_lets_everything_go(self, specimen: Specimen) -> None:
        """Closed after the first part, an answer holds no thread, file or socket any more."""
        for client, model in self._offered(specimen):
            visit = partial(self._begin, client, self.request(model))
            await self.assert_lets_go(visit, what=f"a stream of {model}, closed,")

    async def test_closing_the_stream_stops_it(self, specimen: Specimen) -> None:
        """Closed after the first part, it stops at once, and the next request is answered."""
        for client, model in self._offered(specimen):
            await self._begin(client, self.request(model))
            assert await self._answer(client, self.request(model))

    async def test_an_answer_can_be_cancelled(self, specimen: Specimen) -> None:
        """A request that is cancelled ends, and the next one is answered."""
        for client, model in self._offered(specimen):
            await self._answer(client, self.request(model))
            task = asyncio.create_task(self._answer(client, self.request(model)))
            await self.assert_stops(task, what=f"an answer of {model}")
            assert await self._answer(client, self.request(model))

    async def test_answers_side_by_side(self, specimen: Specimen) -> None:
        """Two requests at the same time are both answered."""
        for client, model in self._offered(specimen):
            both = (self._answer(client, self.request(model)) for _ in range(2))
            for parts in await asyncio.gather(*both):
                assert isinstance(parts[-1], Finish), f"{model}: an answer broke off"

    async def test_an_unknown_model_is_refused(self, specimen: Specimen) -> None:
        """A model that does not exist raises ``ModelError``, and nothing else."""
        for record in self.records(specimen):
            client = specimen.live(record)
            request = self.request("no-such-model-of-anybody")
            outcome = await attempt_async(partial(self._answer, client, request))
            assert isinstance(outcome.error, ModelError), (
                f"{record.id}: an unknown model should raise a ModelError, not "
                f"{outcome.error or outcome.value!r:.200}"
            )
            assert str(outcome.error).strip(), f"{record.id}: the error says nothing"
            self.discretion.check(str(outcome.error), what=f"the error of {record.id}")

    def request(self, model: str, *, max_output_tokens: int = 64) -> ModelRequest:
        """Return what a model is asked."""
        return ModelRequest(
            model=model,
            messages=(Message(Role.USER, self.prompt),),
            max_output_tokens=max_output_tokens,
            key="contract",
        )

    def _offered(self, specimen: Specimen) -> list[tuple[ModelClient, str]]:
        found = [
            (specimen.live(record), model)
            for record in self.records(specimen)
            for model in self.models or _models(specimen, record.id)
        ]
        assert found, "name the models to try in models; no tier of the plugin does"
        return found

    async def _answer(self, client: ModelClient, request: ModelRequest) -> list[ModelPart]:
        return await self.soon(collect(client, request), what=f"an answer of {request.model}")

    async def _usage(self, client: ModelClient, request: ModelRequest) -> Any:
        last = (await self._answer(client, request))[-1]
        assert isinstance(last, Finish), f"{request.model}: the last part is not Finish"
        return last.usage

    async def _read(self, client: ModelClient, request: ModelRequest) -> int:
        """Return how much was read, from a cache or not."""
        used = await self._usage(client, request)
        return int(used.input_tokens + used.cache_read_tokens + used.cache_write_tokens)

    async def _begin(self, client: ModelClient, request: ModelRequest) -> None:
        """Close an answer after its first part."""
        stream: Any = client.stream(request)
        await self.soon(anext(stream), what=f"first words of {request.model}")
        closing = stream.aclose()
        await self.soon(closing, what=f"closing {request.model}", seconds=self.stop_seconds)

    async def _called(self, client: ModelClient, model: str) -> list[Any]:
        await self.play(client, TextDelta("Let me see."), *_CALLS)
        return list(await self._answer(client, a_conversation(model)))


def _models(specimen: Specimen, provider: str) -> list[str]:
    tiers = specimen.of(ModelTier)
    return list(dict.fromkeys(tier.model for tier in tiers if tier.provider == provider))
