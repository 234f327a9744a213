"""Parts: a reply that is too long for one message, cut at sensible places.

Those are, from the best to the worst: between paragraphs, lines, lines of a code block, sentences,
words; within a link or a piece of code on a line only if there is no other, and never within what
people see as one character. A code block that is cut is closed and opened again. Its fences are
those of CommonMark (https://spec.commonmark.org/0.31.2/#fenced-code-blocks), however far indented.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from attrs import frozen

_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_WHOLE = re.compile(r"!?\[[^\]\n]*\]\([^)\s]*\)|`[^`\n]+`")
_PLACE = re.compile(r"\s+|(?<=[。！？])")
_SENTENCE_END = re.compile(r"[.!?…:;。！？][)\"'”’*_]*$")
_BLANK = re.compile(r"\s*\n|\s+|")
_PARAGRAPH, _LINE, _LINE_OF_CODE, _SENTENCE, _WORD, _WORD_OF_CODE = range(6)


@frozen
class _Block:
    """A block of code: where its first line begins and ends, where its last one, and its fences."""

    start: int
    inner: int
    closing: int
    end: int
    opened: str = ""
    closed: str = ""

    def holds(self, place: int) -> bool:
        """Tell whether a text that is cut there is cut between the fences."""
        return self.inner < place < self.closing

    def is_torn(self, place: int) -> bool:
        """Tell whether one of the fences is, or a part would have nothing of the code."""
        return self.start < place <= self.inner or self.closing <= place < self.end


def split(text: str, longest: int) -> list[str]:
    """Cut a text into parts of so many characters at most; white space at the seams goes."""
    parts, rest = [], text
    while len(rest) > longest:
        blocks = list(_blocks(rest, longest))
        cut = _cut(rest, longest, blocks)
        part, rest = rest[:cut], rest[cut:]
        block = next((block for block in blocks if block.holds(cut)), None)
        if block is None:
            parts.append(part.rstrip())
            rest = _BLANK.sub("", rest, count=1)
        else:
            parts.append(part + block.closed)
            rest = block.opened + rest.removeprefix("\n")
    return [part for part in (*parts, rest) if part.strip()] or [text[:longest]]


def _blocks(text: str, longest: int) -> Iterator[_Block]:
    """Find the code blocks that begin before the next cut; none whose fences leave no room."""
    lines = _FENCE.finditer(text)
    for first in lines:
        indent, mark, info = first.groups()
        if first.start() >= longest:
            return
        if (mark[0] == "`" and "`" in info) or len(indent + mark) > longest // 8:
            continue
        if len(first[0]) > longest // 2:
            continue
        last = next((x for x in lines if x[2].startswith(mark) and not x[3].strip()), None)
        closing, end = (last.start() - 1, last.end()) if last else (len(text), len(text))
        info = info if len(info) <= longest // 8 else ""
        opened, closed = f"{indent}{mark}{info}\n", f"\n{indent}{mark}"
        yield _Block(first.start(), first.end(), closing, end, opened, closed)


def _cut(text: str, longest: int, blocks: Sequence[_Block]) -> int:
    """Find the best kind of place behind the first third, or else the last place at all."""
    kept = [found.span() for found in _WHOLE.finditer(text[: 2 * longest])]
    places = []
    for place, rank in _places(text, longest, blocks):
        outside = rank not in (_LINE_OF_CODE, _WORD_OF_CODE)
        if not (outside and any(start < place < end for start, end in kept)):
            places.append((rank if place >= longest // 3 else _WORD_OF_CODE + 1, -place))
    if places:
        return -min(places)[1]
    return next((n for n in range(longest, 0, -1) if _fits(text, n, longest, blocks)), longest)


def _places(text: str, longest: int, blocks: Sequence[_Block]) -> Iterator[tuple[int, int]]:
    """Find where a text can be cut, and of which kind each place is."""
    for found in _PLACE.finditer(text[: longest + 1]):
        lines = found[0].count("\n")
        inside = any(block.holds(found.start()) for block in blocks)
        place = found.start() + (found[0].index("\n") if inside and lines else 0)
        if not _fits(text, place, longest, blocks):
            continue
        if inside:
            yield place, _LINE_OF_CODE if lines else _WORD_OF_CODE
        elif lines:
            yield place, _LINE if lines == 1 else _PARAGRAPH
        else:
            ends = _SENTENCE_END.search(text[max(0, place - 8) : place])
            yield place, _SENTENCE if ends else _WORD


def _fits(text: str, place: int, longest: int, blocks: Sequence[_Block]) -> bool:
    """Tell whether a text can be cut there at all, with a fence behind it if one is needed."""
    closed = next((len(block.closed) for block in blocks if block.holds(place)), 0)
    torn = any(block.is_torn(place) for block in blocks)
    return 0 < place <= longest - closed and not torn and not _is_within_character(text, place)


def _is_within_character(text: str, place: int) -> bool:
    """Tell whether people see what is on both sides as one (https://unicode.org/reports/tr29/)."""
    before, after = text[place - 1 : place], text[place : place + 1]
    if not after or before.isspace():
        return (before, after) == ("\r", "\n")
    if "🇦" <= before <= "🇿" and "🇦" <= after <= "🇿":
        flags = re.search("[🇦-🇿]*$", text[:place])
        return flags is not None and len(flags[0]) % 2 == 1
    jamo = "ᅠ" <= after <= "ᇿ" or ("ᄀ" <= before <= "ᅟ" and "ᄀ" <= after <= "ᅟ")
    joins = before == "\u200d" or after in "\u200c\u200d" or "🏻" <= after <= "🏿"
    tag = "\U000e0020" <= after <= "\U000e007f"
    return jamo or joins or tag or unicodedata.category(after).startswith("M")
