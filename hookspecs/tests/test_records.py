"""Every record is frozen; what is registered is named, ranked and, if it is called, timed."""

from __future__ import annotations

import typing
from typing import Any

import attrs
import pytest

import argent_hookspecs
from argent_hookspecs import Event, Text, specs

RECORDS: dict[str, type[Any]] = {
    name: value
    for name in argent_hookspecs.__all__
    if isinstance(value := getattr(argent_hookspecs, name), type) and attrs.has(value)
}


def registered() -> list[type[Any]]:
    found = []
    for name, hook in vars(specs).items():
        if name.startswith("argent_") and name != "argent_plugin":
            (record,) = typing.get_args(typing.get_type_hints(hook)["return"])
            found.append(typing.get_origin(record) or record)
    return found


def is_called(record: type[Any]) -> bool:
    return any("Callable" in str(field.type) for field in attrs.fields(record))


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_frozen_and_compares_by_value(name: str) -> None:
    one = object.__new__(RECORDS[name])
    fields = attrs.fields(RECORDS[name])

    assert fields
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(one, fields[0].name, "changed")
    assert "__eq__" in vars(RECORDS[name])


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_of_many_fields_is_made_by_keyword(name: str) -> None:
    fields = [field for field in attrs.fields(RECORDS[name]) if field.init]

    by_position = [field.name for field in fields if not field.kw_only]

    assert len(by_position) <= 4


@pytest.mark.parametrize("record", registered(), ids=lambda record: record.__name__)
def test_what_is_registered_has_an_id_and_an_order(record: type[Any]) -> None:
    fields = attrs.fields_dict(record)

    assert "id" in fields or isinstance(vars(record)["id"], property)
    assert fields["order"].type in (int, "int")
    assert all(field.kw_only for field in fields.values())


@pytest.mark.parametrize(
    "record", [one for one in registered() if is_called(one)], ids=lambda record: record.__name__
)
def test_what_is_called_has_a_timeout(record: type[Any]) -> None:
    seconds = attrs.fields_dict(record)["timeout"].default

    assert isinstance(seconds, float)
    assert seconds > 0


def test_a_record_is_changed_by_making_another() -> None:
    first = Event(conversation="c", content="hello")

    second = attrs.evolve(first, content="good-bye")

    assert first.content == (Text("hello"),)
    assert second.text == "good-bye"
