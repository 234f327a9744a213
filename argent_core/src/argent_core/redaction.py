"""Keeping secrets out of what is written down."""

from __future__ import annotations

import base64
import html
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MARK = "[secret]"

SHORTEST = 4
"""Characters; shorter values would make every text unreadable, and are no secret."""

SHORTEST_FRAGMENT = 8
"""Characters of a line of a long secret, or of a stretch of base64, that is worth hiding."""


class Redactor:
    """Remembers the secrets that were revealed, and takes them out of texts.

    A secret is also found as base64 at any alignment, quoted for an address or for HTML, and
    escaped as in JSON or in a Python literal; of a secret with several lines, each line counts.

    >>> redactor = Redactor()
    >>> redactor.add("hunter22")
    >>> redactor.redact("It is hunter22, or aHVudGVyMjI= in base64.")
    'It is [secret], or [secret]= in base64.'
    """

    def __init__(self) -> None:
        self._needles: tuple[str, ...] = ()
        self._lock = threading.Lock()

    def add(self, value: str) -> None:
        """Take a value out of all texts from now on."""
        if len(value) < SHORTEST:
            return
        with self._lock:
            needles = {*self._needles, *_disguises(value)}
            self._needles = tuple(sorted(needles, key=len, reverse=True))

    def redact(self, text: str) -> str:
        """Return a text without secrets."""
        spans = [span for needle in self._needles for span in _places(text, needle)]
        if not spans:
            return text
        pieces: list[str] = []
        position = hidden = 0
        for start, end in sorted([*spans, *_places(text, MARK)]):
            if start > hidden or not pieces:
                pieces += [text[position:start], MARK]
            hidden = max(hidden, end)
            position = hidden
        return "".join([*pieces, text[position:]])

    def redact_value(self, value: Any) -> Any:
        """Return a value as JSON can express it, without secrets in it."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {self.redact(str(k)): self.redact_value(v) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.redact_value(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            text = str(value)
            clean = self.redact(text)
            return value if clean == text else clean
        return self.redact(repr(value))


def _places(text: str, needle: str) -> Iterator[tuple[int, int]]:
    start = text.find(needle)
    while start >= 0:
        yield start, start + len(needle)
        start = text.find(needle, start + 1)


def _disguises(value: str) -> Iterator[str]:
    yield value
    lines = value.splitlines()
    for line in [value, *(line.strip() for line in lines if len(lines) > 1)]:
        if line != value and len(line) < SHORTEST_FRAGMENT:
            continue
        yield line
        yield from _escaped(line)
    yield from _base64(value.encode(errors="surrogatepass"))


def _escaped(line: str) -> Iterator[str]:
    raw = line.encode(errors="surrogatepass")
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield quoted
        yield _lower_escapes(quoted)
    for ascii_only in (True, False):
        yield json.dumps(line, ensure_ascii=ascii_only)[1:-1]
    yield repr(line)[1:-1]
    yield ascii(line)[1:-1]
    yield html.escape(line)


def _lower_escapes(quoted: str) -> str:
    head, *rest = quoted.split("%")
    return head + "".join(f"%{part[:2].lower()}{part[2:]}" for part in rest)


def _base64(raw: bytes) -> Iterator[str]:
    """Yield what is always the same in base64, wherever in a longer text the bytes stand."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).rstrip(b"=").decode()
        first = (before * 8 + 5) // 6
        last = (before + len(raw)) * 8 // 6
        stretch = encoded[first:last]
        if len(stretch) >= SHORTEST_FRAGMENT:
            yield stretch
            yield stretch.replace("+", "-").replace("/", "_")
