from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from argent_core.database import open_database
from argent_core.inbound.journal import Journal
from argent_core.schema import MIGRATIONS
from argent_testing import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def journal(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Journal]:
    async with open_database(tmp_path / "kernel.db", MIGRATIONS) as database:
        yield Journal(database, clock)
