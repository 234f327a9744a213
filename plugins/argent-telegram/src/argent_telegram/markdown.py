"""From Markdown, as models write it, to what Telegram shows. It takes any text at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import define, evolve, field, frozen

from argent_hookspecs import Location
from argent_telegram.rich_text import RichText, Span

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MARKS = {"strong": "bold", "em": "italic", "s": "strikethrough"}
_SHOWN_AS_LINKS = re.compile(r"https?://[^\s/]|tg://\S", re.IGNORECASE)
_PLACE = re.compile(r"geo:(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_WIDEST_TABLE = 44
_RULE = "———"


@frozen
class Converted:
    """What a Markdown text becomes.

    Args:
        body: The words.
        places: What was linked as ``geo:LATITUDE,LONGITUDE`` (RFC 5870); sent as places.
    """

    body: RichText
    places: tuple[Location, ...] = ()


def convert(markdown: str) -> Converted:
    """Convert a text. Whatever it is, something readable comes of it."""
    clean = _UNSEEN.sub("", markdown.encode("utf-16", "replace").decode("utf-16"))
    writer = _Writer()
    writer.blocks(_parser().parse(clean))
    whole = RichText(writer.text, tuple(writer.spans))
    body = whole.piece(0, len(whole.text))
    if not body.text and not writer.places:
        body = RichText(clean.strip())
    return Converted(body, tuple(writer.places))


def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@define(eq=False, repr=False)
class _Writer:
    """Writes a text and notes its spans."""

    text: str = ""
    spans: list[Span] = field(factory=list)
    places: list[Location] = field(factory=list)
    _open: list[tuple[str, int, str]] = field(factory=list)
    _lists: list[int | None] = field(factory=list)

    def blocks(self, tokens: Sequence[Token]) -> None:
        """Write the blocks of a document."""
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token.type == "table_open":
                end = next(n for n in range(at, len(tokens)) if tokens[n].type == "table_close")
                self._table(tokens[at : end + 1])
                at = end
            else:
                self._block(token)
            at += 1

    def _block(self, token: Token) -> None:
        match token.type:
            case "inline":
                self._inline(token.children or [])
            case "paragraph_close":
                self._end_line(1 if token.hidden else 2)
            case "heading_open":
                self._begin("bold")
            case "heading_close":
                self._end("bold")
                self._end_line(2)
            case "fence" | "code_block":
                language = token.info.strip().split(" ")[0] if token.info.strip() else ""
                self._marked("pre", token.content.rstrip("\n") or " ", extra=language)
                self._end_line(2)
            case "hr":
                self.text += _RULE
                self._end_line(2)
            case "blockquote_open":
                self._begin("blockquote")
            case "blockquote_close":
                self._end("blockquote")
                self._end_line(2)
            case _:
                self._list(token)

    def _list(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._end_line(1)
                self._lists.append(None)
            case "ordered_list_open":
                self._end_line(1)
                self._lists.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                self._end_line(1 if self._lists else 2)
            case "list_item_open":
                number = self._lists[-1]
                self.text += "  " * (len(self._lists) - 1)
                self.text += "• " if number is None else f"{number}. "
                self._lists[-1] = None if number is None else number + 1
            case "list_item_close":
                self._end_line(1)

    def _inline(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            name = token.type.rsplit("_", 1)[0]
            if name in _MARKS and token.nesting:
                (self._begin if token.nesting > 0 else self._end)(_MARKS[name])
            elif token.type == "code_inline":
                self._marked("code", token.content)
            elif token.type == "link_open":
                self._begin("link", str(token.attrGet("href") or ""))
            elif token.type == "link_close":
                self._end_link()
            elif token.type == "image":
                self._begin("link", str(token.attrGet("src") or ""))
                self.text += token.content or "picture"
                self._end_link()
            elif token.type in ("softbreak", "hardbreak"):
                self.text += "\n" + "  " * len(self._lists)
            else:
                self.text += token.content

    def _marked(self, kind: str, text: str, *, extra: str = "") -> None:
        self.spans.append(Span(kind, len(self.text), len(self.text) + len(text), extra))
        self.text += text

    def _begin(self, kind: str, extra: str = "") -> None:
        self._open.append((kind, len(self.text), extra))

    def _end(self, kind: str) -> None:
        at = next(n for n in reversed(range(len(self._open))) if self._open[n][0] == kind)
        _, start, extra = self._open.pop(at)
        end = len(self.text.rstrip()) if kind == "blockquote" else len(self.text)
        if start < end:
            self.spans.append(Span(kind, start, end, extra))

    def _end_link(self) -> None:
        _, start, address = self._open.pop()
        words = self.text[start:]
        if (place := _PLACE.match(address)) and (found := _location(place, words)):
            self.places.append(found)
        elif not _SHOWN_AS_LINKS.match(address):
            self.text += f" ({address})" if address and address != words else ""
        elif words and words != address:
            self.spans.append(Span("text_link", start, len(self.text), address))
        else:
            self.text = self.text[:start] + address

    def _end_line(self, lines: int) -> None:
        """End what stands there, with so many line breaks."""
        there = len(self.text) - len(self.text.rstrip("\n"))
        if self.text:
            self.text += "\n" * max(0, lines - there)

    def _table(self, tokens: Sequence[Token]) -> None:
        rows: list[list[RichText]] = []
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                cell = _Writer()
                cell._inline(token.children or [])
                self.places += cell.places
                rows[-1].append(RichText(cell.text.replace("\n", " "), tuple(cell.spans)))
        widths = [max(len(cell.text) for cell in column) for column in zip(*rows, strict=True)]
        if sum(widths) + 3 * len(widths) <= _WIDEST_TABLE:
            lines = [_line(row, widths) for row in rows]
            lines.insert(1, "─┼─".join("─" * width for width in widths))
            self._marked("pre", "\n".join(lines))
        else:
            self._list_of_rows(rows)
        self._end_line(2)

    def _list_of_rows(self, rows: Sequence[Sequence[RichText]]) -> None:
        """Write a table that is wider than a telephone as one paragraph for each row."""
        heads, *others = rows
        for row in others or [heads]:
            for head, cell in zip(heads, row, strict=True):
                if head.text and head is not cell:
                    self._marked("bold", head.text)
                    self.text += ": "
                at = len(self.text)
                self.spans += [
                    evolve(span, start=span.start + at, end=span.end + at) for span in cell.spans
                ]
                self.text += f"{cell.text}\n"
            self.text += "\n"


def _line(row: Sequence[RichText], widths: Sequence[int]) -> str:
    cells = (cell.text.ljust(width) for cell, width in zip(row, widths, strict=True))
    return " │ ".join(cells).rstrip()


def _location(place: re.Match[str], name: str) -> Location | None:
    latitude, longitude = float(place[1]), float(place[2])
    if abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return Location(latitude, longitude, name.strip())
