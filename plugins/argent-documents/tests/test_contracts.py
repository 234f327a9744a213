"""The plugin under the contracts that every plugin is under."""

from __future__ import annotations

from argent_testing import PluginContract, TextExtractorContract

from .samples import DOCUMENTS


class TestPlugin(PluginContract):
    plugin = "argent_documents"


class TestExtractor(TextExtractorContract):
    plugin = "argent_documents"
    documents = DOCUMENTS
