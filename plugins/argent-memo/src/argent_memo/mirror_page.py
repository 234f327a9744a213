"""A page of the mirror: a file of the workspace with a section in it that the memory keeps.

All that stands outside of the section is the person's and stays as it is. In it, every point has a
comment at its end that browsers of Markdown do not show: the number of the memory, and a digest of
the words as they were written, so that it is known when a hand has changed them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from attrs import define, evolve, field

_BEGIN = re.compile(r"<!-- mirror ([0-9a-f]{16})\b.*-->[ \t\r]*")
_END = re.compile(r"<!-- end of mirror -->[ \t\r]*")
_MARK = re.compile(r"(?:(?<![ \t])[ \t]*)?<!-- (\d{1,18}) ([0-9a-f]{8}) -->[ \t]*")
_MARKED = re.compile(_MARK.pattern + r"\r?$")
_POINT = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")
_SILENT = re.compile(r"\s*(?:#{1,6}\s.*|<!--.*-->\s*|[-*_]{3,}\s*)?")
_WORDS = (
    "what stands from here on is kept in step with the memory. Change a line to correct it, take "
    "it out to have it forgotten, add one to have it remembered."
)


@define
class Entry:
    """A point of the section, or what stands between the points.

    Args:
        raw: The lines as they stand there.
        text: The words of a point; empty, if it is none.
        id: The memory that it was written from.
        mark: Digest of the words as they were written.
        heading: What it stands under.
        gone: Whether it is to be taken out.
    """

    raw: list[str]
    text: str = ""
    id: int | None = None
    mark: str = ""
    heading: str = ""
    gone: bool = False

    @property
    def is_heading(self) -> bool:
        """Whether it is the heading of what follows."""
        return not self.text and self.raw[0].startswith("#")

    @property
    def changed(self) -> bool:
        """Whether a hand has changed it since it was written."""
        return digest(self.text) != self.mark

    def write(self, id: int, text: str) -> None:
        """Let it stand for a memory."""
        self.id, self.text, self.mark = id, shown(text), digest(shown(text))
        self.raw = [f"- {self.text} <!-- {id} {self.mark} -->"]

    def release(self) -> None:
        """Let it stand for no memory."""
        self.id, self.mark, self.raw = None, "", [f"- {self.text}"]


@define
class Page:
    """A file, taken apart.

    Args:
        before: Lines above the section.
        entries: What stands in it.
        after: Lines below it.
        whose: Which memory keeps it; None, if there is no section, and empty, if the line that says
            so was taken away.
    """

    before: list[str]
    entries: list[Entry] = field(factory=list)
    after: list[str] = field(factory=list)
    whose: str | None = None
    newline: str = "\n"
    _added: dict[str, list[Entry]] = field(factory=dict, init=False)

    @property
    def points(self) -> list[Entry]:
        """The entries that say something."""
        return [entry for entry in self.entries if entry.text]

    def copy(self) -> Page:
        """Return another that can be changed."""
        return evolve(self, entries=[evolve(entry) for entry in self.entries])

    def add(self, id: int, text: str, *, heading: str = "") -> None:
        """Add a point below the others of its heading, once the page is settled."""
        entry = Entry([], heading=heading)
        entry.write(id, text)
        self._added.setdefault(heading, []).append(entry)

    def lines_of(self, wanted: Sequence[Entry]) -> list[int]:
        """Return in which lines of the file entries begin, once the page is settled."""
        ids, found, line = {id(entry) for entry in wanted}, list[int](), len(self.before) + 2
        for entry in self.entries:
            if id(entry) in ids:
                found.append(line)
            line += len(entry.raw)
        return found

    def settle(self) -> None:
        """Put what was added in its place, with its heading if need be, and take out what is gone.

        All of it at once, as a page may be long.
        """
        ends, settled = self._ends(), list[Entry]()
        placed = {ends[heading]: self._added[heading] for heading in self._added if heading in ends}
        for n, entry in enumerate(self.entries):
            if not entry.gone:
                settled.append(entry)
            settled += placed.get(n, ())
        for heading, added in self._added.items():
            if heading and heading not in ends:
                settled += [*([Entry([""])] if settled else []), Entry([f"## {heading}"])]
            settled += added if heading not in ends else ()
        self.entries, self._added = settled, {}

    def _ends(self) -> dict[str, int]:
        """Return where the last point stands, or the heading itself, by the first such heading."""
        ends, open = dict[str, int](), ""
        for n, entry in enumerate(self.entries):
            if entry.is_heading:
                title = entry.raw[0].rstrip()
                open = title[3:] if title.startswith("## ") and title[3:] not in ends else ""
            if open and (entry.is_heading or entry.text):
                ends[open] = n
        return ends

    def lines(self, whose: str) -> Iterator[str]:
        """Return the lines of the file."""
        yield from self.before
        if self.whose is None and self.before and self.before[-1].strip():
            yield ""
        yield f"<!-- mirror {whose}: {_WORDS} -->"
        for entry in self.entries:
            yield from entry.raw
        yield "<!-- end of mirror -->"
        yield from self.after

    def render(self, whose: str) -> str:
        """Return the file."""
        if self.whose is None and not self.entries:
            return self.newline.join(self.before)
        return self.newline.join(self.lines(whose)) + ("" if self.after else self.newline)

    def without_section(self) -> str:
        """Return the file with the points that a hand wrote, and without the section."""
        kept = [f"- {one.text}" for one in self.points if one.id is None or one.changed]
        return self.newline.join([*self.before, *kept, *self.after])


def parse(text: str) -> Page:
    """Take a file apart."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = [line.removesuffix("\r") if newline == "\r\n" else line for line in text.split("\n")]
    first = next((n for n, line in enumerate(lines) if _BEGIN.fullmatch(line)), None)
    begin = None if first is None else _BEGIN.fullmatch(lines[first])
    start = _first_marked(lines) if first is None else first + 1
    if start is None:
        while lines and not lines[-1]:
            lines.pop()
        return Page([*lines, ""] if lines else [], newline=newline)
    last = next((n for n in range(start, len(lines)) if _END.fullmatch(lines[n])), None)
    if last is None:  # somebody took the end away: it is where the last point is
        marked = [n for n in range(start, len(lines)) if _MARK.search(lines[n])]
        last = marked[-1] + 1 if marked else start
        after = lines[last:]
    else:
        after = lines[last + 1 :]
    return Page(
        before=lines[: start if first is None else first],
        entries=list(_entries(lines[start:last])),
        after=after if any(after) else [],
        whose=begin[1] if begin else "",
        newline=newline,
    )


def shown(text: str) -> str:
    """Return a text as it stands in a line: nothing in it can be taken for a comment."""
    return " ".join(text.split()).replace("<!--", "&lt;!--").replace("-->", "--&gt;")


def meant(text: str) -> str:
    """Return what a line means."""
    return text.replace("&lt;!--", "<!--").replace("--&gt;", "-->").strip()


def digest(text: str) -> str:
    """Return the digest of a line's words."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _first_marked(lines: Sequence[str]) -> int | None:
    """Return where a section is whose begin somebody took away: at its first point, or heading."""
    first = next((n for n, line in enumerate(lines) if _MARKED.search(line)), None)
    if first is None:
        return None
    while first and lines[first][:1] in (" ", "\t") and _goes_on(lines[first]):
        first -= 1
    above = first - 1
    while above > 0 and not lines[above].strip():
        above -= 1
    return above if above >= 0 and lines[above].startswith("## ") else first


def _entries(lines: Sequence[str]) -> Iterator[Entry]:
    heading, point = "", None
    for line in lines:
        if point is not None and line[:1] in (" ", "\t") and _goes_on(line):
            point.raw.append(line)
            continue
        if point is not None:
            yield _read(point)
        point = None
        if _MARK.fullmatch(line):
            continue  # the words of a point were deleted, and the comment was not
        if _SILENT.fullmatch(line):
            entry = Entry([line], heading=heading)
            if entry.is_heading:
                heading = line.lstrip("#").strip()
            yield entry
        else:
            point = Entry([line], heading=heading)
    if point is not None:
        yield _read(point)


def _goes_on(line: str) -> bool:
    return bool(line.strip()) and not _POINT.match(line)


def _read(entry: Entry) -> Entry:
    """Find out what a point says, and of which memory."""
    words = " ".join(line.strip() for line in entry.raw)
    marks = list(_MARK.finditer(words))
    if marks:
        entry.id, entry.mark = int(marks[-1][1]), marks[-1][2]
    bare = _MARK.sub(" ", words)
    found = _POINT.match(bare)
    entry.text = " ".join((bare[found.end() :] if found else bare).split())
    return entry
