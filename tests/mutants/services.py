"""Wrong services."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

from argent_hookspecs import Service, ServiceKey
from argent_testing import MadePlugin, ServiceContract, hang
from tests.mutants.declaring import bringing, caught_by


class Shelf:
    """What the service is."""


def a_service(opener: Callable[[], AbstractAsyncContextManager[Any]]) -> MadePlugin:
    return bringing(Service(key=ServiceKey("shelf", Shelf), open=opener))


class Port:
    """Only one can have it at a time."""

    taken = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Shelf]:
        assert not self.taken, "the port is taken"
        self.taken = True
        yield Shelf()
        self.taken = False


class TestRightService(ServiceContract):
    plugin = a_service(Port().open)


class Held(Port):
    """It does not give it back."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Shelf]:
        assert not self.taken, "the port is taken"
        self.taken = True
        yield Shelf()


@caught_by("test_opens_and_closes_again_and_again", "the port is taken")
class TestOpensOnlyOnce(ServiceContract):
    plugin = a_service(Held().open)


@caught_by("test_can_be_found", "shelf is something else")
class TestSomethingElse(ServiceContract):
    plugin = a_service(lambda: nullcontext("no shelf"))


@asynccontextmanager
async def with_a_task() -> AsyncIterator[Shelf]:
    asyncio.get_running_loop().create_task(hang(), name="forgotten")
    yield Shelf()


@caught_by("test_opens_and_closes_again_and_again", "left 1 tasks running")
class TestServiceLeaksATask(ServiceContract):
    plugin = a_service(with_a_task)


KEPT: list[Any] = []


@asynccontextmanager
async def with_a_file() -> AsyncIterator[Shelf]:
    KEPT.append(Path(__file__).open("rb"))  # noqa: SIM115, ASYNC230 - the fault itself
    yield Shelf()


@caught_by("test_closing_lets_everything_go", "keeps hold of a file")
class TestServiceLeaksAFile(ServiceContract):
    plugin = a_service(with_a_file)


@asynccontextmanager
async def with_a_socket() -> AsyncIterator[Shelf]:
    KEPT.append(socket.socket())
    yield Shelf()


@caught_by("test_closing_lets_everything_go", "keeps hold of a socket")
class TestServiceLeaksASocket(ServiceContract):
    plugin = a_service(with_a_socket)


@asynccontextmanager
async def with_a_thread() -> AsyncIterator[Shelf]:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    yield Shelf()


@caught_by("test_closing_lets_everything_go", "keeps hold of a thread")
class TestServiceLeaksAThread(ServiceContract):
    plugin = a_service(with_a_thread)


@asynccontextmanager
async def failing_to_close() -> AsyncIterator[Shelf]:
    yield Shelf()
    raise OSError("the lock is not mine")


@caught_by("test_opens_and_closes_again_and_again", "the lock is not mine")
class TestCannotClose(ServiceContract):
    plugin = a_service(failing_to_close)
