"""Three floors; an import only ever points down."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from typing import Any

import pytest

GUARD = "argent_core/src/argent_core/guard.py"
PLUGIN_HOST = "argent_core/src/argent_core/plugins.py"
BROAD = {"Exception", "BaseException"}
LIGHT = {"argent_hookspecs", "attr", "attrs", "pluggy"}

REPORT_NEW_MODULES = """
import sys
import argent_hookspecs
before = set(sys.modules)
import importlib
importlib.import_module(sys.argv[1])
import json
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def imports(tree: ast.Module) -> Iterator[str]:
    """Yield the top-level name of every import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield (node.module or "").partition(".")[0]


def ours(sources: list[Any]) -> set[str]:
    return {source.member.package for source in sources}


def strays(sources: list[Any], may: dict[str, set[str]]) -> list[str]:
    """Return the imports of our own packages that a floor may not make."""
    house = ours(sources)
    return [
        f"{source.path} imports {name}"
        for source in sources
        if source.member.package in may
        for name in imports(source.tree)
        if name in house - may[source.member.package] - {source.member.package}
    ]


def test_the_contract_stands_on_nothing_of_ours(sources: list[Any]) -> None:
    assert strays(sources, {"argent_hookspecs": set()}) == []


def test_the_kernel_knows_no_plugin(sources: list[Any]) -> None:
    assert strays(sources, {"argent_core": {"argent_hookspecs"}}) == []


def test_plugins_know_neither_the_kernel_nor_each_other(sources: list[Any]) -> None:
    plugins = {source.member.package for source in sources if source.member.is_plugin}

    assert plugins
    assert strays(sources, {plugin: {"argent_hookspecs"} for plugin in plugins}) == []


def declared(project: dict[str, Any]) -> set[str]:
    """Return the packages that a distribution requires, by their normal names."""
    names = {re.split(r"[^\w.\-]", one)[0] for one in project.get("dependencies", [])}
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def optional(tree: ast.Module) -> set[str]:
    """Return the imports that the code can do without: those that are tried."""
    return {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
        and any(handler.type and "ImportError" in names(handler.type) for handler in node.handlers)
        for name in imports(ast.Module(node.body, []))
    }


def test_what_a_distribution_imports_it_also_requires(sources: list[Any]) -> None:
    providers = {**packages_distributions(), "attr": ["attrs"]}
    providers.update({source.member.package: [source.member.name] for source in sources})
    unnamed = {
        f"{source.member.name} imports {name}"
        for source in sources
        for name in set(imports(source.tree)) - optional(source.tree) - sys.stdlib_module_names
        if name != source.member.package
        and declared(source.member.project).isdisjoint(
            re.sub(r"[-_.]+", "-", provider).lower() for provider in providers.get(name, [])
        )
    }

    assert unnamed == set()


def test_only_the_plugin_host_touches_pluggy(sources: list[Any]) -> None:
    touching = [
        source.path
        for source in sources
        if source.member.package == "argent_core" and "pluggy" in imports(source.tree)
    ]

    assert touching == [PLUGIN_HOST]


def broad_catches(tree: ast.Module) -> Iterator[int]:
    """Yield the lines that catch everything: by except, or by suppress."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            if node.type is None or BROAD & names(node.type):
                yield node.lineno
        elif isinstance(node, ast.Call) and "suppress" in names(node.func):
            yield from (node.lineno for argument in node.args if BROAD & names(argument))


def names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} | {
        one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)
    }


def test_only_the_guard_catches_everything(sources: list[Any]) -> None:
    catching = [
        f"{source.path}:{line}"
        for source in sources
        if source.path != GUARD
        for line in broad_catches(source.tree)
    ]

    assert catching == []


def test_an_error_that_becomes_another_says_from_which(sources: list[Any]) -> None:
    silent = [
        f"{source.path}:{node.lineno}"
        for source in sources
        for handler in ast.walk(source.tree)
        if isinstance(handler, ast.ExceptHandler)
        for node in ast.walk(handler)
        if isinstance(node, ast.Raise) and node.exc is not None and node.cause is None
        if not (isinstance(node.exc, ast.Name) and node.exc.id == handler.name)
    ]

    assert silent == []


def is_hook_implementation(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.FunctionDef)
        and node.name.startswith("argent_")
        and any("hookimpl" in names(mark) for mark in node.decorator_list)
    )


def test_the_front_of_a_plugin_holds_only_hook_implementations(sources: list[Any]) -> None:
    others = [
        f"{source.path}:{node.lineno}"
        for source in sources
        if source.member.is_plugin and source.path.endswith(f"{source.member.package}/__init__.py")
        for node in source.tree.body
        if not isinstance(node, ast.Import | ast.ImportFrom) and not is_hook_implementation(node)
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]

    assert others == []


def test_finding_a_plugin_loads_no_heavy_library(members: list[Any]) -> None:
    modules = [
        (member.package, module)
        for member in members
        for module in member.project.get("entry-points", {}).get("argent", {}).values()
    ]

    assert modules
    for package, module in modules:
        loaded = loaded_by(module)
        assert loaded - LIGHT - {package} - sys.stdlib_module_names == set(), module


def loaded_by(module: str) -> set[str]:
    answer = subprocess.run(
        [sys.executable, "-c", REPORT_NEW_MODULES, module],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in json.loads(answer.stdout)}


@pytest.mark.parametrize("module", ["argent_core", "argent"])
def test_a_package_can_be_named_without_waking_anything(module: str) -> None:
    assert loaded_by(module) - LIGHT - {module} - sys.stdlib_module_names == set()
