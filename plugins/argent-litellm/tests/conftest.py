"""Fixtures of this plugin's tests."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from played_openai import PlayedOpenAI


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[PlayedOpenAI]:
    """A server that speaks as OpenAI does."""
    async with PlayedOpenAI() as played:
        yield played
