from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import argent_hookspecs

MODULES = sorted(file.stem for file in Path(argent_hookspecs.__file__).parent.glob("[!_]*.py"))


def run(module: str) -> doctest.TestResults:
    return doctest.testmod(importlib.import_module(f"argent_hookspecs.{module}"))


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_hold(module: str) -> None:
    assert run(module).failed == 0


@pytest.mark.parametrize("module", ["settings", "tools"])
def test_what_is_used_by_example_has_one(module: str) -> None:
    assert run(module).attempted > 0
