"""Fixtures of this plugin's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

import argent_embed_minilm
from argent_embed_minilm.catalogue import MINILM
from argent_embed_minilm.settings import MiniLmSettings
from argent_testing import FakeContext, downloads_beside, have_downloaded


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def files(anyio_backend: str, tmp_path: Path) -> list[Path]:
    """The weights, where the context has them."""
    return await have_downloaded(MINILM, downloads_beside(tmp_path / "data"))


@pytest.fixture
async def ctx(files: list[Path], tmp_path: Path) -> FakeContext:
    """A context that has the weights."""
    return FakeContext(argent_embed_minilm, MiniLmSettings(), data=tmp_path / "data")
