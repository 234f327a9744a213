"""Whether all that the plugin brings is under a contract class in its tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from argent_core.guard import attempt
from argent_core.plugins import RECORDS
from argent_testing import contracts
from argent_testing.contracts import PluginContract, RecordContract
from argent_testing.plugin_check.report import Found, Rule
from argent_testing.plugin_check.subject import Subject, parsed


def _look(subject: Subject) -> Found:
    folders = subject.tests
    if not folders:
        return Found(
            (
                "its tests are not installed with it, so they cannot be seen; check its project: "
                "argent plugins check FOLDER",
            )
        )
    trees = [file.tree for folder in folders for file in parsed(folder, folder.parent)]
    tried = _bases_of_tests(trees)
    return Found(tuple(_problems(subject, tried)), ", ".join(sorted(tried & _by_name().keys())))


def _problems(subject: Subject, tried: set[str]) -> Iterator[str]:
    example = f'class TestPlugin(PluginContract): plugin = "{subject.packages[0]}"'
    if PluginContract.__name__ not in tried:
        yield f"no test class inherits from PluginContract; write one: {example}"
    for kind in sorted(_kinds(subject), key=lambda kind: kind.__name__):
        fitting = sorted(name for name, of in _by_name().items() if of is kind)
        if fitting and not tried & {*fitting}:
            yield (
                f"it brings a {kind.__name__}, and no test class inherits from "
                f"{' or '.join(fitting)} of argent_testing; write one, as for PluginContract"
            )


def _kinds(subject: Subject) -> set[type]:
    """Return what it registers, and what the hooks that it has could register with settings."""
    seen = attempt(lambda: subject.records).value or {}
    written = {
        node.name
        for file in subject.source
        for node in ast.walk(file.tree)
        if isinstance(node, ast.FunctionDef)
    }
    registered = {type(record) for records in seen.values() for record in records}
    return registered | {kind for hook, kind in RECORDS.items() if hook in written}


def _by_name() -> dict[str, type]:
    found = {name: getattr(contracts, name) for name in contracts.__all__}
    return {
        name: value.kind
        for name, value in found.items()
        if isinstance(value, type) and issubclass(value, RecordContract) and hasattr(value, "kind")
    }


def _bases_of_tests(trees: list[ast.Module]) -> set[str]:
    """Return the names of all classes that classes of tests inherit from, however far up."""
    bases: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, set()).update(map(_last_name, node.bases))
    found: set[str] = set()
    waiting = {name for name in bases if name.startswith("Test")}
    while waiting:
        found |= waiting
        waiting = {base for name in waiting for base in bases.get(name, ())} - found
    return found


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _last_name(node.value)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


RULE = Rule(
    "contracts", "silver", "all that it brings is under a contract class in its tests", _look
)
