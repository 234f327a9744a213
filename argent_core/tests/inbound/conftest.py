from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from argent_core.config import PeopleSettings
from argent_core.database import open_database
from argent_core.guard import Guard
from argent_core.inbound.ballast import Ballast
from argent_core.inbound.gate import Gate
from argent_core.inbound.intake import Intake
from argent_core.inbound.journal import Journal
from argent_core.pairing import Pairing
from argent_core.people import People
from argent_core.schema import MIGRATIONS
from argent_hookspecs import Address
from argent_testing import FakeClock

from ..guarding import Faults


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def journal(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Journal]:
    async with open_database(tmp_path / "kernel.db", MIGRATIONS) as database:
        yield Journal(database, clock)


@pytest.fixture
def heard() -> list[Address]:
    return []


@pytest.fixture
def stored() -> list[int]:
    return []


@pytest.fixture
def intake(
    journal: Journal, tmp_path: Path, faults: Faults, heard: list[Address], stored: list[int]
) -> Intake:
    pairing = Pairing(People(journal.database, journal.clock, PeopleSettings()))

    async def stop(conversation: str) -> int:
        return 0

    return Intake(
        journal,
        Gate(journal, pairing, "ada", publish=lambda notice: None, replied=lambda: None),
        Guard(on_fault=faults),
        Ballast(tmp_path / "ballast", 1 << 16),
        stop=stop,
        stored=lambda: stored.append(1),
        heard_from=heard.append,
    )
