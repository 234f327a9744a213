"""The words in office documents.

Office Open XML is ECMA-376 (part 1, §17 WordprocessingML, §18 SpreadsheetML, §21 DrawingML),
OpenDocument is OASIS ODF 1.3 (part 3). Only the text is of interest here, and that is a handful of
elements; libraries that know all of them bring megabytes, and trust what they read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element
from zipfile import ZipFile

from argent_documents.archive import ends, forget, local, opened

_MOST_SPACES = 100


def word(path: Path) -> Iterator[str]:
    """Read a Word document: its text, then its notes."""
    with opened(path) as archive:
        there = archive.namelist()
        for name in ("word/document.xml", "word/footnotes.xml", "word/endnotes.xml"):
            if name == "word/document.xml" or name in there:
                yield from _drawn(archive, name)


def slides(path: Path) -> Iterator[str]:
    """Read the slides of a presentation, in order."""
    with opened(path) as archive:
        for name in _numbered(archive, r"ppt/slides/slide(\d+)\.xml"):
            yield from _drawn(archive, name)
            yield "\n"


def sheet(path: Path) -> Iterator[str]:
    """Read a workbook, row after row, with tabs between the cells."""
    with opened(path) as archive:
        shared: list[str] = []
        if "xl/sharedStrings.xml" in archive.namelist():
            for element in ends(archive, "xl/sharedStrings.xml"):
                if local(element) == "si":
                    shared.append(_texts(element))
                    forget(element)
        for name in _numbered(archive, r"xl/worksheets/sheet(\d+)\.xml"):
            for element in ends(archive, name):
                if local(element) == "row":
                    yield "\t".join(_cell(cell, shared) for cell in element) + "\n"
                    forget(element)
            yield "\n"


def open_document(path: Path) -> Iterator[str]:
    """Read a text, a workbook or a presentation in OpenDocument."""
    with opened(path) as archive:
        for element in ends(archive, "content.xml"):
            match local(element):
                case "s":
                    count = next((v for k, v in element.items() if k.endswith("}c")), "1")
                    spaces = int(count) if count.isdecimal() else 1
                    element.text = " " * min(spaces, _MOST_SPACES)
                case "tab":
                    element.text = "\t"
                case "line-break":
                    element.text = "\n"
                case "p" | "h":
                    text = "".join(element.itertext())
                    forget(element)
                    yield f"{text}\n" if text else ""


def _drawn(archive: ZipFile, name: str) -> Iterator[str]:
    """Read what WordprocessingML and DrawingML have in common."""
    for element in ends(archive, name):
        match local(element):
            case "t":
                yield element.text or ""
            case "tab":
                yield "\t"
            case "br" | "p":
                yield "\n"
        if local(element) == "p":
            forget(element)


def _numbered(archive: ZipFile, pattern: str) -> list[str]:
    found = [re.fullmatch(pattern, name) for name in archive.namelist()]
    return [m[0] for m in sorted(filter(None, found), key=lambda m: int(m[1]))]


def _cell(cell: Element, shared: list[str]) -> str:
    kind = cell.get("t", "")
    if kind == "inlineStr":
        return _texts(cell)
    value = next((child.text or "" for child in cell if local(child) == "v"), "")
    if kind != "s":
        return value
    place = int(value) if value.isdecimal() else len(shared)
    return shared[place] if place < len(shared) else ""


def _texts(element: Element) -> str:
    return "".join(child.text or "" for child in element.iter() if local(child) == "t")
