"""Settings classes as JSON schema, and settings as JSON values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import attrs

from argent_core.config.durations import format_duration
from argent_core.config.structure import SCHEMES, camel, settings_fields
from argent_hookspecs import Secret

BASE = "https://json-schema.org/draft/2020-12/schema"

DURATION = {
    "description": 'Such as "30s", "10m", "1h", or seconds.',
    "anyOf": [
        {"type": "string", "pattern": r"^\s*([0-9]+(\.[0-9]+)?\s*(ms|w|d|h|m|s)\s*)+$"},
        {"type": "number", "exclusiveMinimum": 0},
    ],
}
REFERENCE = {"type": "string", "format": "argent-secret", "pattern": f"^({'|'.join(SCHEMES)})."}

SIMPLE: Mapping[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    NoneType: {"type": "null"},
    Path: {"type": "string", "format": "path"},
    timedelta: DURATION,
    Secret: REFERENCE,
}


def settings_schema(cls: type[Any]) -> dict[str, Any]:
    """Return the JSON schema of a settings class."""
    properties = {key: _of_field(field) for key, field in settings_fields(cls).items()}
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    required = [k for k, field in settings_fields(cls).items() if field.default is attrs.NOTHING]
    return {**schema, "required": required} if required else schema


def to_json(value: Any) -> Any:
    """Return settings as the JSON values that a person would write."""
    if isinstance(value, Secret):
        return value.ref
    if attrs.has(type(value)):
        cls = type(value)
        return {camel(field.name): to_json(getattr(value, field.name)) for field in _stored(cls)}
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(inner) for inner in value]
    return value


def _stored(cls: type[Any]) -> list[attrs.Attribute[Any]]:
    return [field for field in attrs.fields(cls) if field.init]


def _of_field(field: attrs.Attribute[Any]) -> dict[str, Any]:
    schema = dict(_of_type(field.type))
    rules = field.metadata
    for name, keyword in (("doc", "description"), ("ge", "minimum"), ("le", "maximum")):
        if rules.get(name) is not None:
            schema[keyword] = rules[name]
    if rules.get("choices") is not None:
        schema["enum"] = list(rules["choices"])
    default: Any = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = attrs.NOTHING if default.takes_self else default.factory()
    if default is not attrs.NOTHING:
        schema["default"] = to_json(default)
    return schema


def _of_type(kind: Any) -> dict[str, Any]:
    if kind in SIMPLE:
        return SIMPLE[kind]
    if isinstance(kind, type) and attrs.has(kind):
        return settings_schema(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": [member.value for member in kind]}
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(arguments)}
    return _of_generic(origin or kind, arguments)


def _of_generic(origin: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    if not isinstance(origin, type) or origin is object:
        return {"anyOf": [_of_type(part) for part in arguments]} if arguments else {}
    if issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of_type((*arguments, Any, Any)[1])}
    if issubclass(origin, tuple) and arguments and arguments[-1] is not Ellipsis:
        items = [_of_type(part) for part in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "items": False}
    if issubclass(origin, list | tuple | set | frozenset) or hasattr(origin, "__iter__"):
        return {"type": "array", "items": _of_type((arguments or (Any,))[0])}
    return {"anyOf": [_of_type(part) for part in arguments]} if arguments else {}
