"""Holds the plugin to the contracts of what it brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from argent_testing import PluginContract, Specimen, ToolContract


class TestPlugin(PluginContract):
    plugin = "shout"


class TestTools(ToolContract):
    """``calls`` are arguments that work, ``mistakes`` such that must raise ``ToolError``."""

    plugin = "shout"
    calls: ClassVar = {"shout": [{"text": "hello"}]}
    mistakes: ClassVar = {"shout": [{"text": " "}]}

    async def done(self, specimen: Specimen) -> Sequence[Any]:
        # What the tool has done to the world, if anything; a second try must add nothing to it.
        return []
