from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bot_api import BotApi

OWNER = 1
"""The person whose agent it is."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as api:
        yield api


@pytest.fixture
def config(api: BotApi, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings of an agent with one bot, and an owner."""
    monkeypatch.setenv("TELEGRAM_TOKEN", api.token)
    return {
        "plugins": {"telegram": {"token": "env:TELEGRAM_TOKEN", "baseUrl": api.url}},
        "people": {"owners": {"telegram": [str(OWNER)]}},
    }
