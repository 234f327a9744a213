"""Fixtures of this plugin's tests."""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from argent_hookspecs import ModelClient

sys.path.insert(0, str(Path(__file__).parent))
from llama_kit import context, model_cache

from argent_testing import FakeContext


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    """A context with an empty folder."""
    return context(tmp_path, context=1024)


@pytest.fixture
def small() -> FakeContext:
    """A context whose folder has, or gets, the weights of the small model."""
    return context(model_cache(), context=1024)


@pytest.fixture
async def client(small: FakeContext) -> AsyncIterator[ModelClient]:
    """The provider, open, with the small model."""
    async with small.open() as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    """Every thread that answered or loaded is gone when a test ends."""
    yield
    left = [one.name for one in threading.enumerate() if one.name.startswith("argent-llama")]
    assert not left
