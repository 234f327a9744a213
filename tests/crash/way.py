"""The way that messages take to the kernel, and replies from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from attrs import define, frozen

from argent_core.kernel import Kernel
from argent_core.plugins import InstalledPlugin
from tests.crash.failpoints import Failpoints
from tests.crash.judge import FAULTS, Verdict, judge
from tests.crash.line import Line
from tests.crash.report import Report
from tests.crash.world import CHANNELS, ChannelKind, World

if TYPE_CHECKING:
    from tests.crash.mutants import Mutant


@frozen
class Inside:
    """What a way sees of a life, in the child.

    Args:
        acknowledged: The newest message of each channel that this life has acknowledged.
        looked: Called whenever the kernel may have nothing more to do.
    """

    line: Line
    points: Failpoints
    acknowledged: dict[str, int]
    looked: Callable[[], None]


class Way(Protocol):
    """How messages come and go; what the world keeps of them, and how that is judged."""

    @property
    def kinds(self) -> tuple[ChannelKind, ...]:
        """The channels."""
        ...

    @property
    def own_kinds(self) -> tuple[ChannelKind, ...]:
        """Those that the world itself plays."""
        ...

    @property
    def asks_by_itself(self) -> bool:
        """Whether what needs a person's word is asked through its channels."""
        ...

    @property
    def longest_life(self) -> float:
        """Seconds after which a life is killed that does not come to its failpoint."""
        ...

    @property
    def option(self) -> str:
        """What the command is told to go this way."""
        ...

    @property
    def faults(self) -> tuple[str, ...]:
        """The figures that must not rise."""
        ...

    def make_world(self, seed: str, *, calm: bool = False) -> World:
        """Make a world for one home."""
        ...

    def settings(self, folder: Path, world: World) -> dict[str, Any]:
        """Return what a home's configuration says besides; the folder is for secrets."""
        ...

    def plugins(self) -> list[InstalledPlugin]:
        """Return the plugins of a life besides the world's own."""
        ...

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """Make the event loop of a life."""
        ...

    def watch(self, inside: Inside) -> None:
        """Put failpoints into this process, which is a life."""
        ...

    async def catch_up(self, kernel: Kernel) -> None:
        """Wait at the end of a quiet life for what is done in the background."""
        ...

    def judge(self, world: World, report: Report | None) -> Verdict:
        """Judge a home after its quiet life."""
        ...

    def mutants(self) -> Sequence[Mutant]:
        """Return the changes for the worse that must be noticed."""
        ...


@define(eq=False)
class OwnWay:
    """Channels that the world itself plays: some drop a second reply, some keep a cursor."""

    kinds: tuple[ChannelKind, ...] = CHANNELS
    own_kinds: tuple[ChannelKind, ...] = CHANNELS
    asks_by_itself: bool = False
    longest_life: float = 5.0
    option: str = ""
    faults: tuple[str, ...] = FAULTS

    def make_world(self, seed: str, *, calm: bool = False) -> World:
        """Make a world for one home."""
        return World(seed, calm=calm)

    def settings(self, folder: Path, world: World) -> dict[str, Any]:
        """Return nothing: its channels need no settings."""
        return {}

    def plugins(self) -> list[InstalledPlugin]:
        """Return none."""
        return []

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """Make a usual one."""
        return asyncio.new_event_loop()

    def watch(self, inside: Inside) -> None:
        """Do nothing: the world's plugin has its failpoints."""

    async def catch_up(self, kernel: Kernel) -> None:
        """Wait for nothing."""

    def judge(self, world: World, report: Report | None) -> Verdict:
        """Judge a home after its quiet life."""
        return judge(world.ledger, report)

    def mutants(self) -> Sequence[Mutant]:
        """Return those of the kernel."""
        from tests.crash.mutants import MUTANTS  # which run campaigns of such ways

        return MUTANTS


@contextmanager
def open_way(name: str) -> Iterator[Way]:
    """Open a way: ``own``, ``telegram``, or ``memory``."""
    if name == "memory":
        from tests.crash.memory.way import MemoryWay

        yield MemoryWay()
    elif name == "telegram":
        # What it stands on need not be installed for the other.
        from tests.crash.telegram.way import telegram_way

        with telegram_way() as way:
            yield way
    else:
        yield OwnWay()
