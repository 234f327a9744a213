"""Text as Telegram has it: plain characters, and spans of them that look different.

Formatting that is given so, and not as marked-up text, cannot be malformed. Offsets are counted in
UTF-16 units: https://core.telegram.org/bots/api#messageentity.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from attrs import astuple, evolve, frozen

if TYPE_CHECKING:
    from telegram import MessageEntity

LONGEST_TEXT = 4096
"""UTF-16 units of one message."""
LONGEST_CAPTION = 1024
"""UTF-16 units under a picture or a file."""

_MOST_SPANS = 100
_ALONE = ("code", "pre")
_QUOTE = "blockquote"
_JOINER = "\u200d"


@frozen
class Span:
    """A part of a text that looks different.

    Args:
        kind: As Telegram names it: ``bold``, ``code``, ``text_link``.
        start: First character.
        end: The one after the last.
        extra: The address of a link, or the language of code.
    """

    kind: str
    start: int
    end: int
    extra: str = ""


@frozen
class RichText:
    """A text and its spans."""

    text: str
    spans: tuple[Span, ...] = ()

    @property
    def units(self) -> int:
        """How long Telegram takes it to be."""
        return units(self.text)

    def dump(self) -> str:
        """Return it as JSON, for ``load``."""
        return json.dumps([self.text, [astuple(span) for span in self.spans]])

    @classmethod
    def load(cls, dumped: str) -> RichText:
        """Return what was dumped.

        >>> RichText.load(RichText("owl", (Span("bold", 0, 3),)).dump())
        RichText(text='owl', spans=(Span(kind='bold', start=0, end=3, extra=''),))
        """
        text, spans = json.loads(dumped)
        return cls(text, tuple(Span(*span) for span in spans))

    def entities(self) -> list[MessageEntity]:
        """Return the spans as Telegram has them."""
        from telegram import MessageEntity

        found = []
        for span in _sound(self.text, self.spans)[:_MOST_SPANS]:
            entity = MessageEntity(
                type=span.kind,
                offset=units(self.text[: span.start]),
                length=units(self.text[span.start : span.end]),
                url=span.extra if span.kind == "text_link" else None,
                language=(span.extra or None) if span.kind == "pre" else None,
            )
            found.append(entity)
        return found

    def piece(self, start: int, end: int) -> RichText:
        """Return the characters from one to another, without blank ones around them."""
        while start < end and self.text[start].isspace():
            start += 1
        while start < end and self.text[end - 1].isspace():
            end -= 1
        spans = (
            evolve(span, start=max(span.start, start) - start, end=min(span.end, end) - start)
            for span in self.spans
            if span.start < end and start < span.end
        )
        return RichText(self.text[start:end], tuple(spans))

    def pieces(self, longest: int = LONGEST_TEXT) -> list[RichText]:
        """Cut it where it hurts least, into pieces that are not longer."""
        found, start = [], 0
        while start < len(self.text):
            end = _cut(self.text, start, longest=longest)
            if (piece := self.piece(start, end)).text:
                found.append(piece)
            start = end
        return found


def units(text: str) -> int:
    """Return the length in UTF-16 units.

    >>> units("a🦉")
    3
    """
    return len(text) + sum(char > "\uffff" for char in text)


def sliced(text: str, offset: int = 0, *, length: int) -> str:
    """Return what an entity of Telegram's covers.

    >>> sliced("🦉 owl", 3, length=3)
    'owl'
    """
    raw = text.encode("utf-16-le", errors="surrogatepass")
    return raw[2 * offset : 2 * (offset + length)].decode("utf-16-le", errors="replace")


def _cut(text: str, start: int, *, longest: int) -> int:
    """Return where the piece that begins at ``start`` ends."""
    room, end = longest, start
    while end < len(text) and room >= (cost := 2 if text[end] > "\uffff" else 1):
        room -= cost
        end += 1
    if end == len(text):
        return end
    for seam in ("\n\n", "\n", " "):
        found = text.rfind(seam, start + (end - start) // 2, end)
        if found > start:
            return found + len(seam)
    whole = end
    while whole > start + 1 and _belongs_to_the_one_before(text, whole):
        whole -= 1
    return whole if whole > start + 1 else end


def _belongs_to_the_one_before(text: str, at: int) -> bool:
    char = text[at]
    return (
        unicodedata.category(char) in ("Mn", "Me", "Mc", "Sk")
        or _JOINER in (char, text[at - 1])
        or "\ufe00" <= char <= "\ufe0f"
    )


def _sound(text: str, spans: Sequence[Span]) -> list[Span]:
    """Return spans as Telegram takes them: around words, code by itself, quotes not nested."""
    alone = [one for one in spans if one.kind in _ALONE]
    quoted = 0
    found = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if span.kind == _QUOTE:
            if span.start < quoted:
                continue
            quoted = span.end
        parts = [span] if span.kind in (*_ALONE, _QUOTE) else _around(span, alone)
        found += [kept for part in parts for kept in _trimmed(text, part)]
    return sorted(found, key=lambda one: (one.start, -one.end))


def _around(span: Span, alone: Sequence[Span]) -> Iterator[Span]:
    """Cut out of a span what may only stand by itself."""
    start = span.start
    for one in sorted(alone, key=lambda one: one.start):
        if one.end <= start or span.end <= one.start:
            continue
        if start < one.start:
            yield evolve(span, start=start, end=one.start)
        start = one.end
    if start < span.end:
        yield evolve(span, start=start)


def _trimmed(text: str, span: Span) -> Iterator[Span]:
    start, end = span.start, span.end
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield evolve(span, start=start, end=end)
