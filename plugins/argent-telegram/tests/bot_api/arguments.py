"""Arguments of a call: from the query, a JSON body, a form, or a form with files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from attrs import field, frozen

from bot_api.refusal import bad_request

_TRUE = ("true", "1", "yes", "on")


@frozen
class Upload:
    """A file that came with a call."""

    name: str
    content: bytes
    media_type: str


@frozen
class Arguments:
    """What a method was called with; in a form, whatever is not a string is JSON in one."""

    values: Mapping[str, Any]
    uploads: Mapping[str, Upload] = field(factory=dict)

    @classmethod
    async def read(cls, request: web.Request) -> Arguments:
        """Read the arguments of a request."""
        values: dict[str, Any] = dict(request.query)
        uploads: dict[str, Upload] = {}
        if request.content_type == "application/json":
            try:
                given = await request.json()
            except ValueError:
                raise bad_request("can't parse JSON object") from None
            values.update({name: value for name, value in given.items() if value is not None})
        elif request.method == "POST":
            for name, value in (await request.post()).items():
                if isinstance(value, web.FileField):
                    uploads[name] = Upload(value.filename, value.file.read(), value.content_type)
                else:
                    values[name] = value
        return cls(values, uploads)

    def text(self, name: str) -> str:
        """Return a string; empty if it was not given."""
        value = self.values.get(name, "")
        return value if isinstance(value, str) else str(value)

    def integer(self, name: str, default: int | None = None) -> int | None:
        """Return a whole number."""
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise bad_request(f"invalid {name} specified") from None

    def number(self, name: str) -> float:
        """Return a number that must be there."""
        try:
            return float(self.values[name])
        except (KeyError, TypeError, ValueError):
            raise bad_request(f"{name} is empty") from None

    def flag(self, name: str) -> bool:
        """Return a boolean; false if it was not given."""
        return str(self.values.get(name, "")).lower() in _TRUE

    def structure(self, name: str) -> Any:
        """Return an object or an array; None if it was not given."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {name} JSON object") from None

    def upload(self, value: str) -> Upload | None:
        """Return the file that ``attach://NAME`` refers to, or that came under the name itself."""
        return self.uploads.get(value.removeprefix("attach://"))
