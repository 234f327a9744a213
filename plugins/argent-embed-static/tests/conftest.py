"""Fixtures of this plugin's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

import argent_embed_static
from argent_embed_static.catalogue import WORDLLAMA
from argent_embed_static.settings import StaticSettings
from argent_testing import FakeContext, downloads_beside, have_downloaded


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def files(anyio_backend: str, tmp_path: Path) -> list[Path]:
    """The weights, where the context has them."""
    return await have_downloaded(WORDLLAMA, downloads_beside(tmp_path / "data"))


@pytest.fixture
async def ctx(files: list[Path], tmp_path: Path) -> FakeContext:
    """A context that has the weights."""
    return FakeContext(argent_embed_static, StaticSettings(), data=tmp_path / "data")
