"""Every contract of the kit catches the plugins that break it, as the command says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.mutants.campaign import Outcome
from tests.mutants.expectations import Expected

LEAST_OF_A_CONTRACT = 5
LEAST = 80


def mutants(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "tests.mutants", *options]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.mark.timeout(600)
def test_every_mutant_is_caught_and_every_right_plugin_passes(root: Path) -> None:
    done = mutants(root, "--json")
    figures: dict[str, Any] = json.loads(done.stdout)

    assert figures["survived"] == [], done.stderr
    assert figures["right"], done.stderr
    assert done.returncode == 0
    assert figures["caught"] == figures["of"] >= LEAST
    counts = {name: count["of"] for name, count in figures["contracts"].items()}
    assert [name for name, count in counts.items() if count < LEAST_OF_A_CONTRACT] == []


def test_every_contract_has_mutants() -> None:
    import argent_testing

    bases = {"Contract", "RecordContract", "OpenedContract"}
    contracts = {name for name in argent_testing.__all__ if name.endswith("Contract")} - bases
    written = "".join(
        file.read_text("utf-8") for file in Path(__file__).parent.glob("mutants/*.py")
    )

    assert [name for name in sorted(contracts) if f"{name})" not in written] == []


def test_a_mutant_that_passes_or_fails_for_another_reason_is_a_survivor() -> None:
    expected = Expected("test_it", "it is wrong")

    assert Outcome("m.TestA", "C", expected, {"test_it": "it is wrong"}).is_as_it_should
    assert not Outcome("m.TestA", "C", expected, {}).is_as_it_should
    assert not Outcome("m.TestA", "C", expected, {"test_it": "KeyError"}).is_as_it_should
    assert not Outcome("m.TestA", "C", expected, {"test_else": "it is wrong"}).is_as_it_should
    assert not Outcome("m.TestA", "C", None, {"test_it": "it is wrong"}).is_as_it_should


def test_a_contract_that_does_not_exist_is_an_error(root: Path) -> None:
    done = mutants(root, "--only", "NoSuchContract")

    assert done.returncode == 2
    assert "there are no mutants of 'NoSuchContract'" in done.stderr
