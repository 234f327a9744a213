"""One life of the kernel: forked, served by the world, and ended."""

from __future__ import annotations

import asyncio
import math
import os
import select
import signal
import socket
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_core.plugins import InstalledPlugin
from tests.crash.failpoints import Failpoint, Failpoints, watch_driver
from tests.crash.line import Line, Lines, send
from tests.crash.plugin import Outside, WorldPlugin
from tests.crash.report import ReplyFate, Report
from tests.crash.way import Inside, Way
from tests.crash.world import World

_QUIET_PATIENCE = 20.0


@frozen
class End:
    """How a life ended.

    Args:
        killed: Whether by SIGKILL.
        stopped: Whether by itself, as it should if it was quiet or asked to stop.
        settled: Seconds until it had nothing to do for the first time, if it came so far.
        report: What it showed, if it was quiet and came to its end.
        passed: How often each place was passed.
        at_point: Whether it died at its failpoint.
    """

    killed: bool
    stopped: bool
    settled: float | None
    report: Report | None
    passed: Counter[str]
    at_point: bool


@define(eq=False)
class Life:
    """The parent's side of a life.

    Args:
        way: How messages come and go.
        kill: Where or after how many seconds it is killed; None if it is quiet.
        stop: After how many seconds it is asked to stop, if it is; the kill may come before that,
            or in the middle of it, or too late.
        batches: Messages, as channel and chat, that are sent whenever there is nothing to do.
        patch: Changes the kernel for the worse, in the child.
    """

    way: Way
    world: World
    home: Path
    kill: Failpoint | float | None
    stop: float | None
    batches: list[list[tuple[str, str]]]
    patch: Callable[[], None] | None = None
    _end: socket.socket = field(init=False)
    _polls: dict[str, dict[str, Any]] = field(factory=dict)
    _passed: Counter[str] = field(factory=Counter)
    _settled: float | None = None
    _report: Report | None = None
    _kill_now: bool = False
    _died_by_itself: bool = True
    _began: float = 0.0
    _at_birth: dict[str, int] = field(factory=dict)

    def run(self) -> End:
        """Live it to its end."""
        self.world.life += 1
        self._at_birth = dict(self.world.ledger.acknowledged)
        self._send_batch()
        self._end, theirs = socket.socketpair()
        self._began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            self._end.close()
            _live(theirs, self.way, self.home, self.kill, self.patch)
        theirs.close()
        with self._end:
            self._serve(pid)
        _, status = os.waitpid(pid, 0)
        return End(
            stopped=os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0,
            killed=os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
            settled=self._settled,
            report=self._report,
            passed=self._passed,
            at_point=isinstance(self.kill, Failpoint) and self._died_by_itself,
        )

    def _serve(self, pid: int) -> None:
        """Answer until nobody is there any more; what was asked for before the end is done."""
        lines, limit = Lines(), _QUIET_PATIENCE if self.kill is None else self.way.longest_life
        deadline = self._began + (self.kill if isinstance(self.kill, float) else limit)
        stop_at = math.inf if self.stop is None else self._began + self.stop
        while True:
            if time.monotonic() >= stop_at:
                stop_at = math.inf
                self._say({"stop": True})
            if self._died_by_itself and (self._kill_now or time.monotonic() >= deadline):
                os.kill(pid, signal.SIGKILL)
                self._died_by_itself = False
            until = min(stop_at, deadline if self._died_by_itself else math.inf)
            wait = max(0.0, until - time.monotonic()) if until < math.inf else None
            if not select.select([self._end], [], [], wait)[0]:
                continue
            try:
                raw = self._end.recv(1 << 16)
            except ConnectionResetError:  # it died before it read what it was sent
                return
            if not raw:
                return
            for message in lines.feed(raw):
                self._take(message)
            self._hand_out()

    def _take(self, message: dict[str, Any]) -> None:
        kind = message.pop("kind")
        if kind == "poll":
            self._polls[message["channel"]] = message
            self.world.asked_after(message["channel"], message["after"])
        elif kind == "committed":
            self._passed.update(message["names"])
            self.world.note_commit(message["names"])
            self.world.note_finished(message["finished"])
        elif kind == "settled":
            self._has_settled(message["acknowledged"])
        elif kind == "report":
            replies = tuple(ReplyFate(**reply) for reply in message["replies"])
            self._report = Report(replies, message["dead"])
        elif kind == "called":
            self._passed[f"call {message['what']}"] += 1
            self.world.note_call(message["what"], message["facts"])
        else:
            self._passed[f"{kind} {message['what']}"] += 1
            id = message.pop("id")
            self._say({"id": id, "answer": self.world.answer(kind, message)})

    def _has_settled(self, acknowledged: dict[str, int]) -> None:
        if not self.world.has_handed_out({**self._at_birth, **acknowledged}):
            return
        if self._settled is None:
            self._settled = time.monotonic() - self._began
        if self._send_batch() or self.stop is not None:
            return
        if self.kill is None:
            self._say({"stop": False})
        else:
            self._kill_now = not isinstance(self.kill, float)

    def _send_batch(self) -> bool:
        if not self.batches:
            return False
        for channel, chat in self.batches.pop(0):
            self.world.send(channel, chat)
        return True

    def _hand_out(self) -> None:
        for channel, poll in list(self._polls.items()):
            answer = self.world.poll(channel, poll["after"])
            if answer is not None:
                del self._polls[channel]
                self._say({"id": poll["id"], "answer": answer})

    def _say(self, message: dict[str, Any]) -> None:
        try:
            send(self._end, message)
        except (BrokenPipeError, ConnectionResetError):
            return  # it died in the meantime


def _live(
    end: socket.socket,
    way: Way,
    home: Path,
    kill: Failpoint | float | None,
    patch: Callable[[], None] | None,
) -> None:
    """Be the child: run the kernel, and never come back into the parent's code."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        # What it says goes where the reader of a failure looks first.
        os.dup2(os.open(home.parent / "life.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND), 2)
        if patch is not None:
            patch()
        with asyncio.Runner(loop_factory=way.new_loop) as runner:
            point = kill if isinstance(kill, Failpoint) else None
            runner.run(_run_kernel(end, way, home, kill=point))
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


async def _run_kernel(end: socket.socket, way: Way, home: Path, *, kill: Failpoint | None) -> None:
    line, points = Line(end), Failpoints(kill)
    line.open()
    watch_driver(points, lambda names, done: line.tell("committed", names=names, finished=done))
    started = asyncio.Event()

    async def idle() -> bool:
        events, replies = await kernel.agent.events.count(), await kernel.outbox.count()
        busy = events["ready"] + events["leased"] + events["waiting"] + replies["pending"]
        return busy + replies.get("sending", 0) == 0

    async def look() -> None:
        """Tell the world if there is nothing to do."""
        await started.wait()
        acknowledged = dict(plugin.acknowledged)
        if await idle():
            line.tell("settled", acknowledged=acknowledged)

    async def at_the_end() -> bool:
        """Wait until the world has nothing more to send, and see whether that was all."""
        await line.over.wait()
        line.over.clear()
        if line.stopping:
            return True
        # A kernel that acknowledges too early may still be writing.
        await kernel.journal.database.write(lambda tx: None)
        return await idle()

    async def answer(approval: str, allow: bool) -> None:
        await kernel.agent.answer(approval, allow=allow, by="owner")

    plugin = WorldPlugin(
        Outside(line, points), look, answer, way.own_kinds, decides=not way.asks_by_itself
    )
    looks = set()

    def looked() -> None:
        looks.add(task := asyncio.create_task(look()))
        task.add_done_callback(looks.discard)

    way.watch(Inside(line, points, plugin.acknowledged, looked))
    kernel = Kernel(Home(home), plugins=[InstalledPlugin("world", lambda: plugin), *way.plugins()])
    async with kernel:
        started.set()
        for approval in await kernel.agent.approvals() if plugin.decides else []:
            await plugin.decide(approval)
        await look()
        while not await at_the_end():
            pass
        if line.stopping:
            return
        await way.catch_up(kernel)
        replies = await kernel.agent.replies.list(limit=100_000)
        dead = await kernel.agent.events.list("dead", limit=100_000)
        line.tell(
            "report",
            replies=[{n: reply[n] for n in ("key", "turn", "text", "state")} for reply in replies],
            dead={event["event"]["content"][0]["text"]: event["turn"] for event in dead},
        )
