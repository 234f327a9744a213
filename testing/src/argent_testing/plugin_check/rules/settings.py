"""Whether each setting is documented and of a type that settings can have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from cattrs.errors import StructureHandlerNotFoundError

from argent_core.config.problems import Invalid
from argent_core.config.structure import camel, structure
from argent_core.guard import attempt
from argent_testing.plugin_check.report import Found, Rule
from argent_testing.plugin_check.rules.fields import Field, fields
from argent_testing.plugin_check.subject import Subject


def _look(subject: Subject) -> Found:
    problems = [
        f"{name}: {words}"
        for name, kind in subject.settings_classes.items()
        for words in _problems(kind)
    ]
    count = sum(len(attrs.fields(kind)) for kind in subject.settings_classes.values())
    return Found(tuple(problems), f"{count} settings")


def _problems(kind: type[Any]) -> Iterator[str]:
    known = attempt(lambda: list(fields(kind)))
    if known.error is not None:
        yield f"the types of {kind.__name__} cannot be found: {known.error}"
        return
    for path, field in known.get():
        if not str(field.metadata.get("doc") or "").strip():
            yield f"{path} is not documented; make it with setting(doc=…), in one sentence"
        if not _can_be_read(field):
            yield f"{path} is {field.type}, which no setting can be; take text, numbers, lists, …"
    if all(field.default is not attrs.NOTHING for field in attrs.fields(kind)):
        made = attempt(structure, {}, kind)
        if made.error is not None:
            yield f"its own defaults are refused: {made.error}"


def _can_be_read(field: Field) -> bool:
    alone = attrs.make_class("Settings", {field.name: attrs.field(type=field.type)})
    outcome = attempt(structure, {camel(field.name): object()}, alone)
    cause = outcome.error.__cause__ if isinstance(outcome.error, Invalid) else None
    return not isinstance(cause, StructureHandlerNotFoundError | NameError)


RULE = Rule("settings", "silver", "each is documented and of a type that settings can have", _look)
