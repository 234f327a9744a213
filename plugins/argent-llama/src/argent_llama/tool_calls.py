"""Tools for models that know nothing of tools: the answer is JSON, held in shape by a grammar.

The model answers with one object, ``{"tool": NAME, "arguments": {…}}``. Talking is a tool too,
whose only argument is the text. Small models choose much better among equals than between two
kinds of object: of twelve questions the 1.5B model got twelve right instead of nine.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import jiter

from argent_hookspecs import ToolCall, ToolSpec

_KEPT = frozenset(
    (
        "type", "properties", "required", "additionalProperties", "items", "prefixItems", "enum",
        "const", "anyOf", "oneOf", "allOf", "minimum", "maximum", "minItems", "maxItems",
        "minLength", "maxLength",
    )
)  # fmt: skip
_DEEP = 12
_PARTIAL: Literal["trailing-strings"] = "trailing-strings"
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}(?P<pair>\\u[dD][c-fC-F][0-9a-fA-F]{2})?"
    r"|u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})|u|.)",
    re.DOTALL,
)
_MAYBE_HALF = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?$"
)


def reply_name(tools: Sequence[ToolSpec]) -> str:
    """Return the name under which talking is offered beside these tools."""
    taken = {tool.name for tool in tools}
    return next(name for name in ("reply", "say", "answer_user", "talk_") if name not in taken)


def describe_tools(tools: Sequence[ToolSpec]) -> str:
    """Write what the system prompt says about the tools and the form of the answer."""
    reply = reply_name(tools)
    lines = ["# Tools", "You always answer with one JSON object that calls one of these tools:", ""]
    for tool in tools:
        lines += [f"## {tool.name}", tool.description.strip(), *_parameters(tool), ""]
    lines += [
        f"## {reply}",
        "Talk to the user. Use it for everything that needs no other tool: greetings, questions, "
        "translations, jokes, facts, and to say what a tool has found.",
        "- text (string)",
        "",
        "# Form",
        '{"tool": NAME, "arguments": {NAME: VALUE}}',
        "The arguments come from what the user says, not from the examples above.",
        "Examples of the choice:",
        f'"Who painted the Mona Lisa?" -> {reply_as_json(reply, "Leonardo da Vinci painted it.")}',
        f'"Thanks!" -> {reply_as_json(reply, "You are welcome.")}',
    ]
    return "\n".join(lines)


def _parameters(tool: ToolSpec) -> list[str]:
    required = tool.parameters.get("required", ())
    lines = []
    for name, given in tool.parameters.get("properties", {}).items():
        schema = given if isinstance(given, dict) else {}
        kind = schema.get("type")
        simple = isinstance(kind, str) and kind not in ("object", "array") and "enum" not in schema
        shown = kind if simple else json.dumps(_grammatical(schema, tool.parameters))
        note = "" if name in required else ", optional"
        lines.append(f"- {name} ({shown}{note}): {schema.get('description', '')}".rstrip(": "))
    return lines


def reply_as_json(reply: str, text: str) -> str:
    """Write a text as the model itself would answer with it."""
    return call_as_json(reply, {"text": text})


def call_as_json(name: str, arguments: Mapping[str, Any]) -> str:
    """Write a tool call as the model itself would make it."""
    return json.dumps({"tool": name, "arguments": dict(arguments)}, ensure_ascii=False)


def answer_schema(tools: Sequence[ToolSpec]) -> dict[str, Any]:
    """Make the JSON schema of an answer: one of the tools with its arguments, or the reply."""
    shapes = {tool.name: _grammatical(tool.parameters, tool.parameters) for tool in tools}
    shapes[reply_name(tools)] = _object({"text": {"type": "string"}})
    return {
        "anyOf": [
            _object({"tool": {"const": name}, "arguments": shape}) for name, shape in shapes.items()
        ],
        "x-guidance": {
            "whitespace_flexible": False,
            "key_separator": ": ",
            "item_separator": ", ",
        },
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _grammatical(schema: Any, root: Mapping[str, Any], depth: int = 0) -> Any:
    """Keep of a schema what grammars can express; the rest is checked when the tool is called."""
    if isinstance(schema, bool) or depth > _DEEP:
        return True
    if "$ref" in schema:
        return _grammatical(_referred(schema["$ref"], root), root, depth + 1)
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            kept[key] = {name: _grammatical(v, root, depth + 1) for name, v in value.items()}
        elif key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            kept["anyOf" if key == "oneOf" else key] = [
                _grammatical(one, root, depth + 1) for one in value
            ]
        elif key == "items" or (key == "additionalProperties" and isinstance(value, dict)):
            kept[key] = _grammatical(value, root, depth + 1)
        elif key in _KEPT:
            kept[key] = value
    return kept


def _referred(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~"), True)
        if found is True:
            break
    return found


class AnswerReader:
    """Reads an answer while it is being written.

    ``feed`` returns the words of a reply as they come, unescaped. A model whose answer is no JSON
    object, because no grammar held it, is taken at its word.

    Args:
        reply: The name under which talking was offered.
    """

    def __init__(self, reply: str) -> None:
        self._reply = reply
        self._written = ""
        self._given = 0
        self._plain = False

    def feed(self, chunk: str) -> str:
        """Take the next piece of JSON and return the next words of the reply, maybe none."""
        self._written += chunk
        text = self._text()
        new = text[self._given :]
        self._given += len(new)
        return new

    def call(self) -> ToolCall | None:
        """Return the tool call that the answer is, if it is one and is complete."""
        if self._plain or self._given:
            return None
        try:
            answer = json.loads(_whole(self._written))
        except ValueError:
            return None
        name, arguments = answer.get("tool"), answer.get("arguments")
        if not isinstance(name, str) or name == self._reply or not isinstance(arguments, dict):
            return None
        return ToolCall(f"call_{uuid.uuid4().hex}", name, arguments)

    def _text(self) -> str:
        start = self._written.lstrip()[:1]
        if not start:
            return ""
        self._plain = self._plain or start != "{"
        if self._plain:
            return self._written
        try:
            answer = jiter.from_json(_whole(self._written).encode(), partial_mode=_PARTIAL)
        except ValueError:
            self._plain = not self._given
            return self._written if self._plain else ""
        if answer.get("tool") != self._reply:
            return ""
        text = answer.get("arguments", {}).get("text", "")
        return text if isinstance(text, str) else ""


def _whole(written: str) -> str:
    """Replace escapes that are half of a surrogate pair, which no text can hold."""
    half = _MAYBE_HALF.search(written)
    end = half.start() if half else len(written)
    return _ESCAPE.sub(_mend, written[:end]) + written[end:]


def _mend(escape: re.Match[str]) -> str:
    half = escape[0][:2] == "\\u" and len(escape[0]) == 6 and escape["pair"] is None
    return "\\ufffd" if half else escape[0]
