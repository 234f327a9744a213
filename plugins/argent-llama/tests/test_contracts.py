"""The plugin under the contracts of every plugin, with the small model's real weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from llama_kit import SMALL, context, model_cache

from argent_llama.catalogue import CATALOGUE
from argent_llama.weights import WeightStore
from argent_testing.contracts import (
    EmbedderContract,
    HealthCheckContract,
    ModelCatalogueContract,
    ModelLibraryContract,
    ModelProviderContract,
    ModelTierContract,
    PluginContract,
)


@pytest.fixture(autouse=True)
async def weights_at_hand(anyio_backend: str, tmp_path: Path) -> None:
    """Put the weights where the kernel of the test will look for them."""
    ctx = context(model_cache())
    path = await WeightStore(ctx.given).fetch(CATALOGUE[SMALL].weights)
    there = tmp_path / "home" / "data" / "plugins" / "llama" / "models"
    there.mkdir(parents=True, mode=0o700)
    (there / path.name).symlink_to(path)


class Llama:
    """What all of them share."""

    plugin = "argent_llama"
    settings: ClassVar[dict[str, Any]] = {"context": 1024}


class TestPlugin(Llama, PluginContract):
    pass


class TestProvider(Llama, ModelProviderContract):
    pass


class TestTier(Llama, ModelTierContract):
    pass


class TestCatalogue(Llama, ModelCatalogueContract):
    pass


class TestLibrary(Llama, ModelLibraryContract):
    pulled = SMALL


class TestEmbedder(Llama, EmbedderContract):
    model = SMALL


class TestHealthChecks(Llama, HealthCheckContract):
    pass
