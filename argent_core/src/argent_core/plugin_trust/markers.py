"""Environment markers: whether a requirement concerns this interpreter.

The grammar is that of https://packaging.python.org/en/latest/specifications/dependency-specifiers/.
But for two operators it is also Python's, whose parser reads it. The kernel has few dependencies,
and those that understand versions are not among them.
"""

from __future__ import annotations

import ast
import operator
import os
import platform
import re
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

_FOREIGN = re.compile(r"""("[^"]*"|'[^']*')|(~=|===)""")
_STAND_INS = {"~=": " @ ", "===": " is "}
_VERSION = re.compile(
    r"v?(\d+(?:\.\d+)*)(?:[-_.]?(dev|alpha|a|beta|b|preview|pre|rc|c)[-_.]?(\d*))?(?:\+.*)?"
)
_PHASES = {"dev": -1, "a": 0, "alpha": 0, "b": 1, "beta": 1}
_CANDIDATE, _FINAL = 2, 3
_VERSIONS = ("implementation_version", "python_full_version", "python_version")
_OLD_NAMES = {
    "os.name": "os_name",
    "sys.platform": "sys_platform",
    "platform.machine": "platform_machine",
    "platform.version": "platform_version",
    "platform.python_implementation": "platform_python_implementation",
    "python_implementation": "platform_python_implementation",
}
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OPERATORS: Mapping[type[ast.AST], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "===",
}


class UnreadableMarker(ValueError):
    """Report a marker that is beyond us."""


def normal(name: str) -> str:
    """Return the one spelling of a distribution's or an extra's name.

    >>> normal("Ruamel_YAML.clib")
    'ruamel-yaml-clib'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def holds(marker: str, extra: str = "", *, values: Mapping[str, str] | None = None) -> bool:
    """Tell whether a marker holds here.

    Args:
        extra: The extra that was asked for.
        values: Values of the variables; this interpreter's, unless given.

    Raises:
        UnreadableMarker: It is none that we understand.

    >>> holds('python_version >= "3.8" and sys_platform != "amiga"')
    True
    >>> holds('extra == "tests"'), holds('extra == "tests"', "tests")
    (False, True)
    """
    known = {**(here() if values is None else values), "extra": normal(extra)}
    plain = _FOREIGN.sub(lambda found: found[1] or _STAND_INS[found[2]], marker).strip()
    if "\\" in plain:
        raise UnreadableMarker(marker)
    try:
        return _holds(ast.parse(plain, mode="eval").body, known)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise UnreadableMarker(marker) from error


@cache
def here() -> Mapping[str, str]:
    """Return the values of all variables for this interpreter."""
    version = sys.implementation.version
    implementation = ".".join(map(str, version[:3]))
    if version.releaselevel != "final":
        implementation += f"{version.releaselevel[0]}{version.serial}"
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": implementation,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


def _holds(node: ast.expr, values: Mapping[str, str]) -> bool:
    if isinstance(node, ast.BoolOp):
        every = isinstance(node.op, ast.And)
        return (all if every else any)([_holds(part, values) for part in node.values])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return _compare(node.left, "~=", other=node.right, values=values)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        operator = _OPERATORS.get(type(node.ops[0]), "")
        return _compare(node.left, operator, other=node.comparators[0], values=values)
    raise UnreadableMarker(ast.unparse(node))


def _compare(left: ast.expr, operator: str, *, other: ast.expr, values: Mapping[str, str]) -> bool:
    (name, one), (other_name, two) = _value(left, values), _value(other, values)
    name = name or other_name
    if name == "extra":
        one, two = normal(one), normal(two)
    if operator in ("in", "not in"):
        return (one in two) == (operator == "in")
    if operator == "===":
        return one == two
    if name in _VERSIONS:
        return _compare_versions(one, operator, wanted=two)
    if operator not in _COMPARE:
        raise UnreadableMarker(f"{operator} between texts")
    if operator in ("<", ">"):
        return False  # texts have no order, as everybody else has it
    return (one != two) == (operator == "!=")


def _value(node: ast.expr, values: Mapping[str, str]) -> tuple[str, str]:
    """Return the name of a variable, or nothing for a text; and what it is."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return "", node.value
    name = ast.unparse(node)
    name = _OLD_NAMES.get(name, name)
    if name not in values:
        raise UnreadableMarker(name)
    return name, values[name]


def _compare_versions(one: str, operator: str, *, wanted: str) -> bool:
    if operator in ("==", "!=") and wanted.endswith(".*"):
        prefix, _ = _version(wanted.removesuffix(".*"))
        return (_padded(one, len(prefix)) == prefix) == (operator == "==")
    (release, phase), (bound, bound_phase) = _version(one), _version(wanted)
    if operator == "~=":
        if len(bound) < 2:
            raise UnreadableMarker(f"~= {wanted}")
        series = bound[:-1]
        near = _padded(one, len(series)) == series
        return near and _compare_versions(one, ">=", wanted=wanted)
    width = max(len(release), len(bound))
    mine, limit = _pad(release, width), _pad(bound, width)
    if operator == "<" and mine == limit and bound_phase[0] == _FINAL:
        return False  # a candidate of a version is not before it, as this operator has it
    return _COMPARE[operator]((mine, phase), (limit, bound_phase))


def _padded(version: str, width: int) -> tuple[int, ...]:
    return _pad(_version(version)[0], width)[:width]


def _pad(release: tuple[int, ...], width: int) -> tuple[int, ...]:
    return release + (0,) * (width - len(release))


def _version(text: str) -> tuple[tuple[int, ...], tuple[int, int]]:
    found = _VERSION.fullmatch(text.strip().lower())
    if found is None:
        raise UnreadableMarker(text)
    release, phase, number = found.groups()
    numbers = tuple(int(part) for part in release.split("."))
    if phase is None:
        return numbers, (_FINAL, 0)
    return numbers, (_PHASES.get(phase, _CANDIDATE), int(number or 0))
