"""The world of the soak: people, a model that answers at once, tools, and a channel.

As a program it is one life of a kernel: messages come in on standard input, a line each, and what
happens goes out on standard output, until it is told to stop or is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, frozen

from argent_core.clock import SystemClock
from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_core.plugins import InstalledPlugin
from argent_hookspecs import (
    FREE,
    Address,
    Channel,
    Clock,
    DeliveryDelayed,
    Effect,
    Event,
    Feed,
    Finish,
    FinishReason,
    Job,
    Message,
    ModelInfo,
    ModelPart,
    ModelProvider,
    ModelRequest,
    ModelTier,
    ModelUnavailable,
    Receipt,
    Reply,
    Role,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
    ToolRun,
)
from argent_testing import MadePlugin

CONFIG = {"version": 1, "tools": {"resultLimit": 1000}}
_DEEDS = {"say": 70, "note": 12, "post": 6, "read": 6, "fail": 3, "delay": 3}
_VISITS = 0.1
_LONG_RESULT = "something that was read; " * 120
_NUMBER = re.compile(r"#(\d+)")
_AGAIN_SECONDS = 0.3
_SAMPLE_SECONDS = 0.25

Tell = Callable[[dict[str, Any]], None]


@frozen
class Saying:
    """A message that a person sends: its number, where, and what it asks for."""

    number: int
    conversation: str
    deed: str

    @property
    def text(self) -> str:
        """The words."""
        return f"Please {self.deed} something nice for me, as always. #{self.number}"


def sayings(conversations: int, seed: int) -> Iterator[Saying]:
    """Make up messages without end, the same for the same seed; some are all that is ever said."""
    dice, number = random.Random(seed), 0
    deeds, weights = list(_DEEDS), list(_DEEDS.values())
    while True:
        number += 1
        (deed,) = dice.choices(deeds, weights)
        room = f"room {dice.randrange(conversations)}"
        yield Saying(number, f"visit {number}" if dice.random() < _VISITS else room, deed)


@frozen
class Sample:
    """What a kernel holds at one moment.

    Args:
        memory: Resident memory, in MB.
    """

    memory: float
    handles: int
    tasks: int


def sample() -> Sample:
    """Look at this process."""
    return Sample(_resident_mb(), len(os.listdir("/dev/fd")), len(asyncio.all_tasks()))  # noqa: PTH208


def _resident_mb() -> float:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    shown = subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())])
    return int(shown) / 1024


class World(MadePlugin):
    """A plugin: all that a kernel needs. What happens is told.

    Args:
        tell: Takes what happened: ``{"reply": key, "numbers": […]}``, ``{"posted": key}``.
    """

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.feed: asyncio.Future[Feed] = asyncio.get_running_loop().create_future()
        self._failed: set[str] = set()
        super().__init__("soak", *self._records())

    def _records(self) -> Iterator[Any]:
        yield ModelProvider(id="soak", open=lambda: nullcontext(self))
        yield ModelTier(id="soak", name="local", below=0.3, provider="soak", model="m")
        # Its other end drops a second reply with the same key.
        yield Channel(id="soak", open=lambda: nullcontext(self), idempotent=True)
        again = Effect.IDEMPOTENT
        yield Tool(id="note", description="Take a note.", run=self.run_tool, effect=again)
        yield Tool(id="read", description="Read a book.", run=self.read, effect=again)
        yield Tool(id="post", description="Post a letter.", run=self.post, effect=Effect.BLIND)
        yield Job(id="heart", run=self.tick, every=timedelta(seconds=30))

    async def say(self, saying: Saying) -> None:
        """Send a message; returns once it is safe."""
        address = Address("soak", saying.conversation)
        event = Event(
            conversation=saying.conversation,
            content=saying.text,
            sender="owner",
            trust="owner",
            dedupe_key=str(saying.number),
            reply_to=address,
        )
        await (await self.feed).emit(event, cursor=str(saying.number))

    async def listen(self, feed: Feed) -> None:
        """Hand out the feed, for ``say``."""
        if not self.feed.done():
            self.feed.set_result(feed)
        await asyncio.Event().wait()

    async def deliver(self, reply: Reply) -> Receipt:
        """Tell of a reply; one of those that ask for it is only taken at the second try."""
        if "(delay)" in reply.text and self._first_time(reply.key):
            raise DeliveryDelayed("not now", retry_after=_AGAIN_SECONDS)
        self.tell({"reply": reply.key, "numbers": [int(n) for n in _NUMBER.findall(reply.text)]})
        return Receipt(reply.key)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """Use the tool that is asked for, then answer with the numbers of what was heard."""
        heard = list(_this_turn(request))
        text = " ".join(message.text for message in heard)
        deed = text.split(maxsplit=2)[1] if text.startswith("Please") else "say"
        used = any(isinstance(part, ToolResult) for message in heard for part in message.parts)
        if deed == "fail" and self._first_time(request.key):
            raise ModelUnavailable("not now", retry_after=_AGAIN_SECONDS)
        if deed in ("note", "post", "read") and not used:
            yield ToolCall("", deed, {"what": _NUMBER.findall(text)[0]})
            yield Finish(reason=FinishReason.TOOL_CALLS)
            return
        numbers = " ".join(f"#{number}" for number in _NUMBER.findall(text))
        yield TextDelta(f"Here you are ({deed}): {numbers}")
        yield Finish()

    async def describe(self, model: str) -> ModelInfo:
        """Say what is known about the model."""
        return ModelInfo(id=model, context_window=32_768, price=FREE)

    async def run_tool(self, what: str) -> str:
        """Do nothing that could not be done again."""
        return f"noted: {what.replace('#', '')}"

    async def post(self, what: str, run: ToolRun) -> str:
        """Do what must not be done twice."""
        self.tell({"posted": run.key})
        return f"posted: {what}"

    async def read(self, what: str) -> str:
        """Return more than a model is shown."""
        return f"{what}: {_LONG_RESULT}"

    async def tick(self) -> None:
        """Wake the agent, as a heartbeat does."""
        await self.ctx.emit(Event(kind="heartbeat", conversation="heart", content="tick"))

    def _first_time(self, key: str) -> bool:
        """Tell whether this is new; it is forgotten at the second time."""
        if key in self._failed:
            self._failed.discard(key)
            return False
        self._failed.add(key)
        return True


def _this_turn(request: ModelRequest) -> Iterator[Message]:
    """Return what the turn has heard so far, without the history before it."""
    heard: list[Message] = []
    for message in reversed(request.messages):
        calls = any(isinstance(part, ToolCall) for part in message.parts)
        if message.role is Role.ASSISTANT and not calls:
            break
        if message.role is Role.USER:
            heard.insert(0, message)
    yield from heard


@asynccontextmanager
async def life(
    home: Path, world: World, *, clock: Clock, term: float, rest: float = 0.1
) -> AsyncIterator[Kernel]:
    """Run a kernel whose journal has a short term.

    Args:
        term: Seconds; the shortest that settings allow is 45 days.
        rest: Real seconds between two transactions that trim the journal.
    """
    made = Home(home)
    made.create()
    made.config_file.write_text(json.dumps(CONFIG))
    made.config_file.chmod(0o600)
    installed = [InstalledPlugin("soak", lambda: world)]
    async with Kernel(made, plugins=installed, clock=clock) as kernel:
        span, every = timedelta(seconds=term), timedelta(seconds=term / 10)
        retention = evolve(kernel.retention, term=span, every=every, rest=rest)
        trimming = asyncio.create_task(retention.run(), name="short retention")
        try:
            yield kernel
        finally:
            trimming.cancel()
            await asyncio.wait({trimming})


async def main(home: str, term: str) -> None:
    """Live until standard input ends or a signal comes."""
    world = World(_print)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with life(Path(home), world, clock=SystemClock(), term=float(term)) as kernel:
        loop.add_signal_handler(signal.SIGTERM, kernel.request_stop)
        tasks = [asyncio.create_task(_hear(reader, world)), asyncio.create_task(_look())]
        await kernel.wait()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _hear(reader: asyncio.StreamReader, world: World) -> None:
    """Pass on what people say, each as soon as it comes."""

    async def say(saying: Saying) -> None:
        await world.say(saying)
        _print({"safe": saying.number})

    async with asyncio.TaskGroup() as group:
        while line := await reader.readline():
            group.create_task(say(Saying(**json.loads(line))))


async def _look() -> None:
    while True:
        _print({"sample": asdict(sample())})
        await asyncio.sleep(_SAMPLE_SECONDS)


def _print(said: dict[str, Any]) -> None:
    os.write(sys.stdout.fileno(), json.dumps(said).encode() + b"\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
