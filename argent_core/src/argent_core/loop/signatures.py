"""JSON schemas from functions' signatures, and arguments checked against them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin

import msgspec
from attrs import frozen

from argent_hookspecs import Tool, ToolError, ToolRun, ToolSpec


@frozen
class Signature:
    """What a tool takes.

    Args:
        spec: What the model is shown.
    """

    spec: ToolSpec
    _arguments: type[msgspec.Struct]
    _run_parameter: str | None

    def bind(self, arguments: Mapping[str, Any], run: ToolRun) -> dict[str, Any]:
        """Check arguments and return them as the function takes them.

        Numbers and truth values that came as text are taken for what they say.

        Raises:
            ToolError: They do not fit; says which and what was expected.
        """
        try:
            checked = msgspec.convert(dict(arguments), self._arguments, strict=False)
        except msgspec.ValidationError as error:
            known = ", ".join(self.spec.parameters.get("properties", {})) or "none"
            raise ToolError(f"wrong arguments: {error}. The arguments are: {known}") from error
        bound = {name: getattr(checked, name) for name in self._arguments.__struct_fields__}
        if self._run_parameter is not None:
            bound[self._run_parameter] = run
        return bound


def read(tool: Tool) -> Signature:
    """Read a tool's signature.

    Raises:
        TypeError: A parameter has no type, or one that JSON cannot express.
    """
    fields: list[tuple[Any, ...]] = []
    run_parameter = None
    for parameter in inspect.signature(tool.run, eval_str=True).parameters.values():
        if parameter.annotation is ToolRun:
            run_parameter = parameter.name
            continue
        fields.append(_field(tool.id, parameter))
    # The required ones first: a struct's fields are positional.
    fields.sort(key=len)
    struct = msgspec.defstruct("Arguments", fields, forbid_unknown_fields=True)
    spec = ToolSpec(tool.id, tool.description, _schema(struct))
    return Signature(spec, struct, run_parameter)


def _field(tool: str, parameter: inspect.Parameter) -> tuple[Any, ...]:
    variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    if parameter.annotation is parameter.empty or variadic:
        raise TypeError(
            f"tool {tool}: parameter {parameter.name} needs a type, and a name of its own"
        )
    kind = _documented(parameter.annotation)
    if parameter.default is parameter.empty:
        return (parameter.name, kind)
    return (parameter.name, kind, parameter.default)


def _documented(annotation: Any) -> Any:
    """Turn ``Annotated[int, "how many"]`` into what msgspec reads descriptions from."""
    if get_origin(annotation) is not Annotated:
        return annotation
    kind, *notes = get_args(annotation)
    words = " ".join(note for note in notes if isinstance(note, str))
    return Annotated[kind, msgspec.Meta(description=words)] if words else kind


def _schema(struct: type[msgspec.Struct]) -> dict[str, Any]:
    whole = msgspec.json.schema(struct)
    definitions = whole["$defs"]
    schema: dict[str, Any] = definitions.pop("Arguments")
    schema.pop("title", None)
    schema["additionalProperties"] = False
    if definitions:
        schema["$defs"] = definitions
    return schema
