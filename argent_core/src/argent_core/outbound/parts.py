"""Parts: a reply that is too long for one message, cut at sensible places.

Those are, from the best to the worst: between paragraphs, lines, lines of a code block, sentences,
words; within a link or a piece of code on a line only if there is no other, and never within what
people see as one character. A code block that is cut is closed and opened again. Its fences are
those of CommonMark (https://spec.commonmark.org/0.31.2/#fenced-code-blocks), however far indented.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from attrs import frozen

_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_WHOLE = re.compile(r"!?\[[^\[\]\n]*\]\((?:[^()\s]|\([^()\s]*\))*\)|`[^`\n]+`")
"""What is not to be torn. No character is looked at more than a few times, whatever the text."""
_PLACE = re.compile(r"\s+|(?<=[。！？])")
_SENTENCE_END = re.compile(r"[.!?…:;。！？][)\"'”’*_]*$")
_BLANK = re.compile(r"\s*\n|\s+|")
_FLAGS = "".join(map(chr, range(ord("🇦"), ord("🇿") + 1)))
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


@frozen
class _View:
    """The next part of a text, and as much again: all that can matter to where it is cut.

    Args:
        least: Characters at its beginning that are no part of the text itself.
        kept: Where things begin and end that are not to be torn; each within one part.
    """

    text: str
    longest: int
    least: int
    blocks: Sequence[_Block]
    kept: Sequence[tuple[int, int]]

    def block(self, place: int) -> _Block | None:
        """Return the only code block that could be cut there, if there is one."""
        n = bisect_left(self.blocks, place, key=lambda block: block.start)
        return self.blocks[n - 1] if n else None

    def holds(self, place: int) -> _Block | None:
        """Return the code block between whose fences a place is."""
        block = self.block(place)
        return block if block is not None and block.holds(place) else None

    def tears(self, place: int) -> bool:
        """Tell whether a cut would tear a link, or code on a line."""
        n = bisect_left(self.kept, (place, 0))
        return n > 0 and place < self.kept[n - 1][1]

    def fits(self, place: int) -> bool:
        """Tell whether it can be cut there at all, with a fence behind it if one is needed."""
        block = self.block(place)
        if block is not None and block.is_torn(place):
            return False
        closed = len(block.closed) if block is not None and block.holds(place) else 0
        room = self.least < place <= self.longest - closed
        return room and not _is_within_character(self.text, place)


def split(text: str, longest: int) -> list[str]:
    """Cut a text into parts of so many characters at most; white space at the seams goes.

    It takes time in proportion to the text, whatever is in it.
    """
    spans = (found.span() for found in _WHOLE.finditer(text))
    kept = [(start, end) for start, end in spans if end - start <= longest]
    parts, begin, opened = [], 0, ""
    while len(opened) + len(text) - begin > longest:
        view = _view(text, begin, opened, longest=longest, kept=kept)
        cut = _cut(view)
        begin += cut - len(opened)
        block = view.holds(cut)
        if block is None:
            parts.append(view.text[:cut].rstrip())
            blank, opened = _BLANK.match(text, begin), ""
            begin = blank.end() if blank else begin
        else:
            parts.append(view.text[:cut] + block.closed)
            begin, opened = begin + text.startswith("\n", begin), block.opened
    parts.append(opened + text[begin:])
    return [part for part in parts if part.strip()] or [text[:longest]]


def _view(
    text: str, begin: int, opened: str, *, longest: int, kept: Sequence[tuple[int, int]]
) -> _View:
    """Look at what comes next, behind a fence that opens its code block again."""
    seen = opened + text[begin : begin + 2 * longest]
    first, last = bisect_left(kept, (begin, 0)), bisect_left(kept, (begin + longest, 0))
    shift = len(opened) - begin
    near = [(start + shift, end + shift) for start, end in kept[max(0, first - 1) : last]]
    return _View(seen, longest, len(opened), list(_blocks(seen, longest)), near)


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


def _cut(view: _View) -> int:
    """Find the best kind of place behind the first third, or else the last place at all."""
    longest, places = view.longest, []
    for place, rank in _places(view):
        if rank in (_LINE_OF_CODE, _WORD_OF_CODE) or not view.tears(place):
            places.append((rank if place >= longest // 3 else _WORD_OF_CODE + 1, -place))
    if places:
        return -min(places)[1]
    block = view.holds(longest)
    last = longest - (len(block.closed) if block is not None else 0)
    return next((n for n in range(longest, view.least, -1) if view.fits(n)), last)


def _places(view: _View) -> Iterator[tuple[int, int]]:
    """Find where a text can be cut, and of which kind each place is."""
    for found in _PLACE.finditer(view.text[: view.longest + 1]):
        lines = found[0].count("\n")
        inside = view.holds(found.start()) is not None
        place = found.start() + (found[0].index("\n") if inside and lines else 0)
        if not view.fits(place):
            continue
        if inside:
            yield place, _LINE_OF_CODE if lines else _WORD_OF_CODE
        elif lines:
            yield place, _LINE if lines == 1 else _PARAGRAPH
        else:
            ends = _SENTENCE_END.search(view.text[max(0, place - 8) : place])
            yield place, _SENTENCE if ends else _WORD


def _is_within_character(text: str, place: int) -> bool:
    """Tell whether people see what is on both sides as one (https://unicode.org/reports/tr29/)."""
    before, after = text[place - 1 : place], text[place : place + 1]
    if not after or before.isspace():
        return (before, after) == ("\r", "\n")
    if "🇦" <= before <= "🇿" and "🇦" <= after <= "🇿":
        return (place - len(text[:place].rstrip(_FLAGS))) % 2 == 1
    jamo = "ᅠ" <= after <= "ᇿ" or ("ᄀ" <= before <= "ᅟ" and "ᄀ" <= after <= "ᅟ")
    joins = before == "\u200d" or after in "\u200c\u200d" or "🏻" <= after <= "🏿"
    tag = "\U000e0020" <= after <= "\U000e007f"
    return jamo or joins or tag or unicodedata.category(after).startswith("M")
