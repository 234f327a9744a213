"""The plugin under the contracts of every plugin, with its real weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from argent_testing import HealthCheckContract, PluginContract, Specimen, TextEmbedderContract

from .embed_kit import NAME, PLUGIN, WEIGHTS, have_weights


@pytest.fixture(autouse=True)
async def weights_at_hand(anyio_backend: str, tmp_path: Path) -> None:
    """Put the weights where the kernel of the test will look for them."""
    await have_weights(tmp_path / "home" / "data" / "plugins" / NAME)


class TestPlugin(PluginContract):
    plugin = PLUGIN


class TestEmbedder(TextEmbedderContract):
    plugin = PLUGIN


class TestHealthChecks(HealthCheckContract):
    plugin = PLUGIN

    async def harm(self, specimen: Specimen) -> None:
        """Cut off the files of weights."""
        for path in WEIGHTS.paths(specimen.ctx.data).values():
            path.write_bytes(b"cut")
