"""Wrong tools."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from argent_hookspecs import Effect, File, Tool, ToolError, ToolRun, WithFiles
from argent_testing import MadePlugin, Specimen, ToolContract, hang
from tests.mutants.declaring import bringing, caught_by, nothing, stubborn


class Ledger:
    """What the tools of this module have done, each by its key."""

    def __init__(self) -> None:
        self.lines: dict[str, str] = {}

    async def note(self, text: str, run: ToolRun) -> str:
        """Write a line down, once for each key."""
        if not text.isprintable() or not text.strip():
            raise ToolError("there is nothing to write down")
        self.lines.setdefault(run.key, text)
        return f"written: {self.lines[run.key]}"

    async def find(self, key: str) -> str | None:
        """Return what was written with a key."""
        return self.lines.get(key)


class LedgerContract(ToolContract):
    """The contract, with a look into the ledger."""

    ledger: ClassVar[Ledger]
    calls: ClassVar[Mapping[str, Any]] = {"t": [{"text": "a line"}]}
    mistakes: ClassVar[Mapping[str, Any]] = {"t": [{"text": " "}]}

    async def done(self, specimen: Specimen) -> Sequence[Any]:
        return list(self.ledger.lines.items())


class PlainContract(ToolContract):
    """The contract, of a tool that takes nothing."""

    calls: ClassVar[Mapping[str, Any]] = {"t": [{}]}


def a_tool(run: Any, **options: Any) -> MadePlugin:
    """Return a plugin with this tool."""
    return bringing(Tool(**{"id": "t", "description": "Do something.", "run": run, **options}))


def idempotent(ledger: Ledger) -> MadePlugin:
    return a_tool(ledger.note, effect=Effect.IDEMPOTENT)


class TestRightTool(LedgerContract):
    ledger = Ledger()
    plugin = idempotent(ledger)


class TestRightQueryable(LedgerContract):
    ledger = Ledger()
    plugin = a_tool(ledger.note, effect=Effect.QUERYABLE, check=ledger.find)


async def fine() -> str:
    return "fine"


@caught_by("test_the_model_can_read_what_it_is_for", "says too little")
class TestMute(PlainContract):
    plugin = a_tool(fine, description="")


async def untyped(number) -> str:  # type: ignore[no-untyped-def]
    return str(number)


@caught_by("test_the_model_can_read_what_it_is_for", "needs a type")
class TestUntyped(PlainContract):
    plugin = a_tool(untyped)


async def made_up() -> WithFiles:
    return WithFiles("It is written.", [File("0" * 64, "list.txt", "text/plain", 9)])


@caught_by("test_calls_work", "which is not in the store")
class TestFileMadeUp(PlainContract):
    plugin = a_tool(made_up)


@caught_by("test_each_is_called", "write into calls")
class TestUncalled(PlainContract):
    plugin = a_tool(fine)
    calls: ClassVar = {"t": []}


@caught_by("test_each_is_called", "no such tools: t2")
class TestMisnamed(PlainContract):
    plugin = a_tool(fine)
    mistakes: ClassVar = {"t2": [{}]}


async def broken() -> str:
    raise RuntimeError("broken inside")


@caught_by("test_calls_work", "broken inside")
class TestBroken(PlainContract):
    plugin = a_tool(broken)


async def endless() -> str:
    return str(await hang())


@caught_by("test_calls_work", "tool t took longer than")
class TestHangs(PlainContract):
    plugin = a_tool(endless, timeout=0.1)


async def strange() -> object:
    return object()


@caught_by("test_calls_work", "t returned")
class TestStrange(PlainContract):
    plugin = a_tool(strange)


async def spawning() -> str:
    asyncio.get_running_loop().create_task(hang(), name="forgotten")
    return "spawned"


@caught_by("test_calls_work", "tasks left behind: forgotten")
class TestLeavesWork(PlainContract):
    plugin = a_tool(spawning)


KEPT: list[Any] = []


async def opening() -> str:
    KEPT.append(Path(__file__).open("rb"))  # noqa: SIM115, ASYNC230 - the fault itself
    return "opened"


@caught_by("test_calls_let_everything_go", "tool t, done, keeps hold of a file")
class TestKeepsAFile(PlainContract):
    plugin = a_tool(opening)


class Gullible(Ledger):
    """It takes anything."""

    async def note(self, text: str, run: ToolRun) -> str:
        return "picked"


@caught_by("test_mistakes_are_refused", "should have raised a ToolError, but returned")
class TestGullible(LedgerContract):
    ledger = Gullible()
    plugin = idempotent(ledger)


class Raises(Ledger):
    """It raises what the model cannot read."""

    async def note(self, text: str, run: ToolRun) -> str:
        if not text.strip():
            raise ValueError("no text")
        return text


@caught_by("test_mistakes_are_refused", "raised ValueError")
class TestRaises(LedgerContract):
    ledger = Raises()
    plugin = a_tool(ledger.note)


@caught_by("test_odd_texts_do_no_harm", "ValueError")
class TestFragile(LedgerContract):
    ledger = Raises()
    plugin = idempotent(ledger)


class Silent(Ledger):
    """Its refusals say nothing."""

    async def note(self, text: str, run: ToolRun) -> str:
        raise ToolError(" ")


@caught_by("test_mistakes_are_refused", "the ToolError says nothing")
class TestSilent(LedgerContract):
    ledger = Silent()
    plugin = idempotent(ledger)


class Hasty(Ledger):
    """It acts before it looks at what it is told."""

    async def note(self, text: str, run: ToolRun) -> str:
        self.lines[f"{run.key}{len(self.lines)}"] = text
        return await super().note(text, run)


@caught_by("test_mistakes_do_nothing", "did something before it refused")
class TestActsOnMistakes(LedgerContract):
    ledger = Hasty()
    plugin = idempotent(ledger)


class Repeats(Ledger):
    """It calls itself idempotent, and is not."""

    async def note(self, text: str, run: ToolRun) -> str:
        self.lines[f"{run.key}-{len(self.lines)}"] = text
        return "written"


@caught_by("test_a_second_try_does_nothing_new", "did 1 things more")
class TestNotIdempotentTool(LedgerContract):
    ledger = Repeats()
    plugin = idempotent(ledger)


class Single:
    """It works for one at a time."""

    busy = False

    async def run(self) -> str:
        if self.busy:
            raise RuntimeError("one at a time")
        self.busy = True
        await asyncio.sleep(0)
        self.busy = False
        return "done"


@caught_by("test_calls_run_side_by_side", "one at a time")
class TestSingle(PlainContract):
    plugin = a_tool(Single().run)
    calls: ClassVar = {"t": [{}, {}]}


async def sulking() -> str:
    return str(await stubborn())


@caught_by("test_a_call_can_be_cancelled", "did not end within")
class TestToolIgnoresCancellation(PlainContract):
    plugin = a_tool(sulking)


@caught_by("test_what_can_be_asked_can_be_asked", "effect and check disagree")
class TestNoCheck(PlainContract):
    plugin = a_tool(fine, effect=Effect.QUERYABLE)


async def always_done(key: str) -> str | None:
    return "done"


@caught_by("test_what_can_be_asked_can_be_asked", "which never was")
class TestLyingCheck(PlainContract):
    plugin = a_tool(fine, effect=Effect.QUERYABLE, check=always_done)


@caught_by("test_what_was_done_is_known", "says None of a call that it has made")
class TestForgetfulCheck(PlainContract):
    plugin = a_tool(fine, effect=Effect.QUERYABLE, check=nothing)


@caught_by("test_calls_work", "Blocking call to time.sleep")
class TestToolBlocks(ToolContract):
    plugin = "tests.mutants.wrong_modules.blocking"
    calls: ClassVar = {"rest": [{}]}
