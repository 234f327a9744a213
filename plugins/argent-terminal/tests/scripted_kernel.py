"""A kernel in one file, with an agent whose answers follow from what it is told.

It keeps the promises of the contract that the terminal relies on: an event is taken once, a reply
is offered until it is delivered, observers hear everything. Run as a program it is ``argent chat``
on that kernel.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import argent_terminal
from argent_hookspecs import (
    Address,
    Approval,
    ApprovalAsked,
    BudgetReached,
    Connection,
    DeliveryDelayed,
    Draft,
    Event,
    EventRefused,
    Progress,
    Reply,
    ReplyChanged,
    ServiceMissing,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)

_END = object()


class Wire:
    """One end of a connection in memory; whatever passes must survive JSON."""

    def __init__(self) -> None:
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()
        self._room = asyncio.Semaphore(100)
        self.other = self
        self.closed = False

    @classmethod
    def pair(cls) -> tuple[Wire, Wire]:
        one, two = cls(), cls()
        one.other, two.other = two, one
        return one, two

    async def send(self, message: Mapping[str, Any]) -> None:
        if self.closed or self.other.closed:
            raise ConnectionResetError("the other side is gone")
        await self.other._room.acquire()
        self.other._inbox.put_nowait(json.loads(json.dumps(message)))

    async def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        while (message := await self._inbox.get()) is not _END:
            self._room.release()
            yield message

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._inbox.put_nowait(_END)
            self.other._inbox.put_nowait(_END)


class Kernel:
    """The kernel, which can be stopped and started again with what it has stored."""

    def __init__(self, home: Path, *, first: int = 1) -> None:
        self.home = home
        self._first = first
        self.events: dict[str, Event] = {}
        self.done: set[str] = set()
        self.outbox: dict[str, Reply] = {}
        self.sent: dict[str, str] = {}
        self.asked: dict[str, tuple[Approval, asyncio.Future[bool]]] = {}
        self.refusing = False
        self.allow_all = False
        self.cutting = False
        self.runs = 0
        self.exchanges: list[dict[str, str]] = []
        self.observer: Any = None
        self.connection: Any = None

    # What the plugin is given.

    @property
    def settings(self) -> None:
        return None

    @property
    def services(self) -> Kernel:
        return self

    @property
    def agent(self) -> Kernel:
        return self

    @property
    def clock(self) -> Any:
        return SimpleNamespace(now=lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))

    def find(self, key: Any) -> Any:
        return self._services.get(key.name)

    def get(self, key: Any) -> Any:
        if key.name not in self._services:
            raise ServiceMissing(key.name, "nobody offers it")
        return self._services[key.name]

    @asynccontextmanager
    async def serve_local(self, handler: Callable[[Connection], Awaitable[None]]) -> Any:
        self._handler = handler
        self._serving.set()
        yield
        self._serving.clear()

    # The agent, as a channel sees it.

    async def stop(self, conversation: str | None = None) -> int:
        turns = [turn for turn in self._turns.values() if turn.event.conversation == conversation]
        for turn in turns:
            turn.stop.set()
        return len(turns)

    async def status(self, *, deep: bool = False) -> Mapping[str, Any]:
        model = {"tier": "local", "provider": "script", "model": "scripted"}
        plugin = {"state": "running", "reason": "", "version": "1.0", "summary": "Does this."}
        plugins = [{**plugin, "name": f"plugin-{number}"} for number in range(20)]
        plugins.append({**plugin, "name": "odd", "state": "failed", "reason": "it is odd"})
        return {
            "agent": "argent-main",
            "state": "idle",
            "refusing": "",
            "models": [model],
            "tools": ["calc", "time"],
            "plugins": plugins,
            "events": {"ready": 0, "leased": 0, "waiting": 0, "dead": 1},
            "replies": {"pending": 0, "unknown": 0},
            "approvals": len(self.asked),
        }

    async def trace(self, conversation: str) -> Mapping[str, Any] | None:
        if not self.exchanges:
            return None
        route = {"tier": "local", "provider": "script", "model": "scripted"}
        return {"turn": list(self.events)[-1], "state": "done", "route": route}

    async def history(self, conversation: str, limit: int = 20) -> Sequence[Mapping[str, Any]]:
        return self.exchanges[-limit:]

    async def approvals(self, conversation: str | None = None) -> Sequence[Approval]:
        return [approval for approval, _ in self.asked.values()]

    async def answer(self, approval: str, *, allow: bool, by: str) -> bool:
        if approval not in self.asked:
            return False
        _, word = self.asked.pop(approval)
        word.set_result(allow)
        return True

    # The feed.

    cursor = None

    async def emit(self, event: Event, *, cursor: str | None = None) -> str | None:
        if self.cutting:
            self.cut()
        if self.refusing:
            raise EventRefused("the disk is full")
        if any(event.dedupe_key == known.dedupe_key for known in self.events.values()):
            return None
        turn = f"turn-{len(self.events) + self._first}"
        self.events[turn] = event
        self._spawn(self._run_turn(turn))
        return turn

    # Running.

    @asynccontextmanager
    async def running_kernel(self) -> AsyncIterator[None]:
        self.runs += 1
        self._tasks: set[asyncio.Task[Any]] = set()
        self._turns: dict[str, Turn] = {}
        self.asked.clear()
        self._wires: list[Wire] = []
        self._arrival = asyncio.Event()
        self._serving = asyncio.Event()
        self._services: dict[str, Any] = {}
        ctx: Any = self
        for service in argent_terminal.argent_services(ctx):
            self._services[service.key.name] = await service.open().__aenter__()
        (channel,) = argent_terminal.argent_channels(ctx)
        (self.observer,) = argent_terminal.argent_observers(ctx)
        self.connection = await channel.open().__aenter__()
        self._spawn(self.connection.listen(self))
        await self._serving.wait()
        for turn in [turn for turn in self.events if turn not in self.done]:
            self._spawn(self._run_turn(turn))
        for reply in list(self.outbox.values()):
            self._spawn(self.deliver(reply))
        try:
            yield
        finally:
            self.cut()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @asynccontextmanager
    async def connect(self, plugin: str) -> AsyncIterator[Wire]:
        assert plugin == "terminal"
        if not self._serving.is_set():
            raise ConnectionRefusedError("nobody is there")
        mine, theirs = Wire.pair()
        self._wires.append(theirs)
        self._spawn(self._handler(theirs))
        self._arrival.set()
        try:
            yield mine
        finally:
            mine.close()

    def leave_unread(self, text: str) -> None:
        """Have an answer from before, which nobody was there for."""
        names = {"turn": "turn-0", "conversation": "terminal:main"}
        to = Address("terminal", "main")
        self.outbox["turn-0-0"] = Reply(key="turn-0-0", to=to, text=text, **names)

    async def stop_serving(self) -> None:
        """Go away as far as terminals can see."""
        self._serving.clear()
        self.cut()

    def serve_again(self) -> None:
        """Come back."""
        self._serving.set()

    def cut(self) -> None:
        """Cut all connections."""
        for wire in self._wires:
            wire.close()
        self._wires.clear()

    def _spawn(self, coroutine: Any) -> None:
        self._tasks.add(asyncio.create_task(coroutine))

    async def publish(self, notice: Any) -> None:
        if isinstance(notice, self.observer.kinds):
            await self.observer.notify(notice)

    async def deliver(self, reply: Reply) -> None:
        """Try to deliver a reply until it is, again whenever somebody connects."""
        while not await self.try_delivery(reply):
            self._arrival.clear()
            await self._arrival.wait()

    async def try_delivery(self, reply: Reply) -> bool:
        """Make one try to deliver a reply."""
        try:
            receipt = await self.connection.deliver(reply)
        except DeliveryDelayed:
            return False
        del self.outbox[reply.key]
        self.sent[reply.key] = receipt.id
        names = {"turn": reply.turn, "conversation": reply.conversation, "key": reply.key}
        await self.publish(ReplyChanged(**names, state="sent"))
        return True

    async def _run_turn(self, name: str) -> None:
        turn = self._turns[name] = Turn(self, name, self.events[name])
        await self.publish(TurnStarted(**turn.names, event=turn.event))
        state, text, reason = await turn.run()
        self.done.add(name)
        del self._turns[name]
        to = turn.event.reply_to
        told = f"Sorry, I could not answer this: {reason}" if state == "dead" else text
        if state == "done":
            self.exchanges.append({"asked": turn.event.text, "answered": text, "at": "12:00"})
        if told:
            reply = Reply(key=f"{name}-0", to=to, text=told, **turn.names)
            self.outbox[reply.key] = reply
        finished = TurnFinished(**turn.names, to=to, state=state, text=text, reason=reason)
        await self.publish(finished)
        if told:
            await self.deliver(reply)


class Turn:
    """One turn of the scripted agent; what it does is named by the first word of the message."""

    def __init__(self, kernel: Kernel, name: str, event: Event) -> None:
        self.kernel = kernel
        self.event = event
        self.names = {"turn": name, "conversation": event.conversation}
        self.stop = asyncio.Event()

    async def run(self) -> tuple[str, str, str]:
        word, _, rest = self.event.text.partition(" ")
        script = getattr(self, f"do_{word}", None)
        if script is None:
            return "done", f"You said: {self.event.text}", ""
        outcome = await script(rest)
        return outcome if isinstance(outcome, tuple) else ("done", outcome, "")

    async def draft(self, text: str) -> None:
        draft = Draft(**self.names, to=self.event.reply_to, text=text)
        await self.kernel.publish(draft)
        await asyncio.sleep(0.01)  # A model takes a moment to find the next word.

    async def do_hello(self, rest: str) -> str:
        for text in (" Hel", " Hello th", " Hello there.\n"):
            await self.draft(text)
        return "Hello there."

    async def do_ponder(self, rest: str) -> str:
        await asyncio.sleep(6)
        return f"I thought {rest}."

    async def do_restart(self, rest: str) -> str:
        await self.draft("A first try")
        await self.draft("Other words")
        return "Other words entirely"

    async def do_escape(self, rest: str) -> str:
        await self.draft("\x1b[2Jred\x9b31m\r")
        return "\x1b[2Jred\x9b31m\r \u202etxt"

    async def do_tool(self, rest: str) -> str:
        call = {"tool": "calc", "arguments": {"expression": "1+1"}}
        await self.kernel.publish(ToolStarted(**self.names, **call))
        finished = ToolFinished(**self.names, tool="calc", text="2", is_error=False)
        await self.kernel.publish(finished)
        return "It is 2."

    async def do_ask(self, rest: str) -> str:
        if self.kernel.allow_all:
            return "It is 2."
        word: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        approval = Approval(
            id=f"approval-{self.names['turn']}",
            **self.names,
            tool="calc",
            arguments={"expression": "1+1"},
            expires_at=datetime(2026, 11, 21, tzinfo=UTC),
        )
        self.kernel.asked[approval.id] = (approval, word)
        await self.kernel.publish(ApprovalAsked(approval=approval, to=self.event.reply_to))
        return "It is 2." if await word else "You did not want that."

    async def do_run(self, rest: str) -> Any:
        return await self.do_wait(rest) if await self.do_ask(rest) == "It is 2." else "Not run."

    async def do_think(self, rest: str) -> str:
        await self.draft("Thinking")
        while not (self.kernel.home / "thought").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return await self.do_ask(rest)

    async def do_later(self, rest: str) -> str:
        async def ask_later() -> None:
            while not (self.kernel.home / "later").exists():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            event = Event(
                conversation=self.event.conversation,
                content="ask",
                reply_to=self.event.reply_to,
                dedupe_key="later",
            )
            await self.kernel.emit(event)

        self.kernel._spawn(ask_later())
        return "I will come back to you."

    async def do_go(self, rest: str) -> str:
        async def go() -> None:
            while not (self.kernel.home / "gone").exists():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await self.kernel.stop_serving()

        self.kernel._spawn(go())
        return "I will be gone."

    async def do_fail(self, rest: str) -> tuple[str, str, str]:
        finished = TurnFinished(
            **self.names, to=self.event.reply_to, state="failed", reason="the model is away"
        )
        await self.kernel.publish(finished)
        return "dead", "", "the model stays away"

    async def do_wait(self, rest: str) -> tuple[str, str, str]:
        await self.draft("Thinking")
        await self.stop.wait()
        return "cancelled", "", "stopped by the person"

    async def do_vanish(self, rest: str) -> str:
        shutil.rmtree(self.kernel.home)
        return "All is gone."

    async def do_spend(self, rest: str) -> str:
        await self.draft("It is")
        await self.kernel.publish(BudgetReached(cap="today", share=0.8, spent=4.0, limit=5.0))
        return "It is dear."

    async def do_load(self, rest: str) -> str:
        for done in range(0, 101, 5):
            work = {"activity": "downloading a model", "done": done * 1e6, "total": 1e8}
            await self.kernel.publish(Progress(plugin="llama", **work, unit="B"))
        return "Loaded."

    async def do_cut(self, rest: str) -> str:
        await self.draft("Half an ans")
        self.kernel.cut()
        return "Half an answer, and the other half."


if __name__ == "__main__":
    from argent_terminal.chat import chat

    kernel = Kernel(Path(sys.argv[1]), first=os.getpid())
    unread = kernel.home / "unread"
    if unread.exists():
        kernel.leave_unread(unread.read_text(encoding="utf-8"))
    chat(sys.argv[2:], obj=kernel)
