"""The fields of settings classes, those of classes within them too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias, get_args

import attrs

from argent_core.config.structure import settings_fields

Field: TypeAlias = "attrs.Attribute[Any]"


def fields(kind: type[Any], under: str = "") -> Iterator[tuple[str, Field]]:
    """Yield the path of each field, as it stands in files, and the field with its type resolved."""
    for name, field in settings_fields(kind).items():
        yield f"{under}{name}", field
        for inner in made_of(field.type):
            if isinstance(inner, type) and attrs.has(inner) and is_near(inner, kind):
                yield from fields(inner, f"{under}{name}.")


def made_of(kind: Any) -> Iterator[Any]:
    """Yield what the values of a type are made of; the keys of mappings are names."""
    arguments = get_args(kind)
    if not arguments:
        yield kind
        return
    origin = getattr(kind, "__origin__", None)
    keyed = isinstance(origin, type) and hasattr(origin, "keys")
    for part in arguments[1:] if keyed else arguments:
        yield from made_of(part)


def is_near(inner: type[Any], kind: type[Any]) -> bool:
    """Tell whether two classes are of one package; those of the contract are no settings."""
    return inner.__module__.partition(".")[0] == kind.__module__.partition(".")[0]
