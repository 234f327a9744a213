"""Wrong model providers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from attrs import evolve

from argent_hookspecs import (
    Finish,
    Message,
    ModelInfo,
    ModelRequest,
    Role,
    TextDelta,
    ToolCall,
    ToolResult,
    Usage,
)
from argent_testing import ModelProviderContract, hang
from tests.mutants.declaring import caught_by, stubborn
from tests.mutants.minds import Mind, MindContract, a_mind


class TestRightProvider(MindContract):
    plugin = a_mind()


class NoWindow(Mind):
    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=0)


@caught_by("test_describes_its_models", "no context window")
class TestNoWindow(MindContract):
    plugin = a_mind(NoWindow)


class DescribesAnother(Mind):
    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id="other", context_window=100)


@caught_by("test_describes_its_models", "it describes other")
class TestDescribesAnother(MindContract):
    plugin = a_mind(DescribesAnother)


class NoFinish(Mind):
    async def say(self, request: ModelRequest) -> AsyncIterator[Any]:
        for part in self.parts(request):
            yield part


@caught_by("test_a_stream_ends_with_one_finish", "Finish must come once, last")
class TestNoFinish(MindContract):
    plugin = a_mind(NoFinish)


class TwoFinishes(Mind):
    async def say(self, request: ModelRequest) -> AsyncIterator[Any]:
        async for part in super().say(request):
            yield part
        yield part


@caught_by("test_a_stream_ends_with_one_finish", "Finish must come once, last")
class TestTwoFinishes(MindContract):
    plugin = a_mind(TwoFinishes)


class SpeaksOn(Mind):
    async def say(self, request: ModelRequest) -> AsyncIterator[Any]:
        async for part in super().say(request):
            yield part
        yield TextDelta("And another thing.")


@caught_by("test_a_stream_ends_with_one_finish", "Finish must come once, last")
class TestTextAfterFinish(MindContract):
    plugin = a_mind(SpeaksOn)


class SaysNothing(Mind):
    def parts(self, request: ModelRequest) -> Iterator[Any]:
        return iter(())


@caught_by("test_a_stream_ends_with_one_finish", "said nothing")
class TestSaysNothing(MindContract):
    plugin = a_mind(SaysNothing)


class StrangePart(Mind):
    def parts(self, request: ModelRequest) -> Iterator[Any]:
        yield ToolResult("1", "t", "x")


@caught_by("test_a_stream_ends_with_one_finish", "streamed ToolResult")
class TestStrangePart(MindContract):
    plugin = a_mind(StrangePart)


class CountsNothing(Mind):
    def usage(self, written: int) -> Usage:
        return Usage()


@caught_by("test_usage_is_counted", "was not counted")
class TestCountsNothing(MindContract):
    plugin = a_mind(CountsNothing)


class CountsTruth(Mind):
    def usage(self, written: int) -> Usage:
        return Usage(input_tokens=True, output_tokens=1)


@caught_by("test_usage_is_counted", "not a whole number")
class TestCountsTruth(MindContract):
    plugin = a_mind(CountsTruth)


class CountsBackwards(Mind):
    def usage(self, written: int) -> Usage:
        return Usage(input_tokens=1, output_tokens=-written)


@caught_by("test_usage_is_counted", "must be >= 0: -20")
class TestNegativeUsage(MindContract):
    plugin = a_mind(CountsBackwards)


class CountsTooMuch(Mind):
    def usage(self, written: int) -> Usage:
        return Usage(input_tokens=1_000_000, output_tokens=written)


@caught_by("test_usage_is_counted", "1000000 input_tokens are not believable")
class TestFantasticUsage(MindContract):
    plugin = a_mind(CountsTooMuch)


class Talker(Mind):
    def parts(self, request: ModelRequest) -> Iterator[Any]:
        return super().parts(evolve(request, max_output_tokens=50))


@caught_by("test_an_answer_keeps_to_its_limit", "wrote 20 tokens, not 4")
class TestIgnoresItsLimit(MindContract):
    plugin = a_mind(Talker)


class IgnoresSystem(Mind):
    def told(self, request: ModelRequest) -> Iterator[str]:
        return super().told(evolve(request, system=()))


@caught_by("test_all_that_is_told_counts", "not told what stands in system")
class TestIgnoresSystem(MindContract):
    plugin = a_mind(IgnoresSystem)


class FirstBlockOnly(Mind):
    def told(self, request: ModelRequest) -> Iterator[str]:
        return super().told(evolve(request, system=request.system[:1]))


@caught_by("test_the_model_is_told_everything", "the second block of system")
class TestFirstBlockOnly(MindContract):
    plugin = a_mind(FirstBlockOnly)


class NoHistory(Mind):
    def told(self, request: ModelRequest) -> Iterator[str]:
        return super().told(evolve(request, messages=request.messages[-1:]))


@caught_by("test_all_that_is_told_counts", "not told the history")
class TestNoHistory(MindContract):
    plugin = a_mind(NoHistory)


class OnlyUsers(Mind):
    def read(self, message: Message) -> Iterator[str]:
        return super().read(message) if message.role is Role.USER else iter(())


@caught_by("test_the_model_is_told_everything", "was not told the first answer")
class TestForgetsItsAnswers(MindContract):
    plugin = a_mind(OnlyUsers)


class ReadsBackwards(Mind):
    def told(self, request: ModelRequest) -> Iterator[str]:
        return super().told(evolve(request, messages=request.messages[::-1]))


@caught_by("test_the_model_is_told_everything", "out of order")
class TestReadsBackwards(MindContract):
    plugin = a_mind(ReadsBackwards)


class NoTools(Mind):
    def told(self, request: ModelRequest) -> Iterator[str]:
        return super().told(evolve(request, tools=()))


@caught_by("test_the_model_is_told_everything", "was not told the tool")
class TestShowsNoTools(MindContract):
    plugin = a_mind(NoTools)


class LosesResults(Mind):
    def read(self, message: Message) -> Iterator[str]:
        kept = tuple(part for part in message.parts if not isinstance(part, ToolResult))
        return super().read(evolve(message, parts=kept))


@caught_by("test_a_result_is_used", "was not told a result: result-0")
class TestLosesResults(MindContract):
    plugin = a_mind(LosesResults)


class HidesFailures(Mind):
    def read(self, message: Message) -> Iterator[str]:
        kept = tuple(part for part in message.parts if not getattr(part, "is_error", False))
        return super().read(evolve(message, parts=kept))


@caught_by("test_a_result_is_used", "was not told a result: result-1")
class TestHidesFailedCalls(MindContract):
    plugin = a_mind(HidesFailures)


class LosesACall(Mind):
    def parts(self, request: ModelRequest) -> Iterator[Any]:
        called = 0
        for part in super().parts(request):
            called += isinstance(part, ToolCall)
            if called < 2:
                yield part


@caught_by("test_calls_are_told_apart", "which came as [('coin', {'times': 2})]")
class TestLosesACall(MindContract):
    plugin = a_mind(LosesACall)


class MergesCalls(Mind):
    def parts(self, request: ModelRequest) -> Iterator[Any]:
        parts = list(super().parts(request))
        calls = [part for part in parts if isinstance(part, ToolCall)]
        yield from (part for part in parts if not isinstance(part, ToolCall))
        if calls:
            both = [number for call in calls for number in call.arguments.values()]
            yield ToolCall("m", calls[0].name, {"times": both})


@caught_by("test_calls_are_told_apart", "which came as [('coin', {'times': [2, 3]})]")
class TestMergesCalls(MindContract):
    plugin = a_mind(MergesCalls)


class SameIds(Mind):
    def parts(self, request: ModelRequest) -> Iterator[Any]:
        for part in super().parts(request):
            yield evolve(part, id="call") if isinstance(part, ToolCall) else part


@caught_by("test_calls_are_told_apart", "two calls have the same id")
class TestSameIds(MindContract):
    plugin = a_mind(SameIds)


class StopsForCalls(Mind):
    def finish(self, written: int, called: bool) -> Finish:
        return super().finish(written, False)


@caught_by("test_calls_are_told_apart", "the answer ended with stop, for calls")
class TestWrongReason(MindContract):
    plugin = a_mind(StopsForCalls)


class CallsAnyway(Mind):
    def parts(self, request: ModelRequest) -> Iterator[Any]:
        yield from super().parts(request)
        if request.tools:
            yield ToolCall("m", request.tools[0].name, {"times": 1})


@caught_by("test_it_calls_nothing_where_it_may_not", "called coin where it may not call")
class TestCallsAnyway(MindContract):
    plugin = a_mind(CallsAnyway)


class TearsLetters(Mind):
    def parts(self, request: ModelRequest) -> Iterator[Any]:
        for part in super().parts(request):
            if not isinstance(part, TextDelta):
                yield part
                continue
            told = part.text.encode()
            for start in range(0, len(told), 3):
                yield TextDelta(told[start : start + 3].decode(errors="replace"))


@caught_by("test_words_come_as_they_were_said", "which came as")
class TestTearsLetters(MindContract):
    plugin = a_mind(TearsLetters)


class HalfLetters(Mind):
    def parts(self, request: ModelRequest) -> Iterator[Any]:
        yield from super().parts(request)
        yield TextDelta("\ud83e")


@caught_by("test_no_letter_is_torn_apart", "a letter was torn apart")
class TestHalfLetters(MindContract):
    plugin = a_mind(HalfLetters)


class DoublesWords(Mind):
    def parts(self, request: ModelRequest) -> Iterator[Any]:
        for part in super().parts(request):
            yield part
            if isinstance(part, TextDelta):
                yield part


@caught_by("test_words_come_as_they_were_said", "which came as")
class TestDoublesWords(MindContract):
    plugin = a_mind(DoublesWords)


class StripsWords(Mind):
    def parts(self, request: ModelRequest) -> Iterator[Any]:
        for part in super().parts(request):
            yield TextDelta(part.text.strip()) if isinstance(part, TextDelta) else part


@caught_by("test_words_come_as_they_were_said", "which came as")
class TestStripsWords(MindContract):
    plugin = a_mind(StripsWords)


class ClosesSlowly(Mind):
    async def stream(self, request: ModelRequest) -> AsyncIterator[Any]:
        try:
            async for part in super().stream(request):
                yield part
        finally:
            await asyncio.sleep(5)


@caught_by("test_closing_the_stream_stops_it", "closing m took longer than")
class TestClosesSlowly(MindContract):
    plugin = a_mind(ClosesSlowly)


KEPT: list[Any] = []


class KeepsOpen(Mind):
    async def say(self, request: ModelRequest) -> AsyncIterator[Any]:
        KEPT.append(Path(__file__).open("rb"))  # noqa: SIM115, ASYNC230 - the fault itself
        async for part in super().say(request):
            yield part
        KEPT.pop().close()


@caught_by("test_a_closed_stream_lets_everything_go", "a stream of m, closed, keeps hold of a file")
class TestKeepsItsConnection(MindContract):
    plugin = a_mind(KeepsOpen)


class Deaf(Mind):
    async def say(self, request: ModelRequest) -> AsyncIterator[Any]:
        try:
            for _ in range(50):
                await asyncio.sleep(0)
                yield TextDelta("a")
            yield self.finish(50, False)
        finally:
            await stubborn()


@caught_by("test_an_answer_can_be_cancelled", "did not end within")
class TestProviderIgnoresCancellation(MindContract):
    plugin = a_mind(Deaf)
    patience = 10.0


class Turnstile(Mind):
    """Lets one in and keeps the other waiting for ever."""

    inside = 0

    async def say(self, request: ModelRequest) -> AsyncIterator[Any]:
        self.inside += 1
        if self.inside > 1:
            await hang()
        async for part in super().say(request):
            yield part
        self.inside -= 1


@caught_by("test_answers_side_by_side", "took longer than")
class TestOneAtATime(MindContract):
    plugin = a_mind(Turnstile)


class KnowsAll(Mind):
    async def stream(self, request: ModelRequest) -> AsyncIterator[Any]:
        async for part in super().stream(evolve(request, model="m")):
            yield part


@caught_by("test_an_unknown_model_is_refused", "should raise a ModelError")
class TestKnowsAll(MindContract):
    plugin = a_mind(KnowsAll)


class BareError(Mind):
    async def stream(self, request: ModelRequest) -> AsyncIterator[Any]:
        if request.model != "m":
            raise KeyError(request.model)
        async for part in super().stream(request):
            yield part


@caught_by("test_an_unknown_model_is_refused", "should raise a ModelError, not KeyError")
class TestProviderBareError(MindContract):
    plugin = a_mind(BareError)


@caught_by("test_a_stream_ends_with_one_finish", "Blocking call to time.sleep")
class TestProviderBlocks(ModelProviderContract):
    plugin = "tests.mutants.wrong_modules.blocking"
