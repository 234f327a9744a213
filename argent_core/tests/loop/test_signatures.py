from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argent_core.loop.signatures import Signature, read
from argent_hookspecs import Tool, ToolError, ToolRun

RUN = ToolRun(key="k", conversation="home")


class Unit(Enum):
    METRE = "m"
    MILE = "mi"


def signature(run: Callable[..., Any]) -> Signature:
    return read(Tool(id="demo", description="For a test.", run=run))


def schema(run: Callable[..., Any]) -> dict[str, Any]:
    return dict(signature(run).spec.parameters)


def test_a_schema_is_made_from_the_signature() -> None:
    async def forecast(
        place: Annotated[str, "Name of a town."], days: int = 3, units: Literal["C", "F"] = "C"
    ) -> str: ...

    assert schema(forecast) == {
        "type": "object",
        "properties": {
            "place": {"type": "string", "description": "Name of a town."},
            "days": {"type": "integer", "default": 3},
            "units": {"enum": ["C", "F"], "default": "C"},
        },
        "required": ["place"],
        "additionalProperties": False,
    }


def test_lists_enums_and_optional_values() -> None:
    async def pack(names: list[str], unit: Unit, note: Optional[str] = None) -> str: ...  # noqa: UP045

    made = schema(pack)

    assert made["properties"]["names"] == {"type": "array", "items": {"type": "string"}}
    assert made["properties"]["note"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert made["required"] == ["names", "unit"]
    assert made["$defs"]["Unit"]["enum"] == ["m", "mi"]
    json.dumps(made)


def test_a_tool_without_parameters() -> None:
    async def now() -> str: ...

    assert schema(now)["properties"] == {}
    assert signature(now).bind({}, RUN) == {}


def test_the_run_is_filled_in_and_not_shown() -> None:
    async def send(text: str, run: ToolRun) -> str: ...

    assert list(schema(send)["properties"]) == ["text"]
    assert signature(send).bind({"text": "hi"}, RUN) == {"text": "hi", "run": RUN}


def test_a_required_parameter_may_follow_an_optional_one() -> None:
    async def send(*, subject: str = "", text: str) -> str: ...

    assert schema(send)["required"] == ["text"]
    assert signature(send).bind({"text": "hi"}, RUN) == {"text": "hi", "subject": ""}


@pytest.mark.parametrize(
    ("given_", "taken"), [({"days": "3"}, 3), ({"days": 3}, 3), ({"days": 3.0}, 3), ({}, 7)]
)
def test_numbers_that_came_as_text_are_numbers(given_: dict[str, Any], taken: int) -> None:
    async def forecast(days: int = 7) -> str: ...

    assert signature(forecast).bind(given_, RUN) == {"days": taken}


def test_values_have_the_types_of_the_function() -> None:
    async def walk(unit: Unit, steps: list[int], fast: bool = False) -> str: ...

    bound = signature(walk).bind({"unit": "mi", "steps": [1, "2"], "fast": "true"}, RUN)

    assert bound == {"unit": Unit.MILE, "steps": [1, 2], "fast": True}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "missing required field `days`"),
        ({"days": "soon"}, "Expected `int`, got `str` - at `$.days`"),
        ({"days": None}, "Expected `int`, got `null` - at `$.days`"),
        ({"days": 1, "units": "K"}, "Invalid enum value 'K' - at `$.units`"),
        ({"days": 1, "hours": 2}, "unknown field `hours`"),
        ({"days": [1]}, "Expected `int`, got `array` - at `$.days`"),
    ],
)
def test_what_does_not_fit_is_said_with_what_would(
    arguments: dict[str, Any], complaint: str
) -> None:
    async def forecast(days: int, units: Literal["C", "F"] = "C") -> str: ...

    with pytest.raises(ToolError) as error:
        signature(forecast).bind(arguments, RUN)

    assert complaint in str(error.value)
    assert "The arguments are: days, units" in str(error.value)


def test_a_parameter_without_a_type_is_refused() -> None:
    async def loose(text) -> str:  # type: ignore[no-untyped-def]
        return str(text)

    with pytest.raises(TypeError, match="tool demo: parameter text needs a type"):
        signature(loose)


@pytest.mark.parametrize("kind", ["positional", "named"])
def test_a_parameter_without_a_name_of_its_own_is_refused(kind: str) -> None:
    async def positional(*words: str) -> str: ...

    async def named(**words: str) -> str: ...

    with pytest.raises(TypeError, match="parameter words needs a type, and a name of its own"):
        signature(positional if kind == "positional" else named)


def test_a_type_that_json_cannot_express_is_refused() -> None:
    async def odd(callback: Callable[[], None]) -> str: ...

    with pytest.raises(TypeError):
        signature(odd)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["name", "days", "tags", "x"]) | st.text(), JSON))
def test_whatever_a_model_says_is_bound_or_refused(arguments: dict[str, Any]) -> None:
    async def demo(name: str, days: int = 1, tags: list[str] | None = None) -> str: ...

    try:
        bound = signature(demo).bind(arguments, RUN)
    except ToolError:
        return
    assert isinstance(bound["name"], str) and isinstance(bound["days"], int)
