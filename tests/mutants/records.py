"""What holds for every record, and for all that opens."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

from argent_hookspecs import EventSource, Feed, Job, Plugin, hookimpl
from argent_testing import EventSourceContract, JobContract, hang
from tests.mutants.declaring import bringing, caught_by, nothing


def a_job(**options: Any) -> Job:
    return Job(**{"id": "j", "run": nothing, "every": timedelta(1), **options})


class TestRightRecord(JobContract):
    plugin = bringing(a_job())


@caught_by("test_records_are_sound", "is not usable")
class TestBlankId(JobContract):
    plugin = bringing(a_job(id=" "))


@caught_by("test_records_are_sound", "must be positive")
class TestNoTime(JobContract):
    plugin = bringing(a_job(timeout=0))


@caught_by("test_runs_again_and_again", "brings no Job")
class TestNothingThere(JobContract):
    plugin = bringing()


class Restless:
    """Its hook yields something else each time."""

    name = "mutant"
    numbers = itertools.count()

    @hookimpl
    def argent_plugin(self) -> Plugin:
        return Plugin(summary="Restless.")

    @hookimpl
    def argent_jobs(self) -> list[Job]:
        return [a_job(id=f"j{next(self.numbers)}")]


@caught_by("test_hooks_only_register", "something else")
class TestRestless(JobContract):
    plugin = Restless()


class Quiet:
    """A source that has nothing to say."""

    async def listen(self, feed: Feed) -> None:
        await hang()


def opened(opener: Any) -> Any:
    return bringing(EventSource(id="e", open=opener))


class TestRightOpening(EventSourceContract):
    plugin = opened(lambda: nullcontext(Quiet()))


@caught_by("test_opens_and_closes_twice", "which is no Listener")
class TestNoListener(EventSourceContract):
    plugin = opened(lambda: nullcontext(object()))


@asynccontextmanager
async def forgetting_a_task() -> AsyncIterator[Quiet]:
    import asyncio

    asyncio.get_running_loop().create_task(hang(), name="forgotten")
    yield Quiet()


@caught_by("test_opens_and_closes_twice", "left tasks behind: forgotten")
class TestLeaksATask(EventSourceContract):
    plugin = opened(forgetting_a_task)


class OnceOnly:
    """Opens only once."""

    opened = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Quiet]:
        self.opened += 1
        if self.opened > 1:
            raise RuntimeError("the port is taken")
        yield Quiet()


@caught_by("test_opens_and_closes_twice", "the port is taken")
class TestOpensOnce(EventSourceContract):
    plugin = opened(OnceOnly().open)


class Swallows(Quiet):
    """Lets no error through."""

    async def __aenter__(self) -> Quiet:
        return self

    async def __aexit__(self, *_: object) -> bool:
        return True


@caught_by("test_closes_after_an_error", "DID NOT RAISE")
class TestSwallowsErrors(EventSourceContract):
    plugin = opened(Swallows)


KEPT: list[Any] = []


@asynccontextmanager
async def leaving_a_thread() -> AsyncIterator[Quiet]:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    yield Quiet()


@caught_by("test_closing_lets_everything_go", "keeps hold of a thread")
class TestLeaksAThread(EventSourceContract):
    plugin = opened(leaving_a_thread)


@asynccontextmanager
async def leaving_a_file() -> AsyncIterator[Quiet]:
    KEPT.append(Path(__file__).open("rb"))  # noqa: SIM115, ASYNC230 - the fault itself
    yield Quiet()


@caught_by("test_closing_lets_everything_go", "keeps hold of a file")
class TestLeaksAFile(EventSourceContract):
    plugin = opened(leaving_a_file)


@asynccontextmanager
async def leaving_a_socket() -> AsyncIterator[Quiet]:
    KEPT.append(socket.socket())
    yield Quiet()


@caught_by("test_closing_lets_everything_go", "keeps hold of a socket")
class TestLeaksASocket(EventSourceContract):
    plugin = opened(leaving_a_socket)
