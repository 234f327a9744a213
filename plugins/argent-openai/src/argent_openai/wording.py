"""What both APIs are told in the same words: pictures, arguments, and JSON itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import orjson

from argent_hookspecs import Image


def data_url(image: Image) -> str:
    """Return a picture as an address that holds it."""
    return f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}"


def arguments_json(arguments: Mapping[str, Any]) -> str:
    """Write the arguments of a call."""
    return to_json(arguments if isinstance(arguments, dict) else dict(arguments)).decode()


def to_json(document: Any) -> bytes:
    """Write JSON; halves of surrogate pairs, which no server takes, are replaced.

    >>> to_json({"text": "half \\ud83d", "number": 2**70})
    b'{"text":"half ?","number":1180591620717411303424}'
    """
    try:
        return orjson.dumps(document)
    except TypeError:
        # orjson knows neither those halves nor numbers of more than 64 bits.
        written = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        return written.encode("utf-8", "replace")


def from_json(written: str) -> Any:
    """Read JSON. Raises ``ValueError``, also if it is nested too deeply to be written again."""
    try:
        try:
            found = orjson.loads(written)
        except orjson.JSONDecodeError:
            found = orjson.loads(to_json(json.loads(written)))
        orjson.dumps(found)
    except (RecursionError, orjson.JSONEncodeError) as error:
        raise ValueError("it is nested too deeply") from error
    return found


def join_halves(text: str) -> tuple[str, str]:
    """Join halves of surrogate pairs; return the text and a half that waits for its other one.

    >>> join_halves("\\ud83d\\ude42 \\ude42 \\ud83d")
    ('🙂 � ', '\\ud83d')
    """
    end = len(text) - 1 if "\ud800" <= text[-1:] <= "\udbff" else len(text)
    whole = text[:end].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole, text[end:]
