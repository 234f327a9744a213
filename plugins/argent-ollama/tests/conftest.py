"""Fixtures of this plugin's tests."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from played_ollama import PlayedOllama


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def ollama(anyio_backend: str) -> AsyncIterator[PlayedOllama]:
    """A server that speaks as Ollama does."""
    async with PlayedOllama() as server:
        yield server


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"
