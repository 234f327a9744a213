"""Whether the plugin is typed: ``py.typed``, and every function annotated."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from argent_testing.plugin_check.report import Found, Rule
from argent_testing.plugin_check.subject import Subject

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _look(subject: Subject) -> Found:
    problems = [
        f"{folder.name} has no py.typed; put an empty file of that name into it"
        for folder in subject.folders
        if not (folder / "py.typed").is_file()
    ]
    count = 0
    for file in subject.source:
        for function, bound in _functions(file.tree):
            count += 1
            missing = list(_missing(function, bound=bound))
            if missing:
                where = f"{file.name}:{function.lineno} {function.name}"
                problems.append(f"{where}: annotate {', '.join(missing)}")
    return Found(tuple(problems), f"{count} functions")


def _functions(scope: ast.AST) -> Iterator[tuple[_Function, bool]]:
    """Yield each function, and whether its first parameter is the object."""
    for node in ast.walk(scope):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _Function):
                static = any(
                    getattr(mark, "id", "") == "staticmethod" for mark in child.decorator_list
                )
                yield child, isinstance(node, ast.ClassDef) and not static


def _missing(function: _Function, *, bound: bool) -> Iterator[str]:
    given = function.args
    positional = [*given.posonlyargs, *given.args][1 if bound else 0 :]
    starred = [one for one in (given.vararg, given.kwarg) if one is not None]
    yield from (one.arg for one in (*positional, *given.kwonlyargs, *starred) if not one.annotation)
    if function.returns is None and function.name != "__init__":
        yield "what it returns"


RULE = Rule("typed", "silver", "py.typed, and every function is annotated", _look)
