"""Fixtures of this plugin's tests."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from argent_hookspecs import ModelClient

sys.path.insert(0, str(Path(__file__).parent))
from anthropic_kit import context
from anthropic_replay import ReplayServer

from argent_testing import FakeContext


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[ReplayServer]:
    """A server that plays the Messages API, and complains of what the API would not take."""
    async with ReplayServer() as server:
        yield server
    assert not server.complaints


@pytest.fixture
def ctx(server: ReplayServer) -> FakeContext:
    """A context whose settings lead to the server."""
    return context(server.url)


@pytest.fixture
async def client(ctx: FakeContext) -> AsyncIterator[ModelClient]:
    """The provider, open."""
    async with ctx.open() as opened:
        yield opened
