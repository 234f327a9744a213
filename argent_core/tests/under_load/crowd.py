"""Fifty people who talk with the agent all the time, and count what they get."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext

from attrs import define, field, frozen

from argent_hookspecs import (
    FREE,
    SCORER,
    Address,
    Channel,
    ContextBlock,
    ContextProvider,
    ContextRequest,
    Effect,
    Event,
    Feed,
    Filter,
    Finish,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRequest,
    ModelTier,
    Notice,
    Observer,
    Receipt,
    Reply,
    RouteSignals,
    Score,
    Service,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
    Trust,
    TurnFinished,
    Usage,
)
from argent_testing import MadePlugin, eventually, hang

PEOPLE = 50
PATIENCE = 90.0
"""Seconds to wait, at most, on the slowest machine."""
LOCAL = 0.3
"""Scores below this are answered by the healthy model."""


@define(eq=False)
class Crowd:
    """A sound plugin of every kind, and the people at the other end of its channel.

    What a person says is unique. The model calls the tool with it, once, and answers with what the
    tool has returned; so each call that is lost, or made twice, shows.

    Args:
        scores: Scores for what is said by those who make trouble, by a word in it.
        wishes: Tools that the model calls for them instead of its own, by a word in what they say.
    """

    scores: Mapping[str, float] = field(factory=dict)
    wishes: Mapping[str, str] = field(factory=dict)
    offers_scorer: bool = True
    said: dict[str, list[str]] = field(factory=lambda: defaultdict(list))
    heard: dict[str, list[str]] = field(factory=lambda: defaultdict(list))
    calls: dict[str, Counter[str]] = field(factory=lambda: defaultdict(Counter))
    ends: dict[str, str] = field(factory=dict)
    slowest: float = 0.0
    _waiting: dict[str, asyncio.Future[str]] = field(factory=dict)
    _feed: Feed | None = None
    _people: list[asyncio.Task[None]] = field(factory=list)
    _quiet: bool = False

    def plugins(self) -> list[MadePlugin]:
        """Return the plugins that carry the load; none of them does anything wrong."""
        mind = [
            ModelProvider(id="mind", open=lambda: nullcontext(_Mind(self))),
            ModelTier(id="mind", name="local", below=LOCAL, provider="mind", model="echo"),
        ]
        if self.offers_scorer:
            mind.append(Service(key=SCORER, open=lambda: nullcontext(_Scorer(self.scores))))
        return [
            MadePlugin("people", Channel(id="people", open=self._open)),
            MadePlugin("mind", *mind),
            MadePlugin("hands", self._tool()),
            MadePlugin(
                "senses",
                ContextProvider(id="senses", provide=self._provide),
                Filter(id="senses", event=self._event, reply=self._reply, tool_call=self._call),
                Observer(id="senses", notify=self._notify, kinds=(TurnFinished,)),
            ),
        ]

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """Let everybody talk for the block; then each gets the last answer, and all is counted."""
        await eventually(
            lambda: self._feed is not None, what="the channel listens", timeout=PATIENCE
        )
        self._people = [asyncio.create_task(self._talk(f"person-{n}")) for n in range(PEOPLE)]
        try:
            await self.round()
            yield
            await self.round()
        finally:
            self._quiet = True
            await asyncio.wait(self._people)
        for person in self._people:
            person.result()

    async def round(self) -> None:
        """Wait until everybody was answered at least once more."""
        before = {f"person-{n}": len(self.heard[f"person-{n}"]) for n in range(PEOPLE)}

        def all_heard() -> bool:
            for person in self._people:
                if person.done():
                    person.result()
            return all(len(self.heard[name]) > n for name, n in before.items())

        await eventually(all_heard, what="everybody is answered", timeout=PATIENCE)

    async def say(self, text: str, conversation: str, *, reply_to: str = "people") -> None:
        """Say something in a conversation; the answer goes to a channel, the people's own."""
        assert self._feed is not None
        event = Event(
            conversation=conversation,
            content=text,
            sender="owner",
            trust=Trust.OWNER,
            reply_to=Address(reply_to, conversation),
        )
        await self._feed.emit(event)

    @property
    def turns(self) -> int:
        """How often somebody of the crowd was answered."""
        return sum(len(self.heard[name]) for name in self.said)

    def assert_lost_nothing(self, *, retried: bool = False) -> None:
        """Check that everything that was said got one answer, the right one, in order.

        Args:
            retried: Whether turns may be tried a second time, from the step that they had reached.
        """
        assert len(self.said) == PEOPLE
        for name, said in self.said.items():
            assert self.heard[name] == [f"counted {words}" for words in said], name
        everything = Counter(words for said in self.said.values() for words in said)
        assert max(everything.values()) == 1
        calls = {"model": 2, "tool": 1, "context": 1, "event": 1, "call": 1}
        for kind, times in calls.items():
            if retried and kind in ("context", "event"):
                continue
            odd = {w: n for w, n in self.calls[kind].items() if w in everything and n != times}
            assert not odd, f"{kind}: {odd}"
            assert everything.keys() <= self.calls[kind].keys(), kind

    async def _talk(self, name: str) -> None:
        while not self._quiet:
            words = f"{name} says {len(self.said[name])}"
            answered = self._waiting[name] = asyncio.get_running_loop().create_future()
            self.said[name].append(words)
            began = time.monotonic()
            await self.say(words, name)
            async with asyncio.timeout(PATIENCE):
                await answered
            self.slowest = max(self.slowest, time.monotonic() - began)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Crowd]:
        yield self

    async def listen(self, feed: Feed) -> None:
        """Take what people say, until cancelled."""
        self._feed = feed
        await hang()

    async def deliver(self, reply: Reply) -> Receipt:
        """Bring an answer to whom it is for."""
        self.heard[reply.to.chat].append(reply.text)
        answered = self._waiting.pop(reply.to.chat, None)
        if answered is not None and not answered.done():
            answered.set_result(reply.text)
        return Receipt(reply.key)

    def _tool(self) -> Tool:
        async def count(text: str) -> str:
            self.calls["tool"][text] += 1
            await asyncio.sleep(0)
            return f"counted {text}"

        return Tool(id="count", description="Count.", run=count, effect=Effect.IDEMPOTENT)

    async def _provide(self, request: ContextRequest) -> list[ContextBlock]:
        self.calls["context"][request.event.text] += 1
        await asyncio.sleep(0)
        return []

    async def _event(self, event: Event) -> Event:
        self.calls["event"][event.text] += 1
        return event

    async def _reply(self, reply: Reply) -> Reply:
        return reply

    async def _call(self, call: ToolCall) -> ToolCall:
        self.calls["call"][str(call.arguments.get("text"))] += 1
        return call

    async def _notify(self, notice: Notice) -> None:
        if isinstance(notice, TurnFinished):
            self.ends[notice.conversation.removeprefix("people:")] = notice.state


@frozen
class _Mind:
    """A model that calls a tool, and repeats what came of it."""

    crowd: Crowd

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        words = [m.text for m in request.messages if m.text and m.role == "user"][-1]
        self.crowd.calls["model"][words] += 1
        await asyncio.sleep(0)
        results = [p for p in request.messages[-1].parts if isinstance(p, ToolResult)]
        if results:
            yield TextDelta(results[-1].text[:500])
        else:
            wish = next((t for w, t in self.crowd.wishes.items() if w in words.split()), "count")
            yield ToolCall("1", wish, {"text": words})
        yield Finish(usage=Usage(input_tokens=1, output_tokens=1))

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=100_000, price=FREE)


@frozen
class _Scorer:
    """Sends each message to the model that is to answer it."""

    scores: Mapping[str, float]

    async def score(self, signals: RouteSignals) -> Score:
        found = (value for word, value in self.scores.items() if word in signals.text.split())
        return Score(value=next(found, 0.1))
