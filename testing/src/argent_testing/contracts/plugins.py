"""The contract of a plugin as a whole."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import ClassVar

import attrs
import pytest

from argent_hookspecs import CONTRACT
from argent_testing.contracts.base import Contract, RecordContract
from argent_testing.specimen import Specimen
from argent_testing.targets import module_of, plugin_name

_MEASURE = """
import sys, time
import argent_hookspecs
began, before = time.process_time(), set(sys.modules)
import importlib
importlib.import_module(sys.argv[1])
print(time.process_time() - began)
"""
_TRIES = 3


class PluginContract(Contract):
    """Tries out a plugin as a whole, and sees that everything it brings is under a contract.

    Put the contracts of one plugin into one module::

        class TestPlugin(PluginContract):
            plugin = "argent_weather"


        class TestTools(ToolContract):
            plugin = "argent_weather"
            calls = {"weather": [{"place": "Oslo"}]}

    Attributes:
        import_seconds: Processor time that importing the plugin may take, besides the contract's.
    """

    import_seconds: ClassVar[float] = 0.25

    async def test_says_who_it_is(self, specimen: Specimen) -> None:
        """It has a summary of one line and was written for this contract."""
        summary = specimen.record.summary
        assert summary.strip(), "the summary is empty"
        assert "\n" not in summary, "the summary has more than one line"
        assert specimen.record.contract == CONTRACT

    async def test_settings_explain_themselves(self, specimen: Specimen) -> None:
        """Each setting has a sentence of documentation."""
        kind = specimen.record.settings
        if kind is None:
            return
        assert attrs.has(kind), f"{kind.__name__} is no attrs class"
        silent = [f.name for f in attrs.fields(kind) if not f.metadata.get("doc")]
        assert not silent, f"make these settings with setting(doc=…): {', '.join(silent)}"

    def test_its_import_is_light(self) -> None:
        """Importing it costs little: heavy libraries are imported when something opens."""
        module = module_of(self.plugin)
        if module is None:
            return
        seconds = min(_import_seconds(module) for _ in range(_TRIES))
        assert seconds <= self.import_seconds, (
            f"importing {module} takes {seconds:.2f} s; import heavy libraries where they are used"
        )

    async def test_everything_is_under_a_contract(
        self, specimen: Specimen, request: pytest.FixtureRequest
    ) -> None:
        """Each record of the plugin is tried out by a contract class of this module."""
        contracts = _contracts_for(specimen.name, request.module)
        bare = [
            f"{type(record).__name__} {record.id}"
            for record in specimen.records
            if not any(contract.covers(record) for contract in contracts)
        ]
        assert not bare, f"under no contract in this module: {', '.join(bare)}"


def _contracts_for(name: str, module: ModuleType) -> list[type[RecordContract]]:
    return [
        value
        for key, value in vars(module).items()
        if key.startswith("Test")
        and isinstance(value, type)
        and issubclass(value, RecordContract)
        and plugin_name(value.plugin) == name
    ]


def _import_seconds(module: str) -> float:
    environment_path = [path for path in sys.path if path]
    measured = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path[:0] = {environment_path!r}{_MEASURE}",
            module,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(measured.stdout)
