"""Plugins that do as they should pass every contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from argent_hookspecs import (
    FREE,
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
    ModelPart,
    ModelProvider,
    ModelRejected,
    ModelRequest,
    ModelTier,
    Notice,
    Observer,
    OutputHandler,
    Receipt,
    Reject,
    Reply,
    Service,
    ServiceKey,
    TextDelta,
    Tool,
    ToolError,
    ToolRun,
    Usage,
    tool,
)
from argent_testing import (
    ChannelContract,
    ContextProviderContract,
    EventSourceContract,
    FilterContract,
    HealthCheckContract,
    JobContract,
    MadePlugin,
    MemoryChannel,
    ModelProviderContract,
    ModelTierContract,
    ObserverContract,
    OutputHandlerContract,
    PluginContract,
    ServiceContract,
    ToolContract,
)


class Shelf:
    """What the good plugin's service is."""


@tool(effect=Effect.IDEMPOTENT)
async def halve(number: Annotated[str, "what to halve"]) -> float:
    """Halve a number."""
    try:
        return float(number) / 2
    except ValueError as error:
        raise ToolError(f"{number!r:.50} is no number") from error


SENT: dict[str, str] = {}


async def send(text: str, run: ToolRun) -> dict[str, str]:
    await asyncio.sleep(0)
    SENT[run.key] = text
    return {"sent": text}


async def was_sent(key: str) -> str | None:
    return SENT.get(key)


class Counter:
    """A model that counts."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        if request.model != "counter":
            raise ModelRejected(f"there is no model {request.model!r}")
        count = min(20, request.max_output_tokens)
        for number in range(count):
            await asyncio.sleep(0)
            yield TextDelta(f"{number} ")
        yield Finish(usage=Usage(input_tokens=_length(request), output_tokens=count))

    async def describe(self, model: str) -> ModelInfo:
        return ModelInfo(id=model, context_window=1000, price=FREE)


def _length(request: ModelRequest) -> int:
    told = [block.text for block in request.system] + [one.text for one in request.messages]
    return 1 + len(" ".join(told).split())


class Bell:
    """An event source that rings when the test pulls."""

    def __init__(self) -> None:
        self.pulls: list[str] = []
        self.pulled = asyncio.Event()

    async def listen(self, feed: Feed) -> None:
        while True:
            await self.pulled.wait()
            while self.pulls:
                event = Event(kind="bell", conversation="door", content=self.pulls[0])
                await feed.emit(event)
                del self.pulls[0]
            self.pulled.clear()


class Printer:
    """An output handler that drops what it has printed before."""

    def __init__(self) -> None:
        self.paper: dict[str, str] = {}

    async def deliver(self, reply: Reply) -> Receipt:
        self.paper.setdefault(reply.key, reply.text)
        return Receipt(reply.key)


@asynccontextmanager
async def shelf() -> AsyncIterator[Shelf]:
    yield Shelf()


async def remember(request: ContextRequest) -> Sequence[ContextBlock]:
    if request.budget < 20:
        return []
    return [
        ContextBlock(text="The person likes tea.", source="memory", stable=True),
        ContextBlock(text=f"It is {request.now:%H:%M}.", source="clock"),
    ]


async def no_shouting(event: Event) -> Event | Reject:
    return Reject("no shouting") if "HELP" in event.text else event


async def notice(what: Notice) -> None:
    await asyncio.sleep(0)


async def tidy() -> None:
    await asyncio.sleep(0)


async def well() -> Health:
    return Health(True, "all is well")


GOOD = MadePlugin(
    "good",
    halve,
    Tool(id="send", description="Send it.", run=send, effect=Effect.QUERYABLE, check=was_sent),
    ModelProvider(id="counter", open=lambda: nullcontext(Counter())),
    ModelTier(id="good", name="local", below=0.3, provider="counter", model="counter"),
    EventSource(id="bell", open=lambda: nullcontext(Bell())),
    OutputHandler(id="printer", open=lambda: nullcontext(Printer()), idempotent=True),
    ContextProvider(id="memory", provide=remember),
    Filter(id="quiet", event=no_shouting),
    Observer(id="watch", notify=notice),
    Job(id="tidy", run=tidy, every=timedelta(hours=1)),
    HealthCheck(id="well", check=well),
    Service(key=ServiceKey("shelf", Shelf), open=shelf),
)


class TestGood(PluginContract):
    plugin = GOOD


class TestGoodTools(ToolContract):
    plugin = GOOD
    calls: ClassVar = {"halve": [{"number": "3"}], "send": [{"text": "hi"}]}
    mistakes: ClassVar = {"halve": [{"number": "three"}, {}]}


class TestGoodModels(ModelProviderContract):
    plugin = GOOD


class TestGoodTiers(ModelTierContract):
    plugin = GOOD


class TestGoodSources(EventSourceContract):
    plugin = GOOD

    async def happen(self, live: Any, text: str) -> None:
        live.pulls.append(text)
        live.pulled.set()


class TestGoodOutput(OutputHandlerContract):
    plugin = GOOD

    async def arrived(self, live: Any) -> Sequence[str]:
        return list(live.paper.values())


class TestGoodContext(ContextProviderContract):
    plugin = GOOD


class TestGoodFilters(FilterContract):
    plugin = GOOD
    rejects = (Event(conversation="c", content="HELP"),)


class TestGoodObservers(ObserverContract):
    plugin = GOOD


class TestGoodJobs(JobContract):
    plugin = GOOD


class TestGoodHealth(HealthCheckContract):
    plugin = GOOD


class TestGoodServices(ServiceContract):
    plugin = GOOD


CHANNEL = MemoryChannel(idempotent=True)


class TestMemory(PluginContract):
    plugin = CHANNEL


class TestMemoryChannel(ChannelContract):
    plugin = CHANNEL

    async def happen(self, live: Any, text: str) -> None:
        await live.say(text)

    async def arrived(self, live: Any) -> Sequence[str]:
        return [reply.text for reply in live.replies]
