"""Notes in Markdown: a file, or a folder with all that is below it.

A paragraph or a point of a list is a memory, under the heading that it stands under. It is of the
day that the file's front matter or its name says, or else of when the file was written last.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Generator, Iterator
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from argent_hookspecs import MemoryKind, NewMemory, Trust
from argent_memo import pages
from argent_memo.imports.jsonl import Line
from argent_memo.imports.records import (
    MOST_PIECES,
    Broken,
    Found,
    ImportRefused,
    Records,
    Wish,
    clean,
    when,
)
from argent_memo.items import Place
from argent_memo.learned import pieces

_ENDINGS = (".md", ".markdown")
_LARGEST = 8 << 20
_MOST_FILES = 200_000
_LONGEST_HEADING = 100
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.{0,65536}?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_HEADING = re.compile(r"(#{1,6})\s+(.*)$")
_POINT = re.compile(r"(?:[-*+]|\d{1,9}[.)])\s+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATES = ("date", "created", "created_at", "updated")


@frozen(kw_only=True)
class Shelf:
    """What a file's memories have in common.

    Args:
        form: What it is imported as.
        folder: Where the file is: others have files that are called the same.
        name: The file, as its folder has it.
    """

    form: str
    folder: Path
    name: str
    wish: Wish
    kind: MemoryKind = MemoryKind.EPISODIC
    trust: Trust = Trust.OWNER
    speaker: str = ""

    @property
    def source(self) -> str:
        """Name of the file, unlike that of any other."""
        return f"{self.form}:{(self.folder.resolve() / self.name).as_posix()}"


def read(wish: Wish) -> Records:
    """Return what stands in a file or a folder."""
    base = wish.path if wish.path.is_dir() else wish.path.parent
    files = walk(base) if wish.path.is_dir() else iter([wish.path])
    for path in files:
        name = path.relative_to(base).as_posix()
        shelf = Shelf(form="markdown", folder=base, name=name, wish=wish, speaker=wish.owner)
        yield from file(path, shelf)


def exported(wish: Wish) -> Generator[Line, None, None]:
    """Return what stands there in pages that a memory has exported."""
    base = wish.path if wish.path.is_dir() else wish.path.parent
    for path in walk(base) if wish.path.is_dir() else iter([wish.path]):
        with suppress(OSError, ValueError):  # which is said of the file when the rest of it is read
            if not _may_be_exported(path):
                continue
            page = pages.read(clean(path.read_text("utf-8-sig")))
            name = path.relative_to(base).as_posix()
            for n, said in page.points:
                yield Line(f"{name}, line {n}", page.memory, said, "its comment cannot be read")


def _may_be_exported(path: Path) -> bool:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
        return False
    with path.open("rb") as start:
        return pages.HEAD.encode() in start.read(pages.HEAD_WITHIN)


def walk(folder: Path) -> Iterator[Path]:
    """Return the files below a folder; links lead elsewhere, and are not followed."""
    n = 0
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(_ENDINGS) and not name.startswith("."):
                n += 1
                if n > _MOST_FILES:
                    raise ImportRefused(f"there are more than {_MOST_FILES} files in {folder}")
                yield Path(top, name)


def file(path: Path, shelf: Shelf) -> Records:
    """Return what stands in a file, or that it cannot be read."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            yield Broken(f"{shelf.name}: it is a link or no file")
            return
        if status.st_size > _LARGEST:
            yield Broken(f"{shelf.name}: it is larger than {_LARGEST >> 20} MB")
            return
        text = clean(path.read_text("utf-8-sig"))
        said_at = _day_of(shelf.name, text) or when(status.st_mtime)
    except OSError as error:
        yield Broken(f"{shelf.name}: {error.strerror}")
        return
    except ValueError:  # UnicodeDecodeError is one
        yield Broken(f"{shelf.name}: it is no text in UTF-8")
        return
    rest = pages.read(text).rest if shelf.form == "markdown" else text  # for what is exported
    yield from memories(_FRONT.sub("", rest, count=1), shelf, said_at=said_at, whole=text)


def memories(
    text: str, shelf: Shelf, *, said_at: datetime | None, whole: str | None = None
) -> Records:
    """Return a text's memories.

    Args:
        whole: The file's text, if more stands in it.
    """
    place, again = shelf.source, dict[str, int]()
    stands_in = text if whole is None else whole
    plain = NewMemory(
        text="",
        kind=shelf.kind,
        speaker=shelf.speaker,
        said_at=said_at,
        source=place,
        trust=shelf.trust,
        audience=shelf.wish.audience,
    )
    for entry in entries(text):
        for piece in pieces(entry, most=MOST_PIECES):
            mark = blake2b(piece.encode(), digest_size=8).hexdigest()
            again[mark] = again.get(mark, 0) + 1
            key = f"{place}/{mark}/{again[mark]}"
            memory = evolve(plain, text=piece, key=key)
            yield Found(memory, Place(origin="import", name=place), shelf.name, stands_in)


def entries(text: str) -> Iterator[str]:
    """Return the paragraphs and points of a text, each after the heading that it stands under.

    >>> list(entries("# Ann\\n\\nIs my sister.\\n\\n## Food\\n- no peanuts\\n- tea,\\n  no milk"))
    ['Ann: Is my sister.', 'Food: no peanuts', 'Food: tea,\\n  no milk']
    """
    heading, block, fenced = "", list[str](), False

    def done() -> Iterator[str]:
        words = "\n".join(block).strip()
        block.clear()
        if words:
            yield f"{heading}: {words}" if heading else words

    for line in _COMMENT.sub("", text).splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        if fenced:
            block.append(line)
        elif found := _HEADING.match(line):
            yield from done()
            heading = found[2].rstrip().rstrip("#").rstrip().rstrip(":")[:_LONGEST_HEADING]
        elif not line.strip() or set(line.strip()) <= {"-", "*", "_"}:
            yield from done()
        elif found := _POINT.match(line):
            yield from done()
            block.append(line[found.end() :])
        else:
            block.append(line)
    yield from done()


def _day_of(name: str, text: str) -> datetime | None:
    """Return when a file says that it is of."""
    for value in (*_front_dates(text), *reversed(_DAY.findall(name))):
        try:
            if found := when(value):
                return found
        except ValueError:
            continue
    return None


def _front_dates(text: str) -> Iterator[Any]:
    import yaml

    found = _FRONT.match(text)
    try:
        front = yaml.safe_load(found[1]) if found else None
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    if isinstance(front, dict):
        yield from (front[key] for key in _DATES if key in front)
