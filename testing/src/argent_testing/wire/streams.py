"""The two ways in which servers stream documents."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def sse(documents: Iterable[Any], *, named: bool = False, end: bytes = b"") -> list[bytes]:
    """Return documents as server-sent events, each with its ``type`` as its name if ``named``."""
    return [*(_event(one, named=named) for one in documents), *([end] if end else [])]


def json_lines(documents: Iterable[Any]) -> list[bytes]:
    """Return documents, each in a line."""
    return [json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in documents]


def in_pieces(stream: Iterable[bytes], size: int = 7) -> list[bytes]:
    """Return the same bytes in pieces of this size, which end where they end: within letters."""
    whole = b"".join(stream)
    return [whole[start : start + size] for start in range(0, len(whole), size)]


def _event(document: Any, *, named: bool) -> bytes:
    name = f"event: {document['type']}\n" if named else ""
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return f"{name}data: {written}\n\n".encode()
