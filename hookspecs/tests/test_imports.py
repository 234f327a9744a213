from __future__ import annotations

import ast
import json
import subprocess
import sys

ALLOWED = {"argent_hookspecs", "attr", "attrs", "pluggy"}

REPORT_NEW_MODULES = """
import sys
before = set(sys.modules)
import argent_hookspecs
import json
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def imported_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def test_the_contract_names_only_attrs_and_pluggy(contract_trees: dict[str, ast.Module]) -> None:
    foreign = {
        name: strange
        for name, tree in contract_trees.items()
        if (strange := imported_names(tree) - ALLOWED - sys.stdlib_module_names)
    }

    assert foreign == {}


def test_importing_the_contract_loads_nothing_heavy() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", REPORT_NEW_MODULES], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in json.loads(answer.stdout)}

    assert "argent_hookspecs" in loaded
    assert loaded - ALLOWED - sys.stdlib_module_names == set()


def test_importing_the_contract_starts_no_event_loop_or_network() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", REPORT_NEW_MODULES], capture_output=True, text=True, check=True
    )

    assert {"asyncio", "ssl", "sqlite3"}.isdisjoint(json.loads(answer.stdout))
