"""Holds the plugin to the contracts of what it brings."""

from __future__ import annotations

import pytest
from argent_testing import PluginContract, ServiceContract, Specimen

from argent_glossary.service import GLOSSARY


class TestPlugin(PluginContract):
    plugin = "glossary"


class TestService(ServiceContract):
    plugin = "glossary"

    @pytest.mark.anyio
    async def test_it_finds_what_is_there(self, specimen: Specimen) -> None:
        found = await specimen.ctx.services.get(GLOSSARY).find("turn")

        assert found == ["turn: one event, seen through to its end"]
