"""What comes back to life stands in the workspace again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from argent_hookspecs import MemoryKind
from argent_memo.consolidation import Consolidation

from .test_mirror import Desk, opened

pytestmark = pytest.mark.anyio
RUNS = (
    "I went for a run along the river.",
    "I went for a long run along the river.",
    "Went for a run along the river.",
)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path) as desk:
        yield desk


async def consolidated(desk: Desk) -> list[int]:
    """Let three episodes become one, and show that."""
    ids = [await desk.know(text, kind=MemoryKind.EPISODIC, speaker="Eva") for text in RUNS]
    assert await Consolidation(desk.memo.store).run() == 1
    await desk.memo.mirror.step()
    assert (desk.shown(), desk.shown(desk.today)) == ([RUNS[1]], [])
    return ids


async def test_what_comes_back_after_a_forgetting_is_shown_again(desk: Desk) -> None:
    ids = await consolidated(desk)

    await desk.memo.forget([ids[2]])
    await desk.memo.mirror.step()

    assert await desk.texts() == desk.shown(desk.today) == [*RUNS[:2]]
    assert desk.shown() == []


async def test_it_is_shown_also_where_another_file_is_left_alone(desk: Desk) -> None:
    ids = await consolidated(desk)
    desk.facts.write_bytes(b"\xff")
    await desk.memo.mirror.step()
    await desk.know("Ann lives in Bern.")

    await desk.memo.forget([ids[2]])
    await desk.memo.mirror.step()

    assert desk.shown(desk.today) == [*RUNS[:2]]
    assert desk.facts.read_bytes() == b"\xff"
