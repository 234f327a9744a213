"""The plugin under the contracts that every plugin is under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from argent_testing.contracts import PluginContract, ToolContract


class TestPlugin(PluginContract):
    plugin = "argent_basics"
    settings: ClassVar[dict[str, str]] = {"zone": "Berlin"}


class TestTools(ToolContract):
    plugin = "argent_basics"
    settings: ClassVar[dict[str, str]] = {"zone": "Berlin"}
    calls: ClassVar[Mapping[str, Sequence[Mapping[str, str]]]] = {
        "calc": [{"expression": "6*7"}, {"expression": "factorial(1000)"}],
        "time": [
            {},
            {"zone": "Tokyo"},
            {"date": "15:00", "from_zone": "New York", "zone": "Tokyo"},
            {"date": "2026-01-31", "add": "1 month"},
            {"date": "2026-01-31", "until": "2026-12-25"},
        ],
    }
    mistakes: ClassVar[Mapping[str, Sequence[Mapping[str, str]]]] = {
        "calc": [{"expression": "1/0"}, {"expression": "import os"}, {}],
        "time": [{"zone": "Atlantis"}, {"date": "never"}, {"add": "much"}],
    }
