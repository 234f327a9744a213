"""The plugin under the contracts of every plugin, with its real weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from argent_embed_minilm.catalogue import MINILM
from argent_testing import (
    HealthCheckContract,
    PluginContract,
    Specimen,
    TextEmbedderContract,
    downloads_of_home,
    have_downloaded,
)

PLUGIN = "argent_embed_minilm"


@pytest.fixture(autouse=True)
async def weights_at_hand(anyio_backend: str, tmp_path: Path) -> None:
    """Put the weights where the kernel of the test will look for them."""
    await have_downloaded(MINILM, downloads_of_home(tmp_path / "home"))


class TestPlugin(PluginContract):
    plugin = PLUGIN


class TestEmbedder(TextEmbedderContract):
    plugin = PLUGIN


class TestHealthChecks(HealthCheckContract):
    plugin = PLUGIN

    async def harm(self, specimen: Specimen) -> None:
        """Cut off the files of weights."""
        for path in await specimen.ctx.downloads.fetch(MINILM):
            path.write_bytes(b"cut")
