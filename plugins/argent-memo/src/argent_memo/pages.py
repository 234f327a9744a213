"""Pages: memories in Markdown, for people to read and for a memory to take in again.

A page says in a comment whose it is. Each memory is a point of a list, and behind its words stands
a comment with all else that belongs to it, which browsers of Markdown do not show. Words that have
changed since keep what stands in the comment; what a hand has added without one is a note like any
other. In words, what would begin a comment has a backslash before it: nobody can say by their words
alone whose they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from attrs import define, field

from argent_memo.imports.records import ImportRefused

VERSION = 1
HEAD = "<!-- argent-memory "
HEAD_WITHIN = 4096
"""What stands at the beginning of each page, and how soon."""

_HEAD = re.compile(r"<!-- argent-memory (\d{1,9}) ([0-9a-f]{1,64}) -->[ \t]*")
_MARK = re.compile(r"[ \t]*<!-- (\{.*\}) -->[ \t]*")
_OPEN = re.compile(r"(\\*)<!--")
_HIDDEN = re.compile(r"\\(\\*<!--)")
_DEFAULTS: Mapping[str, Any] = {
    "key": None,
    "state": "live",
    "speaker": "",
    "place": "",
    "holds_from": None,
    "holds_until": None,
    "source": "",
    "private": 0,
    "count": 1,
    "superseded_by": None,
    "said_again": [],
    "uses": [],
    "links": [],
}


def head(memory: str) -> str:
    """Return the line that says whose a page is."""
    return f"{HEAD}{VERSION} {memory} -->\n"


def point(item: Mapping[str, Any], *, note: str = "") -> str:
    """Return an item as a point of a page.

    Args:
        item: As a line of a ``jsonl`` export has it, and its ``links``.
        note: What a person is told of it behind its words.
    """
    text, note = item["text"], _shown(note)
    words = _shown(text)
    rest = {name: value for name, value in item.items() if name not in ("text", "uses")}
    mark = {name: value for name, value in rest.items() if value != _DEFAULTS.get(name, _NEVER)}
    mark |= {"note": note} if note else {}
    mark["words"] = _digest(words)
    if _read(words) != text:  # no line can hold it
        mark["text"] = text
    made = json.dumps(mark, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
    behind = f" ({note})" if note else ""
    return f"- {words}{behind}\n  <!-- {made} -->\n"


@define
class Page:
    """A page, taken apart.

    Args:
        memory: Whose it is; empty, if it is a note like any other.
        points: Its memories, as lines of a ``jsonl`` export, by their line in the file; an empty
            one is one that cannot be read.
        rest: All else that stands there.
    """

    memory: str = ""
    points: list[tuple[int, dict[str, Any]]] = field(factory=list)
    rest: str = ""


def read(text: str) -> Page:
    """Take a text apart. Raises ``ImportRefused`` if a newer memory has written it."""
    found = _HEAD.search(text[:HEAD_WITHIN])
    if found is None:
        return Page(rest=text)
    if int(found[1]) > VERSION:
        raise ImportRefused("a page was written by a newer Argent; update this one first")
    page, rest = Page(found[2]), list[str]()
    for n, lines, mark in _blocks(text.split("\n")):
        if mark is None:
            rest += [line for line in lines if not line.startswith("#")]  # these are the page's
        else:
            page.points.append((n, _item(lines, mark)))
    page.rest = "\n".join(rest)
    return page


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, list[str], str | None]]:
    """Yield points with their marks, and what stands between them with none."""
    block = list[str]()
    for n, line in enumerate(lines, start=1):
        found = _MARK.fullmatch(line)
        if found is not None and block and block[0].startswith("- "):
            yield n - len(block), block, found[1]
            block = []
        elif line.startswith("- ") or (line.strip() and not line.startswith("  ")):
            yield n - len(block), block, None
            block = [line]
        else:
            block.append(line)
    yield len(lines), block, None


def _item(lines: Sequence[str], mark: str) -> dict[str, Any]:
    try:
        item = json.loads(mark)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(item, dict):
        return {}
    note, words = item.pop("note", ""), "\n".join([lines[0][2:], *lines[1:]]).rstrip()
    words = words.removesuffix(f" ({note})") if note else words
    changed = item.pop("words", "") != _digest(words)
    text = item.pop("text", None)
    if changed or text is None:
        text = _read(words)
    return {**_DEFAULTS, **item, "text": text, "changed": changed}


def _shown(text: str) -> str:
    """Return words so that they are one point, and no comment."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _OPEN.sub(r"\1\\<!--", "\n  ".join(lines))


def _read(words: str) -> str:
    """Return the text of what is shown, as far as a file of lines has it."""
    lines = words.split("\n")
    text = "\n".join([lines[0], *(line.removeprefix("  ") for line in lines[1:])])
    return _HIDDEN.sub(r"\1", text).strip()


def _digest(words: str) -> str:
    """Return what tells whether a hand has changed words; white space does not count."""
    return blake2b(" ".join(words.split()).encode(), digest_size=4).hexdigest()


_NEVER = object()
