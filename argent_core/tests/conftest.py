from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from argent_core.guard import Guard
from argent_core.paths import Home

from .guarding import Faults, installed


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def guard(faults: Faults) -> AsyncIterator[Guard]:
    with installed(Guard(on_fault=faults)) as guard:
        yield guard
