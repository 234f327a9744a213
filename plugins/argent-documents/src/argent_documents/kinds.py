"""Kinds of documents: media types, and who reads each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument"

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "application/pdf": "pdf",
        "text/html": "page",
        "application/epub+zip": "book",
        f"{_OPEN_XML}.wordprocessingml.document": "word",
        f"{_OPEN_XML}.spreadsheetml.sheet": "sheet",
        f"{_OPEN_XML}.presentationml.presentation": "slides",
        f"{_OPEN_DOCUMENT}.text": "open",
        f"{_OPEN_DOCUMENT}.spreadsheet": "open",
        f"{_OPEN_DOCUMENT}.presentation": "open",
    }
)
