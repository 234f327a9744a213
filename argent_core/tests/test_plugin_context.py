from __future__ import annotations

import asyncio
import gc
import logging
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from argent_core.kernel import Kernel
from argent_hookspecs import (
    ArgentError,
    Event,
    EventRefused,
    Observer,
    PluginContext,
    PluginError,
    Progress,
    Service,
    ServiceKey,
    ServiceMissing,
    StorageError,
)
from argent_testing import Argent, eventually, hang

from .demo import Demo
from .guarding import deaf

pytestmark = pytest.mark.anyio

NOTES = ("CREATE TABLE notes (text)",)
GREETER: ServiceKey[str] = ServiceKey("greeter", str)


def ctx_of(plugin: Demo) -> PluginContext:
    assert plugin.ctx is not None
    return plugin.ctx


async def note(database: Any, text: str) -> None:
    await database.write(lambda tx: tx.execute("INSERT INTO notes VALUES (?)", (text,)).rowcount)


async def notes(database: Any) -> list[str]:
    rows = await database.read(lambda tx: tx.execute("SELECT text FROM notes").fetchall())
    return [text for (text,) in rows]


class TestDatabase:
    async def test_what_a_plugin_writes_is_there_after_a_restart(self, argent: Argent) -> None:
        plugin = Demo()

        run = argent(plugins=[plugin])
        async with run, ctx_of(plugin).database("notes", NOTES) as database:
            await note(database, "kept")
        async with argent.restart(), ctx_of(plugin).database("notes", NOTES) as database:
            assert await notes(database) == ["kept"]

        assert (argent.home.data / "notes.db").is_file()

    @pytest.mark.parametrize(
        "name",
        ["kernel", "Kernel", "secrets", "Secrets", "../x", "a/b", "", "with space", "x.db"],
    )
    async def test_a_name_that_leads_elsewhere_is_refused(self, argent: Argent, name: str) -> None:
        plugin = Demo()

        async with argent(plugins=[plugin]):
            with pytest.raises(ArgentError, match="is no name for a database of demo"):
                async with ctx_of(plugin).database(name, NOTES):
                    pass

    async def test_it_is_opened_once_at_a_time(self, argent: Argent) -> None:
        mine = Demo(name="mine")

        async with argent(plugins=[mine]):
            async with ctx_of(mine).database("notes", NOTES) as database:
                with pytest.raises(PluginError, match=r"notes\.db is open already, by mine"):
                    async with ctx_of(mine).database("notes", NOTES):
                        pass
                await note(database, "undisturbed")
            async with ctx_of(mine).database("notes", NOTES) as database:
                assert await notes(database) == ["undisturbed"]

    async def test_nobody_else_opens_it_not_even_later(self, argent: Argent) -> None:
        mine, other = Demo(name="mine"), Demo(name="other")

        async with argent(plugins=[mine, other]):
            for _ in range(2):
                async with ctx_of(mine).database("notes", NOTES):
                    with pytest.raises(PluginError, match=r"notes\.db belongs to mine"):
                        async with ctx_of(other).database("notes", NOTES):
                            pass
                with pytest.raises(PluginError, match=r"notes\.db belongs to mine"):
                    async with ctx_of(other).database("notes", NOTES):
                        pass

    async def test_one_that_could_not_be_opened_can_be_opened_later(self, argent: Argent) -> None:
        plugin = Demo()

        async with argent(plugins=[plugin]):
            with pytest.raises(StorageError):
                async with ctx_of(plugin).database("notes", ("nonsense",)):
                    pass
            async with ctx_of(plugin).database("notes", NOTES) as database:
                await note(database, "fine")

    async def test_one_that_is_left_open_is_closed_with_the_plugin(self, argent: Argent) -> None:
        plugin = Demo()

        async with argent(plugins=[plugin]) as kernel:
            left_open = ctx_of(plugin).database("notes", NOTES)
            database = await left_open.__aenter__()
            await note(database, "kept")
            await kernel.host.disable("demo")

            with pytest.raises(StorageError, match="closed"):
                await note(database, "too late")
            await kernel.host.enable("demo")
            async with ctx_of(plugin).database("notes", NOTES) as again:
                assert await notes(again) == ["kept"]
            await left_open.__aexit__(None, None, None)

    async def test_a_neighbours_stays_open(self, argent: Argent) -> None:
        mine, other = Demo(name="mine"), Demo(name="other")

        run = argent(plugins=[mine, other])
        async with run as kernel, ctx_of(mine).database("notes", NOTES) as database:
            await kernel.host.disable("other")
            await note(database, "still open")
            assert await notes(database) == ["still open"]


class TestSpawn:
    async def test_a_task_ends_with_its_plugin_and_is_no_fault(self, argent: Argent) -> None:
        plugin, ended = Demo(), asyncio.Event()

        async def work() -> None:
            try:
                await hang()
            finally:
                ended.set()

        async with argent(plugins=[plugin]) as kernel:
            ctx_of(plugin).spawn(work(), name="work")
            await eventually(lambda: kernel.guard.tasks.running_tasks("demo") == 2, what="it runs")
            await kernel.host.disable("demo")
            assert ended.is_set()
            assert kernel.host.plugins["demo"].faults == 0

    @pytest.mark.parametrize("error", [LookupError("lost"), SystemExit(1), KeyboardInterrupt()])
    async def test_its_failure_is_the_plugins(self, argent: Argent, error: BaseException) -> None:
        plugin = Demo()

        async def fail() -> None:
            raise error

        async with argent(plugins=[plugin], allow_faults=True) as kernel:
            ctx_of(plugin).spawn(fail(), name="work")
            hosted = kernel.host.plugins["demo"]
            await eventually(lambda: hosted.faults, what="it is named")

            assert hosted.reason == f"task work failed: {error!r}"
            assert hosted.state == "degraded"

    async def test_one_that_ends_well_is_no_fault(self, argent: Argent) -> None:
        plugin, ended = Demo(), asyncio.Event()

        async def work() -> None:
            ended.set()

        async with argent(plugins=[plugin]) as kernel:
            ctx_of(plugin).spawn(work(), name="work")
            await ended.wait()
            assert kernel.host.plugins["demo"].faults == 0

    async def test_nobody_needs_to_hold_it(self, argent: Argent) -> None:
        plugin = Demo()

        async with argent(plugins=[plugin]) as kernel:
            ctx_of(plugin).spawn(hang(), name="work")
            await asyncio.sleep(0)
            gc.collect()
            assert kernel.guard.tasks.running_tasks("demo") == 2

    async def test_one_that_never_began_leaves_nothing(self, argent: Argent) -> None:
        plugin = Demo()

        async with argent(plugins=[plugin]) as kernel:
            ctx_of(plugin).spawn(hang(), name="work")
            await kernel.guard.tasks.sweep("demo")
        gc.collect()

    async def test_one_that_does_not_let_go_is_left_behind_and_named(self, argent: Argent) -> None:
        plugin = Demo()

        async with argent(plugins=[plugin], allow_faults=True) as kernel:
            ctx_of(plugin).spawn(deaf(), name="clinging")
            await asyncio.sleep(0)
            await kernel.host.disable("demo")
            assert kernel.host.plugins["demo"].faults == 1
            await eventually(
                lambda: kernel.guard.tasks.running_tasks("demo") == 0, what="it lets go after all"
            )


class TestProgress:
    async def test_it_is_told_from_any_thread(self, argent: Argent) -> None:
        plugin, seen = Demo(), []

        async def notify(notice: Any) -> None:
            seen.append(notice)

        observer = Demo(Observer(id="o", notify=notify, kinds=(Progress,)), name="observer")
        async with argent(plugins=[plugin, observer]):
            report = ctx_of(plugin).progress
            await asyncio.to_thread(report, "downloading", done=3, total=10, unit="B")
            report("downloading", done=10, total=10, unit="B")
            await eventually(lambda: len(seen) == 2, what="both are told")

        assert seen == [
            Progress(plugin="demo", activity="downloading", done=done, total=10, unit="B")
            for done in (3, 10)
        ]

    async def test_one_who_reports_too_late_is_not_heard(self, argent: Argent) -> None:
        plugin = Demo()

        async with argent(plugins=[plugin]):
            pass

        ctx_of(plugin).progress("downloading")


class TestServices:
    async def test_a_plugin_reaches_what_another_offers(self, argent: Argent) -> None:
        host = Demo(Service(key=GREETER, open=lambda: nullcontext("hello")), name="host")
        guest = Demo(name="guest", requires=(GREETER,))

        async with argent(plugins=[guest, host]):
            assert ctx_of(guest).services.get(GREETER) == "hello"
            assert ctx_of(guest).services.find(GREETER) == "hello"

    async def test_it_is_there_when_one_that_requires_it_opens(self, argent: Argent) -> None:
        found = []

        def make(ctx: PluginContext) -> list[Service[Any]]:
            return [Service(key=ServiceKey("mine", object), open=lambda: opened(ctx))]

        @asynccontextmanager
        async def opened(ctx: PluginContext) -> AsyncIterator[object]:
            found.append(ctx.services.get(GREETER))
            yield object()

        host = Demo(Service(key=GREETER, open=lambda: nullcontext("hello")), name="z-host")
        async with argent(plugins=[Demo(name="a-guest", make=make, requires=(GREETER,)), host]):
            assert found == ["hello"]

    async def test_one_that_nobody_offers_is_missed_by_name(self, argent: Argent) -> None:
        plugin = Demo()

        async with argent(plugins=[plugin]):
            assert ctx_of(plugin).services.find(GREETER) is None
            with pytest.raises(ServiceMissing, match="no running plugin offers 'greeter'"):
                ctx_of(plugin).services.get(GREETER)

    async def test_one_whose_plugin_was_switched_off_is_gone(self, argent: Argent) -> None:
        host = Demo(Service(key=GREETER, open=lambda: nullcontext("hello")), name="host")
        guest = Demo(name="guest", uses=(GREETER,))

        async with argent(plugins=[guest, host]) as kernel:
            await kernel.host.disable("host")
            assert ctx_of(guest).services.find(GREETER) is None


class TestOwnThings:
    async def test_its_folder_is_there_for_its_owner_only(self, argent: Argent) -> None:
        plugin = Demo()

        async with argent(plugins=[plugin]):
            folder = ctx_of(plugin).data
            assert folder.is_dir()
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert folder.name == ctx_of(plugin).name == "demo"

    async def test_its_log_carries_its_name_and_what_it_says(
        self, argent: Argent, caplog: pytest.LogCaptureFixture
    ) -> None:
        plugin = Demo()

        async with argent(plugins=[plugin]):
            ctx_of(plugin).log.warning("the printer is %s", "hot", extra={"degrees": 80})

        (record,) = [r for r in caplog.records if r.getMessage() == "the printer is hot"]
        assert (record.levelno, record.plugin, record.degrees) == (  # type: ignore[attr-defined]
            logging.WARNING,
            "demo",
            80,
        )

    async def test_it_knows_where_the_workspace_is(self, argent: Argent, tmp_path: Path) -> None:
        plugin, folder = Demo(), tmp_path / "notes"

        async with argent(plugins=[plugin], config={"agent": {"workspace": str(folder)}}):
            assert ctx_of(plugin).workspace == folder

    async def test_its_clock_is_the_kernels(self, argent: Argent) -> None:
        plugin = Demo()

        async with argent(plugins=[plugin]):
            before = ctx_of(plugin).clock.now()
            await argent.clock.advance(60)
            assert (ctx_of(plugin).clock.now() - before).total_seconds() == 60


class TestEmit:
    async def test_an_event_of_its_own_is_dealt_with(self, argent: Argent) -> None:
        plugin = Demo()

        async with argent(plugins=[plugin], model=["noted"]) as kernel:
            id = await ctx_of(plugin).emit(Event(kind="note", conversation="c", content="hello"))
            await argent.model.asked(1)
            assert (await kernel.agent.events.show(str(id)))["source"] == "demo"

    async def test_what_is_no_event_is_refused(self, argent: Argent) -> None:
        plugin, rubbish = Demo(), {"conversation": "c"}

        async with argent(plugins=[plugin], allow_faults=True):
            with pytest.raises(PluginError, match="no Event"):
                await ctx_of(plugin).emit(rubbish)  # type: ignore[arg-type]

    async def test_a_full_disk_refuses_it(self, argent: Argent) -> None:
        plugin = Demo()

        async with argent(plugins=[plugin]) as kernel:
            await limit(kernel, 1)
            with pytest.raises(EventRefused, match="no room left"):
                await ctx_of(plugin).emit(Event(conversation="c", content="x" * 500_000))
            await limit(kernel, 100_000)


async def limit(kernel: Kernel, pages: int) -> None:
    sql = f"PRAGMA max_page_count={pages}"
    await kernel.journal.database.write(lambda tx: tx.execute(sql).fetchone())
