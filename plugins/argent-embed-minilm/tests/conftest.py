"""Fixtures of this plugin's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from argent_hookspecs import TextEmbedder
from argent_testing import FakeContext

from .embed_kit import context, have_weights, opened


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def ctx(anyio_backend: str, tmp_path: Path) -> FakeContext:
    """A context whose folder has the weights."""
    await have_weights(tmp_path)
    return context(tmp_path)


@pytest.fixture
async def embedder(ctx: FakeContext) -> AsyncIterator[TextEmbedder]:
    """The embedder, open."""
    async with opened(ctx) as embedder:
        yield embedder


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes wheels from, and nothing else."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    return folder
