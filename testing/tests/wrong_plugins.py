"""Plugins that do one thing wrong each, under the contract that must notice.

This module is run by ``test_wrong_plugins.py``. ``caught_by`` names the test that must fail, and
words of the failure. ``WRONG`` lists the classes.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from attrs import define, field, frozen

from argent_hookspecs import (
    TEXT_EXTRACTOR,
    Address,
    ArgentError,
    Channel,
    ContextBlock,
    ContextProvider,
    ContextRequest,
    Effect,
    Event,
    EventSource,
    Feed,
    Filter,
    Finish,
    Health,
    HealthCheck,
    Job,
    ModelInfo,
    ModelProvider,
    ModelRejected,
    ModelRequest,
    ModelTier,
    Observer,
    OutputHandler,
    Plugin,
    Receipt,
    Reject,
    Reply,
    Service,
    ServiceKey,
    TextDelta,
    Tool,
    ToolResult,
    Usage,
    hookimpl,
)
from argent_testing import (
    ChannelContract,
    ContextProviderContract,
    EventSourceContract,
    FilterContract,
    HealthCheckContract,
    JobContract,
    MadePlugin,
    ModelProviderContract,
    ModelTierContract,
    ObserverContract,
    OutputHandlerContract,
    PluginContract,
    ServiceContract,
    TextExtractorContract,
    ToolContract,
    hang,
)

WRONG: list[type[Any]] = []


def caught_by(test: str, words: str) -> Callable[[type[Any]], type[Any]]:
    """Note which test must fail for a class, and what it must say."""

    def note(contract: type[Any]) -> type[Any]:
        contract.expected = (test, words)
        contract.patience = 0.3
        contract.stop_seconds = 0.2
        WRONG.append(contract)
        return contract

    return note


async def stubborn(*_: Any) -> Any:
    """Ignore being cancelled, for longer than a contract waits."""
    for _ in range(2):
        try:
            await asyncio.sleep(0.6)
        except asyncio.CancelledError:
            continue


async def nothing(*_: Any) -> None:
    return None


def bringing(*records: Any) -> MadePlugin:
    return MadePlugin("wrong", *records)


# Records


@caught_by("test_records_are_sound", "is not usable")
class TestBlankId(JobContract):
    plugin = bringing(Job(id=" ", run=nothing, every=timedelta(1)))


@caught_by("test_records_are_sound", "must be positive")
class TestNoTime(JobContract):
    plugin = bringing(Job(id="j", run=nothing, every=timedelta(1), timeout=0))


@caught_by("test_says_how_it_is", "brings no HealthCheck")
class TestNothingThere(HealthCheckContract):
    plugin = bringing(Job(id="j", run=nothing, every=timedelta(1)))


class Restless:
    """Its hook yields something else each time."""

    name = "wrong"
    numbers = itertools.count()

    @hookimpl
    def argent_plugin(self) -> Plugin:
        return Plugin(summary="Restless.")

    @hookimpl
    def argent_jobs(self) -> list[Job]:
        return [Job(id=f"j{next(self.numbers)}", run=nothing, every=timedelta(1))]


@caught_by("test_hooks_only_register", "something else")
class TestRestless(JobContract):
    plugin = Restless()


def service(opener: Callable[[], AbstractAsyncContextManager[Any]]) -> MadePlugin:
    return bringing(Service(key=ServiceKey("s", dict), open=opener))


@asynccontextmanager
async def leaking() -> AsyncIterator[dict[str, str]]:
    asyncio.get_running_loop().create_task(hang(), name="forgotten")
    yield {}


@caught_by("test_opens_and_closes_again_and_again", "left 1 tasks running")
class TestLeaks(ServiceContract):
    plugin = service(leaking)


class Swallows:
    async def listen(self, feed: Feed) -> None:
        await hang()

    async def __aenter__(self) -> Swallows:
        return self

    async def __aexit__(self, *_: object) -> bool:
        return True


@caught_by("test_closes_after_an_error", "DID NOT RAISE")
class TestSwallowsErrors(EventSourceContract):
    plugin = bringing(EventSource(id="e", open=Swallows))


@caught_by("test_can_be_found", "something else")
class TestWrongService(ServiceContract):
    plugin = service(lambda: nullcontext("no dict"))


# Documents


class Reads:
    """An extractor of plain text, right but for what a child of it does wrong."""

    media_types = frozenset({"text/plain"})

    async def extract(self, path: Path, media_type: str) -> str:
        content = await asyncio.to_thread(_content, path)
        if len(content) < 20:
            raise ArgentError("it is too short")
        return content.decode(errors="replace")

    def plugin(self) -> MadePlugin:
        return bringing(Service(key=TEXT_EXTRACTOR, open=lambda: nullcontext(self)))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArgentError("it is not there") from error


class ReadsMore(Reads):
    media_types = frozenset({"text/plain", "text/csv"})


class ReadsHalf(Reads):
    async def extract(self, path: Path, media_type: str) -> str:
        text = await super().extract(path, media_type)
        return text[: len(text) // 2]


class Trusting(Reads):
    async def extract(self, path: Path, media_type: str) -> str:
        return (await asyncio.to_thread(path.read_bytes)).decode()


class Inventive(Reads):
    async def extract(self, path: Path, media_type: str) -> str:
        with suppress(ArgentError):
            return await super().extract(path, media_type)
        return "nothing"


class Mixes(Reads):
    path: Path

    async def extract(self, path: Path, media_type: str) -> str:
        self.path = path
        await asyncio.sleep(0)
        return await super().extract(self.path, media_type)


class Stubborn(Reads):
    async def extract(self, path: Path, media_type: str) -> str:
        await stubborn()
        return ""


class Documents(TextExtractorContract):
    documents: ClassVar = {"text/plain": (b"A long line of words.", "of words")}


@caught_by("test_every_type_is_tried", "no document of text/csv")
class TestReadsMore(Documents):
    plugin = ReadsMore().plugin()


@caught_by("test_finds_the_words", "'of words' is not in")
class TestReadsHalf(Documents):
    plugin = ReadsHalf().plugin()


@caught_by("test_survives_what_is_broken", "UnicodeDecodeError")
class TestTrusting(Documents):
    plugin = Trusting().plugin()


@caught_by("test_refuses_what_is_gone", "it found 'nothing'")
class TestInventive(Documents):
    plugin = Inventive().plugin()


@caught_by("test_reads_several_at_once", "is missing beside others")
class TestMixes(Documents):
    plugin = Mixes().plugin()
    documents: ClassVar = {
        "text/plain": (b"A long line of words.", "of words"),
        "text/csv": (b"Another line, of numbers.", "of numbers"),
    }


@caught_by("test_can_be_cancelled", "did not end within")
class TestReadsOn(Documents):
    plugin = Stubborn().plugin()


# Tools


class OneTool(ToolContract):
    calls: ClassVar[Any] = {"t": [{}]}


def one_tool(run: Any, **options: Any) -> MadePlugin:
    return bringing(Tool(id="t", description="Do something.", run=run, **options))


async def fine() -> str:
    return "fine"


async def untyped(number) -> str:  # type: ignore[no-untyped-def]
    return str(number)


async def broken() -> str:
    raise RuntimeError("broken inside")


async def strange() -> object:
    return object()


async def to_number(text: str) -> int:
    return int(text)


async def pick_any(text: str) -> str:
    return "picked"


class Single:
    busy = False

    async def run(self) -> str:
        if self.busy:
            raise RuntimeError("one at a time")
        self.busy = True
        await asyncio.sleep(0)
        self.busy = False
        return "done"


async def endless() -> str:
    return str(await hang())


async def sulk() -> str:
    return str(await stubborn())


async def spawning() -> str:
    asyncio.get_running_loop().create_task(hang(), name="forgotten")
    return "spawned"


async def always_done(key: str) -> str | None:
    return "done"


@caught_by("test_the_model_can_read_what_it_is_for", "says too little")
class TestMute(OneTool):
    plugin = bringing(Tool(id="t", description="", run=fine))


@caught_by("test_the_model_can_read_what_it_is_for", "needs a type")
class TestUntyped(OneTool):
    plugin = one_tool(untyped)


@caught_by("test_each_is_called", "write into calls")
class TestUncalled(OneTool):
    plugin = one_tool(fine)
    calls: ClassVar = {"t": []}


@caught_by("test_each_is_called", "no such tools: t2")
class TestMisnamed(OneTool):
    plugin = one_tool(fine)
    mistakes: ClassVar = {"t2": [{}]}


@caught_by("test_calls_work", "broken inside")
class TestBroken(OneTool):
    plugin = one_tool(broken)


@caught_by("test_calls_work", "took longer than")
class TestHangs(OneTool):
    plugin = one_tool(endless, timeout=0.1)


@caught_by("test_calls_work", "returned")
class TestStrange(OneTool):
    plugin = one_tool(strange)


@caught_by("test_mistakes_are_refused", "should have raised a ToolError, but returned")
class TestGullible(OneTool):
    plugin = one_tool(pick_any)
    calls: ClassVar = {"t": [{"text": "a"}]}
    mistakes: ClassVar = {"t": [{"text": "wrong"}]}


@caught_by("test_mistakes_are_refused", "raised ValueError")
class TestCrashes(OneTool):
    plugin = one_tool(to_number)
    calls: ClassVar = {"t": [{"text": "1"}]}
    mistakes: ClassVar = {"t": [{"text": "wrong"}]}


@caught_by("test_odd_texts_do_no_harm", "ValueError")
class TestFragile(OneTool):
    plugin = one_tool(to_number, effect=Effect.IDEMPOTENT)
    calls: ClassVar = {"t": [{"text": "1"}]}


@caught_by("test_calls_run_side_by_side", "one at a time")
class TestSingle(OneTool):
    plugin = one_tool(Single().run)
    calls: ClassVar = {"t": [{}, {}]}


@caught_by("test_a_call_can_be_cancelled", "did not end within")
class TestStubborn(OneTool):
    plugin = one_tool(sulk)


@caught_by("test_what_can_be_asked_can_be_asked", "effect and check disagree")
class TestNoCheck(OneTool):
    plugin = one_tool(fine, effect=Effect.QUERYABLE)


@caught_by("test_what_can_be_asked_can_be_asked", "which never was")
class TestLyingCheck(OneTool):
    plugin = one_tool(fine, effect=Effect.QUERYABLE, check=always_done)


@caught_by("test_calls_work", "tasks left behind: forgotten")
class TestSpawns(OneTool):
    plugin = one_tool(spawning)


# Models


@define
class Client:
    """A model that is sound but for what a test changes."""

    parts: Callable[[ModelRequest], Sequence[Any]] = field(
        default=lambda request: [
            TextDelta("hi"),
            Finish(usage=Usage(input_tokens=1, output_tokens=1)),
        ]
    )
    begin: Callable[[], Any] = nothing
    end: Callable[[], Any] = nothing
    knows: str = "m"
    info: ModelInfo = field(factory=lambda: ModelInfo(id="m", context_window=100))

    async def stream(self, request: ModelRequest) -> AsyncIterator[Any]:
        if self.knows and request.model != self.knows:
            raise ModelRejected("unknown")
        await self.begin()
        try:
            for part in self.parts(request):
                yield part
                await asyncio.sleep(0)
        finally:
            await self.end()

    async def describe(self, model: str) -> ModelInfo:
        return self.info


def model(**options: Any) -> MadePlugin:
    client = Client(**options)
    return bringing(
        ModelProvider(id="p", open=lambda: nullcontext(client)),
        ModelTier(id="t", name="local", below=0.3, provider="p", model="m"),
    )


USED = Usage(input_tokens=1, output_tokens=1)
END = Finish(usage=USED)


@caught_by("test_describes_its_models", "no context window")
class TestNoWindow(ModelProviderContract):
    plugin = model(info=ModelInfo(id="m", context_window=0))


@caught_by("test_describes_its_models", "it describes other")
class TestOtherModel(ModelProviderContract):
    plugin = model(info=ModelInfo(id="other", context_window=1))


@caught_by("test_a_stream_ends_with_one_finish", "once, last")
class TestTwoEnds(ModelProviderContract):
    plugin = model(parts=lambda _: [TextDelta("a"), END, END])


@caught_by("test_a_stream_ends_with_one_finish", "once, last")
class TestNoEnd(ModelProviderContract):
    plugin = model(parts=lambda _: [TextDelta("a")])


@caught_by("test_a_stream_ends_with_one_finish", "said nothing")
class TestSilent(ModelProviderContract):
    plugin = model(parts=lambda _: [END])


@caught_by("test_a_stream_ends_with_one_finish", "streamed")
class TestStrangePart(ModelProviderContract):
    plugin = model(parts=lambda _: [ToolResult("1", "t", "x"), END])


@caught_by("test_usage_is_counted", "was not counted")
class TestNoUsage(ModelProviderContract):
    plugin = model(parts=lambda _: [TextDelta("a"), Finish()])


@caught_by("test_usage_is_counted", "not a whole number")
class TestUsageOfTruth(ModelProviderContract):
    plugin = model(
        parts=lambda _: [TextDelta("a"), Finish(usage=Usage(input_tokens=True, output_tokens=1))]
    )


@caught_by("test_an_answer_keeps_to_its_limit", "wrote 50 tokens")
class TestTalker(ModelProviderContract):
    plugin = model(
        parts=lambda _: [TextDelta("a"), Finish(usage=Usage(input_tokens=1, output_tokens=50))]
    )


@caught_by("test_closing_the_stream_stops_it", "took longer than")
class TestClosesSlowly(ModelProviderContract):
    plugin = model(end=lambda: asyncio.sleep(5))


@caught_by("test_an_answer_can_be_cancelled", "did not end within")
class TestDeaf(ModelProviderContract):
    plugin = model(parts=lambda _: [*[TextDelta("a")] * 50, END], end=stubborn)


class Turnstile:
    """Lets one in and keeps the other waiting for ever."""

    inside = 0

    async def enter(self) -> None:
        self.inside += 1
        if self.inside > 1:
            await hang()

    async def leave(self) -> None:
        self.inside -= 1
        await asyncio.sleep(0)


TURNSTILE = Turnstile()


@caught_by("test_answers_side_by_side", "took longer than")
class TestOneAtATime(ModelProviderContract):
    plugin = model(begin=TURNSTILE.enter, end=TURNSTILE.leave)


@caught_by("test_an_unknown_model_is_refused", "should raise a ModelError")
class TestKnowsAll(ModelProviderContract):
    plugin = model(knows="")


@caught_by("test_tiers_make_sense", "serves no score")
class TestNoScores(ModelTierContract):
    plugin = bringing(ModelTier(id="t", name="local", below=0, provider="p", model="m"))


@caught_by("test_the_provider_is_there", "no provider 'p'")
class TestNoProvider(ModelTierContract):
    plugin = bringing(ModelTier(id="t", name="local", below=0.3, provider="p", model="m"))


@caught_by("test_the_provider_knows_the_model", "no context window")
class TestUnknownToProvider(ModelTierContract):
    plugin = model(info=ModelInfo(id="m", context_window=0))


# What comes in and goes out


@define
class Wire:
    """A channel that is sound but for what a test changes."""

    said: asyncio.Queue[str] = field(factory=asyncio.Queue)
    got: list[str] = field(factory=list)
    listening: Callable[[], Any] | None = None
    answers: Callable[[Reply], Any] = field(default=lambda reply: Receipt(reply.key))
    event: Callable[[str], Event] = field(
        default=lambda text: Event(
            conversation="c", content=text, sender="s", reply_to=Address("wire", "c")
        )
    )
    batch: int = 1

    async def listen(self, feed: Feed) -> None:
        if self.listening is not None:
            await self.listening()
            return
        while True:
            texts = [await self.said.get() for _ in range(self.batch)]
            for text in reversed(texts):
                await feed.emit(self.event(text))

    async def deliver(self, reply: Reply) -> Receipt:
        self.got.append(reply.text)
        answer: Receipt = self.answers(reply)
        return answer


def channel(*, idempotent: bool = False, timeout: float = 0.3, **options: Any) -> MadePlugin:
    return bringing(
        Channel(
            id="wire",
            open=lambda: nullcontext(Wire(**options)),
            idempotent=idempotent,
            timeout=timeout,
        )
    )


class WireContract(ChannelContract):
    async def happen(self, live: Any, text: str) -> None:
        live.said.put_nowait(text)

    async def arrived(self, live: Any) -> Sequence[str]:
        return list(live.got)


def fail(reply: Reply) -> Receipt:
    raise RuntimeError("the line is cut")


@caught_by("test_listens_until_cancelled", "ended by itself")
class TestEnds(WireContract):
    plugin = channel(listening=nothing)


@caught_by("test_listens_until_cancelled", "did not end within")
class TestListensOn(WireContract):
    plugin = channel(listening=stubborn)


@caught_by("test_what_happens_becomes_an_event", "not within")
class TestHearsNothing(WireContract):
    plugin = channel(listening=hang)


@caught_by("test_what_happens_becomes_an_event", "without a reply_to")
class TestNoWayBack(WireContract):
    plugin = channel(event=lambda text: Event(conversation="c", content=text, sender="s"))


@caught_by("test_what_happens_becomes_an_event", "belongs to no conversation")
class TestNoConversation(WireContract):
    plugin = channel(event=lambda text: Event(conversation="", content=text))


@caught_by("test_what_happens_becomes_an_event", "which is no Event")
class TestNoEvent(WireContract):
    plugin = channel(event=lambda text: text)


@caught_by("test_what_happens_comes_in_order", "out of order")
class TestBackwards(WireContract):
    plugin = channel(batch=3)


@caught_by("test_a_reply_is_delivered_or_turned_down", "no Receipt")
class TestNoReceipt(WireContract):
    plugin = channel(answers=lambda _: None)


@caught_by("test_a_reply_is_delivered_or_turned_down", "has no id")
class TestEmptyReceipt(WireContract):
    plugin = channel(answers=lambda _: Receipt(""))


@caught_by("test_a_reply_is_delivered_or_turned_down", "the line is cut")
class TestCutLine(WireContract):
    plugin = channel(answers=fail)


@caught_by("test_a_second_try_with_the_same_key_shows_nothing_new", "2 times")
class TestShowsTwice(WireContract):
    plugin = channel(idempotent=True)


@caught_by("test_opens_and_closes_twice", "which is no Listener")
class TestNoListener(EventSourceContract):
    plugin = bringing(EventSource(id="e", open=lambda: nullcontext(object())))


class Slow:
    deliver = staticmethod(stubborn)


@caught_by("test_a_delivery_can_be_cancelled", "did not end within")
class TestDeliversOn(OutputHandlerContract):
    plugin = bringing(OutputHandler(id="o", open=lambda: nullcontext(Slow()), timeout=0.2))


# What stands around a turn


def provider(provide: Any, **options: Any) -> MadePlugin:
    return bringing(ContextProvider(id="c", provide=provide, **options))


async def wordy(request: ContextRequest) -> list[ContextBlock]:
    return [ContextBlock(text="word " * 5000, source="w")]


async def moody(request: ContextRequest) -> list[ContextBlock]:
    return [ContextBlock(text=f"for {request.event.conversation}", source="m", stable=True)]


async def sourceless(request: ContextRequest) -> list[ContextBlock]:
    return [ContextBlock(text="somebody said", source="")]


@caught_by("test_keeps_to_its_budget", "in a budget of")
class TestWordy(ContextProviderContract):
    plugin = provider(wordy)


@caught_by("test_stable_blocks_stay_the_same", "blocks change")
class TestMoody(ContextProviderContract):
    plugin = provider(moody)


@caught_by("test_returns_blocks_in_time", "does not say its source")
class TestSourceless(ContextProviderContract):
    plugin = provider(sourceless)


@caught_by("test_returns_blocks_in_time", "took longer than")
class TestLate(ContextProviderContract):
    plugin = provider(hang, timeout=0.1)


@caught_by("test_can_be_cancelled", "did not end within")
class TestProvidesOn(ContextProviderContract):
    plugin = provider(stubborn)


async def no_to_all(event: Event) -> Event | Reject:
    return Reject("no")


async def yes_to_all(event: Event) -> Event | Reject:
    return event


async def first_word(event: Event) -> Event | Reject:
    return event if event.kind == "message" else Reject(event.data["why"])


@caught_by("test_looks_at_something", "looks at nothing")
class TestBlind(FilterContract):
    plugin = bringing(Filter(id="f"))


@caught_by("test_lets_through_what_it_should", "Reject")
class TestNaysayer(FilterContract):
    plugin = bringing(Filter(id="f", event=no_to_all))


@caught_by("test_lets_through_what_it_should", "made None of it")
class TestForgetsValue(FilterContract):
    plugin = bringing(Filter(id="f", event=nothing))


@caught_by("test_rejects_what_it_should", "no filter rejects")
class TestLetsAllIn(FilterContract):
    plugin = bringing(Filter(id="f", event=yes_to_all))
    rejects = (Event(conversation="c", content="bad"),)


@caught_by("test_copes_with_anything", "KeyError")
class TestTrustsData(FilterContract):
    plugin = bringing(Filter(id="f", event=first_word))


async def only_drafts(notice: Any) -> None:
    assert notice.text


@caught_by("test_takes_every_notice_that_it_wants", "has no attribute")
class TestNarrow(ObserverContract):
    plugin = bringing(Observer(id="o", notify=only_drafts))


@caught_by("test_wants_notices", "is no notice")
class TestWantsEvents(ObserverContract):
    plugin = bringing(Observer(id="o", notify=nothing, kinds=(Event,)))


class OnceOnly:
    def __init__(self) -> None:
        self.done = False

    async def run(self) -> None:
        if self.done:
            raise RuntimeError("ran before")
        self.done = True


@caught_by("test_runs_again_and_again", "ran before")
class TestOnceOnly(JobContract):
    plugin = bringing(Job(id="j", run=OnceOnly().run, every=timedelta(1)))


@caught_by("test_can_be_cancelled", "did not end within")
class TestWorksOn(JobContract):
    plugin = bringing(Job(id="j", run=stubborn, every=timedelta(1), timeout=0.2))


async def unwell() -> Health:
    return Health(False, "the disk is on fire")


async def truth() -> bool:
    return True


@caught_by("test_says_how_it_is", "what to do")
class TestNoRemedy(HealthCheckContract):
    plugin = bringing(HealthCheck(id="h", check=unwell))


@caught_by("test_says_how_it_is", "returned True")
class TestBareTruth(HealthCheckContract):
    plugin = bringing(HealthCheck(id="h", check=truth))


# Plugins as a whole


@frozen
class Undocumented:
    port: int = 8080


@caught_by("test_settings_explain_themselves", "port")
class TestUndocumented(PluginContract):
    plugin = MadePlugin("wrong", settings=Undocumented)


class Chatty:
    name = "chatty"

    @hookimpl
    def argent_plugin(self) -> Plugin:
        return Plugin(summary="Many\nlines.")


@caught_by("test_says_who_it_is", "more than one line")
class TestChatty(PluginContract):
    plugin = Chatty()


@caught_by("test_its_import_is_light", "import heavy libraries where they are used")
class TestHeavy(PluginContract):
    plugin = "wrong_heavy"


@caught_by("test_calls_work", "Blocking call to time.sleep")
class TestBlocks(ToolContract):
    plugin = "wrong_blocking"
    calls: ClassVar = {"nap": [{}]}


@caught_by("test_everything_is_under_a_contract", "Tool nap")
class TestUncovered(PluginContract):
    plugin = "wrong_uncovered"
