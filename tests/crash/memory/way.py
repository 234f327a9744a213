"""The world's own channels, to a kernel that remembers."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define

import argent_memo
from argent_core.kernel import Kernel
from argent_core.plugins import InstalledPlugin
from argent_hookspecs import MEMORY
from argent_memo.memo import Memo
from tests.crash.judge import FAULTS, Verdict
from tests.crash.memory.judge import MEMORIES_DOUBLED, MEMORIES_LOST, judge_memory
from tests.crash.memory.world import MemoryWorld
from tests.crash.report import Report
from tests.crash.way import OwnWay
from tests.crash.world import World

if TYPE_CHECKING:
    from tests.crash.mutants import Mutant

_NOT_NEEDED = ("commands", "imports", "worker")


@define(eq=False)
class MemoryWay(OwnWay):
    """argent-memo, as it is, beside the world's channels."""

    option: str = " --memory"
    faults: tuple[str, ...] = (*FAULTS, MEMORIES_LOST, MEMORIES_DOUBLED)

    def __attrs_post_init__(self) -> None:
        """Import what lives need, which they then have from birth."""
        for module in pkgutil.iter_modules(argent_memo.__path__):
            if module.name not in _NOT_NEEDED:
                importlib.import_module(f"argent_memo.{module.name}")

    def make_world(self, seed: str, *, calm: bool = False) -> World:
        """Make a world for one home."""
        return MemoryWorld(seed, calm=calm)

    def settings(self, folder: Path, world: World) -> dict[str, Any]:
        """Have only what is said kept: the world takes all that a model is told for new."""
        assert isinstance(world, MemoryWorld)
        world.home = folder / "home"
        rest = {"autoRecall": False, "reflect": False, "mirror": False, "workerPort": 0}
        return {"memory": rest}

    def plugins(self) -> list[InstalledPlugin]:
        """Return argent-memo."""
        return [InstalledPlugin("memo", lambda: argent_memo)]

    async def catch_up(self, kernel: Kernel) -> None:
        """Wait until capture has come to the end of the journal."""
        context = kernel.host.plugins["memo"].context
        assert context is not None
        memo = context.services.get(MEMORY)
        assert isinstance(memo, Memo)
        await memo.capture.catch_up()

    def judge(self, world: World, report: Report | None) -> Verdict:
        """Compare what was said with what is remembered."""
        assert isinstance(world, MemoryWorld)
        return judge_memory(world, report)

    def mutants(self) -> Sequence[Mutant]:
        """Return those of the plugin."""
        from tests.crash.memory.mutants import MUTANTS  # which run campaigns of such ways

        return MUTANTS
