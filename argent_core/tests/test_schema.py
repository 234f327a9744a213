"""A home of an earlier version, and what becomes of its records."""

from __future__ import annotations

from pathlib import Path

import pytest

from argent_core.database import open_database
from argent_core.schema import MIGRATIONS

pytestmark = pytest.mark.anyio

UNNUMBERED = MIGRATIONS[:8]
"""The tables before turns were numbered in the order in which they ended."""


async def test_turns_that_ended_at_one_moment_are_numbered_as_they_began(tmp_path: Path) -> None:
    path = tmp_path / "kernel.db"
    put = "INSERT INTO turns (id, conversation, n, state, started_at, finished_at) VALUES "
    rows = "('c', 'home', 0, 'done', 1, 2), ('b', 'home', 1, 'dead', 1, 2)"
    rows += ", ('a', 'home', 2, 'done', 1, 2), ('d', 'home', 3, 'done', 1, 1)"
    async with open_database(path, UNNUMBERED) as database:
        await database.write(lambda tx: tx.execute(put + rows).rowcount)
    async with open_database(path, MIGRATIONS) as database:
        sql = "SELECT id FROM turns ORDER BY ended"
        found = await database.read(lambda tx: tx.execute(sql).fetchall())

    assert [id for (id,) in found] == ["d", "c", "b", "a"]
