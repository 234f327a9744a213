"""From JSON values to settings classes. Strict: nothing is converted that a person did not mean."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.errors import StructureHandlerNotFoundError

from argent_core.config.durations import parse_duration
from argent_core.config.problems import Invalid, Problem, nearest, shown, suggestion, wrong
from argent_hookspecs import Secret

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]

SCHEMES = ("env:", "file:", "keyring:", "store:")
"""What a reference to a secret begins with."""

SECRETIVE = re.compile(r"token(?!s)|secret|passw|api_?key|credential", re.IGNORECASE)
"""Names of settings whose values are not shown."""

STORE_IT = (
    "Store the value with `argent secrets set NAME` and write store:NAME here; "
    "env:NAME, file:PATH and keyring:SERVICE/NAME work too"
)

WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    timedelta: 'a length of time such as "30s", "10m" or "1h"',
    Secret: "a reference to a secret",
    NoneType: "null",
}


def camel(name: str) -> str:
    """Return an attribute's name as it stands in files.

    >>> camel("turn_timeout")
    'turnTimeout'
    """
    first, *rest = name.strip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


def settings_fields(cls: type[Any]) -> dict[str, attrs.Attribute[Any]]:
    """Return the fields of a settings class by their names in files, with their types resolved."""
    attrs.resolve_types(cls)
    return {camel(field.name): field for field in attrs.fields(cls) if field.init}


def structure(value: object, cls: type[T]) -> T:
    """Make an instance of a settings class from JSON values. Raises ``Invalid``."""
    try:
        return _CONVERTER.structure(value, cls)
    except (StructureHandlerNotFoundError, NameError) as error:
        reason = f"the settings class {cls.__name__} has a type that settings cannot have: {error}"
        raise Invalid(Problem("", reason)) from error


def unknown_keys(value: object, cls: type[Any]) -> list[Problem]:
    """Find what nothing reads."""
    if not isinstance(value, dict):
        return []
    known = settings_fields(cls)
    found: list[Problem] = []
    for key, inner in value.items():
        if key not in known:
            found.append(Problem(key, "nothing reads this setting", "", suggestion(key, known)))
        else:
            found += [problem.under(key) for problem in _unknown_inside(inner, known[key].type)]
    return found


def _unknown_inside(value: object, kind: Any) -> list[Problem]:
    if _is_union(kind):
        return _unknown_in_any(value, [part for part in get_args(kind) if part is not NoneType])
    if isinstance(kind, type) and attrs.has(kind):
        return unknown_keys(value, kind)
    pairs: Iterable[tuple[str, object]] = ()
    if isinstance(value, dict) and _is_mapping(kind):
        pairs = value.items()
    elif isinstance(value, list) and _is_list(kind):
        pairs = ((f"[{index}]", item) for index, item in enumerate(value))
    inner = (*get_args(kind), Any, Any)[int(isinstance(value, dict))]
    return [found.under(key) for key, item in pairs for found in _unknown_inside(item, inner)]


def _unknown_in_any(value: object, kinds: Sequence[Any]) -> list[Problem]:
    """Look into a value as what it is taken for: the first kind that fits."""
    for kind in kinds:
        try:
            _CONVERTER.structure(value, kind)
        except Invalid:
            continue
        return _unknown_inside(value, kind)
    return []


def describe(kind: Any) -> str:
    """Say in words what values a type has."""
    if kind in WORDS:
        return WORDS[kind]
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(shown, get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return "one of " + ", ".join(shown(member.value) for member in kind)
    if _is_union(kind):
        return " or ".join(describe(part) for part in get_args(kind))
    if _is_list(kind):
        return "a list […]"
    if _is_mapping(kind) or (isinstance(kind, type) and attrs.has(kind)):
        return "an object {…}"
    return str(getattr(kind, "__name__", kind))


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)


def _origin_within(kind: Any, *families: type) -> bool:
    origin = get_origin(kind) or kind
    return isinstance(origin, type) and issubclass(origin, families)


def _is_list(kind: Any) -> bool:
    return _origin_within(kind, Sequence, AbstractSet) and not _origin_within(kind, str, bytes)


def _is_mapping(kind: Any) -> bool:
    return _origin_within(kind, Mapping)


def _is_choice(kind: Any) -> bool:
    return get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, enum.Enum))


def _exact(value: Any, kind: type) -> Any:
    if issubclass(kind, enum.Enum):  # a StrEnum is a str to the converter
        return _choice(kind)(value, kind)
    if type(value) is not kind:
        raise wrong(WORDS[kind], value)
    return value


def _unreadable(_: Any, kind: Any) -> Any:
    raise StructureHandlerNotFoundError(f"{kind.__name__} has no form in JSON", kind)


def _number(value: Any, _: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise wrong(WORDS[float], value)
    return float(value)


def _path(value: Any, _: Any) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise wrong(WORDS[Path], value)
    return Path(value).expanduser()


def _duration(value: Any, _: Any) -> timedelta:
    try:
        return parse_duration(value)
    except ValueError as error:
        words = f"{WORDS[timedelta]}, longer than zero, at most 100 years"
        raise wrong(words, value) from error


def _secret(value: Any, _: Any) -> Secret:
    if isinstance(value, str):
        scheme = next((scheme for scheme in SCHEMES if value.startswith(scheme)), None)
        if scheme and value != scheme:
            return Secret(value)
    raise Invalid(Problem("", f"expected {WORDS[Secret]}", "something else", STORE_IT))


def _choice(kind: Any) -> Hook:
    is_literal = get_origin(kind) is Literal
    choices = {c: c for c in get_args(kind)} if is_literal else {m.value: m for m in kind}

    def hook(value: Any, _: Any) -> Any:
        for choice, meant in choices.items():
            if type(choice) is type(value) and choice == value:
                return meant
        near = nearest(value, map(str, choices)) if isinstance(value, str) else None
        raise wrong(describe(kind), value, hint=f'Did you mean "{near}"?' if near else "")

    return hook


def _union(kind: Any) -> Hook:
    members = get_args(kind)

    def hook(value: Any, _: Any) -> Any:
        if value is None and NoneType in members:
            return None
        candidates = [member for member in members if member is not NoneType]
        if len(candidates) == 1:
            return _CONVERTER.structure(value, candidates[0])
        for candidate in candidates:
            try:
                return _CONVERTER.structure(value, candidate)
            except Invalid:
                continue
        raise wrong(describe(kind), value)

    return hook


def _list(kind: Any) -> Hook:
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    fixed = issubclass(origin, tuple) and bool(arguments) and arguments[-1] is not Ellipsis
    build: Any = set if issubclass(origin, AbstractSet) else list
    build = frozenset if issubclass(origin, frozenset) else build
    build = tuple if issubclass(origin, tuple) else build

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, list) or (fixed and len(value) != len(arguments)):
            raise wrong(f"a list of {len(arguments)}" if fixed else "a list […]", value)
        kinds = arguments if fixed else (arguments[:1] or (Any,)) * len(value)
        keys = [f"[{index}]" for index in range(len(value))]
        parts = _parts({k: (v, t) for k, v, t in zip(keys, value, kinds, strict=True)})
        return build(parts.values())

    return hook


def _mapping(kind: Any) -> Hook:
    value_type = (*get_args(kind), Any, Any)[1]

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise wrong("an object {…}", value)
        return _parts({key: (inner, value_type) for key, inner in value.items()})

    return hook


def _parts(parts: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Structure each (value, type) and report the problems of all together."""
    problems: list[Problem] = []
    result = {}
    for key, (value, kind) in parts.items():
        try:
            result[key] = _CONVERTER.structure(value, kind)
        except Invalid as error:
            problems += [problem.under(key) for problem in error.problems]
    if problems:
        raise Invalid(*problems)
    return result


def _settings(cls: type[Any]) -> Hook:
    fields = settings_fields(cls)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise wrong("an object {…}", value)
        problems: list[Problem] = []
        arguments = {}
        for key, field in fields.items():
            try:
                if key in value:
                    arguments[field.alias or field.name] = _field(field, value[key])
                elif field.default is attrs.NOTHING:
                    problems.append(_missing(key, field, [k for k in value if k not in fields]))
            except Invalid as error:
                problems += [_discreet(problem.under(key)) for problem in error.problems]
        if problems:
            raise Invalid(*problems)
        return _construct(cls, arguments)

    return hook


def _field(field: attrs.Attribute[Any], value: Any) -> Any:
    kind = Any if field.converter or field.type is None else field.type
    result = _CONVERTER.structure(value, kind)
    if field.validator is None or field.converter:
        return result
    try:
        field.validator(None, field, result)
    except (ValueError, TypeError) as error:
        rule = str(error.args[0]).removeprefix("must be ") if error.args else "another value"
        choices = [str(choice) for choice in field.metadata.get("choices") or ()]
        near = suggestion(str(value), choices) if choices else ""
        raise wrong(rule, value, hint=near) from error
    return result


def _missing(key: str, field: attrs.Attribute[Any], strangers: list[str]) -> Problem:
    near = nearest(key, strangers)
    hint = f'You wrote "{near}"; its name is "{key}"' if near else field.metadata.get("doc", "")
    return Problem(key, f"expected {describe(field.type)}", "nothing", hint)


def _construct(cls: type[Any], arguments: Mapping[str, Any]) -> Any:
    try:
        return cls(**arguments)
    except (ValueError, TypeError) as error:
        reason = str(error.args[0]) if error.args else type(error).__name__
        raise Invalid(Problem("", reason)) from error


def _discreet(problem: Problem) -> Problem:
    if problem.found and SECRETIVE.search(problem.path):
        return attrs.evolve(problem, found="something else")
    return problem


def _make_converter() -> Converter:
    converter = Converter()
    for kind in (bool, int, str):
        converter.register_structure_hook(kind, _exact)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(bytes, _unreadable)
    converter.register_structure_hook(Path, _path)
    converter.register_structure_hook(timedelta, _duration)
    converter.register_structure_hook(Secret, _secret)
    converter.register_structure_hook_factory(_is_mapping, _mapping)
    converter.register_structure_hook_factory(_is_list, _list)
    converter.register_structure_hook_factory(_is_union, _union)
    converter.register_structure_hook_factory(_is_choice, _choice)
    converter.register_structure_hook_factory(
        lambda kind: isinstance(kind, type) and attrs.has(kind) and kind is not Secret, _settings
    )
    return converter


_CONVERTER = _make_converter()
