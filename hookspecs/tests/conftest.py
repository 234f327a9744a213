from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import argent_hookspecs


@pytest.fixture(scope="session")
def contract_files() -> list[Path]:
    return sorted(Path(argent_hookspecs.__file__).parent.glob("*.py"))


@pytest.fixture(scope="session")
def contract_trees(contract_files: list[Path]) -> Iterator[dict[str, ast.Module]]:
    yield {file.name: ast.parse(file.read_text("utf-8")) for file in contract_files}
