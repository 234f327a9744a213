"""What all contracts share: the plugin that is tried out, and what holds for every record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from argent_testing.contracts.discretion import Discretion
from argent_testing.guards import TaskLeaks, no_blocking, what_it_holds
from argent_testing.specimen import Specimen, load_plugin
from argent_testing.targets import PluginTarget, package_of

T = TypeVar("T")

_TURNS_OF_THE_LOOP = 10


class Contract:
    """Tries out a plugin: inherit from one of its children and name the plugin.

    While a test runs, nothing of the plugin's package may block the event loop, and when it has
    ended, no task may be left. A secret to which the settings refer by ``env:NAME`` must not stand
    in what the plugin logs, nor in what its objects look like.

    Attributes:
        plugin: Name of its entry point or module, the module, or an object with its hooks.
        settings: Its section of ``argent.json``.
        beside: Plugins that it needs.
        patience: Seconds that anything may take that has no timeout of its own.
        stop_seconds: Seconds within which whatever is cancelled must have ended.
    """

    plugin: ClassVar[PluginTarget]
    settings: ClassVar[Mapping[str, Any]] = {}
    beside: ClassVar[Sequence[PluginTarget]] = ()
    patience: ClassVar[float] = 10.0
    stop_seconds: ClassVar[float] = 1.0
    pytestmark: ClassVar[Any] = [pytest.mark.anyio]
    discretion: Discretion = Discretion()

    @pytest.fixture
    def anyio_backend(self) -> str:
        """Run on asyncio, as the kernel does."""
        return "asyncio"

    @pytest.fixture
    def plugin_settings(self) -> Mapping[str, Any]:
        """The ``settings``; override it for those that are only known when the test runs."""
        return self.settings

    @pytest.fixture
    async def specimen(
        self, tmp_path: Path, plugin_settings: Mapping[str, Any]
    ) -> AsyncIterator[Specimen]:
        """The plugin, loaded and started."""
        async with self.loaded(tmp_path / "home", plugin_settings) as specimen:
            yield specimen

    @asynccontextmanager
    async def loaded(self, folder: Path, settings: Mapping[str, Any]) -> AsyncIterator[Specimen]:
        """Load the plugin for the block; it must neither block nor leave tasks behind."""
        leaks = TaskLeaks()
        package = package_of(self.plugin)
        self.discretion = Discretion.of(settings)
        with ExitStack() as stack:
            stack.enter_context(self.discretion.over_logs(package.__name__ if package else None))
            async with load_plugin(
                self.plugin, folder=folder, settings=settings, beside=self.beside
            ) as specimen:
                stack.enter_context(no_blocking([package] if package else []))
                self.discretion.listen_closely()
                yield specimen
                for shown in (specimen.ctx.settings, *specimen.records, *specimen.alive):
                    self.discretion.check(repr(shown), what=f"the repr of {type(shown).__name__}")
        left = await leaks.found()
        assert not left, f"tasks left behind: {', '.join(left)}"

    async def soon(self, work: Awaitable[T], *, what: str, seconds: float | None = None) -> T:
        """Wait for something, but not for ever. Raises ``AssertionError`` when it is late."""
        limit = seconds or self.patience
        try:
            async with asyncio.timeout(limit):
                return await work
        except TimeoutError as error:
            raise AssertionError(f"{what} took longer than {limit:g} s") from error

    async def assert_stops(self, task: asyncio.Task[Any], *, what: str) -> None:
        """Cancel a task, once it has begun, and check that it ends."""
        for _ in range(_TURNS_OF_THE_LOOP):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=self.stop_seconds)
        assert task.done(), f"{what} did not end within {self.stop_seconds:g} s of being cancelled"

    async def assert_lets_go(self, work: Callable[[], Awaitable[object]], *, what: str) -> None:
        """Do something a few times, and check that it holds nothing more each time."""
        kept = await self.soon(what_it_holds(work), what=what, seconds=4 * self.patience)
        assert not kept, f"{what} keeps hold of {', '.join(kept)}, more each time; close it"


class RecordContract(Contract):
    """Tries out what a plugin brings of one kind.

    Attributes:
        kind: Class of the records; each contract says it.
        only: Ids of the records that are meant; all of the kind, if empty.
    """

    kind: ClassVar[type[Any]]
    only: ClassVar[Sequence[str]] = ()

    @classmethod
    def covers(cls, record: Any) -> bool:
        """Tell whether a record is tried out, as far as ``PluginContract`` asks."""
        return type(record) is cls.kind and (not cls.only or record.id in cls.only)

    def records(self, specimen: Specimen) -> list[Any]:
        """Return the records that are tried out."""
        return [r for r in specimen.of(self.kind) if not self.only or r.id in self.only]

    @pytest.fixture(autouse=True)
    async def _there_is_something_to_try(self, specimen: Specimen) -> None:
        """Fail instead of trying out nothing."""
        found = {record.id for record in self.records(specimen)}
        missing = sorted(set(self.only) - found)
        assert found, f"{specimen.name} brings no {self.kind.__name__}"
        assert not missing, f"{specimen.name} brings no {self.kind.__name__} {', '.join(missing)}"

    async def test_records_are_sound(self, specimen: Specimen) -> None:
        """Each has a usable id, a positive timeout and a whole number for its order."""
        for record in self.records(specimen):
            assert isinstance(record.id, str), f"the id {record.id!r} is no text"
            assert record.id.strip() == record.id != "", f"the id {record.id!r} is not usable"
            timeout = getattr(record, "timeout", 1.0)
            assert timeout > 0, f"{record.id}: the timeout {timeout} must be positive"
            assert isinstance(record.order, int), f"{record.id}: the order must be a whole number"

    async def test_hooks_only_register(self, specimen: Specimen) -> None:
        """Called once more, the hooks yield the same records."""
        kinds = [(type(record), record.id) for record in specimen.records]
        again = [(type(record), record.id) for record in specimen.collect()]
        assert again == kinds, "the hooks yield something else when they are called once more"


class OpenedContract(RecordContract):
    """Tries out records that have ``open``.

    Attributes:
        yields: What an open record must be able to do.
    """

    yields: ClassVar[type[Any]]

    async def test_opens_and_closes_twice(self, specimen: Specimen) -> None:
        """It can be closed and opened again, and leaves no task behind."""
        for record in self.records(specimen):
            for _ in range(2):
                leaks = TaskLeaks()
                await self.soon(self._visit(record), what=f"opening {record.id}")
                left = await leaks.found()
                assert not left, f"{record.id} left tasks behind: {', '.join(left)}"

    async def test_closing_lets_everything_go(self, specimen: Specimen) -> None:
        """Closed, it holds no thread, no file and no socket any more."""
        for record in self.records(specimen):
            await self.assert_lets_go(partial(self._visit, record), what=f"{record.id}, closed,")

    async def test_closes_after_an_error(self, specimen: Specimen) -> None:
        """It closes in good order when the block ends with an error, and lets that through."""
        for record in self.records(specimen):
            with pytest.raises(ZeroDivisionError):
                await self.soon(self._visit(record, fail=True), what=f"closing {record.id}")

    async def _visit(self, record: Any, *, fail: bool = False) -> None:
        async with record.open() as live:
            assert isinstance(live, self._protocol(record)), (
                f"{record.id}: open yields a {type(live).__name__}, "
                f"which is no {self._protocol(record).__name__}"
            )
            self.discretion.check(repr(live), what=f"the repr of what {record.id} opens")
            if fail:
                raise ZeroDivisionError

    def _protocol(self, record: Any) -> type[Any]:
        return self.yields
