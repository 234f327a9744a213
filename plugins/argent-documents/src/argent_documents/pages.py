"""The words in web pages, and in books that are made of them (EPUB 3.3, W3C)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from argent_documents.archive import ends, local, opened
from argent_documents.unreadable import Unreadable

_SILENT = ("script", "style", "template", "noscript", "svg", "math")
_APART = (
    *("p", "div", "section", "article", "header", "footer", "li", "tr", "br", "hr", "title"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "ul", "ol", "dt", "dd"),
)
_CONTAINER = "META-INF/container.xml"


def page(path: Path) -> Iterator[str]:
    """Read a web page."""
    yield _words(path.read_bytes())


def book(path: Path) -> Iterator[str]:
    """Read the chapters of a book, in order."""
    with opened(path) as archive:
        roots = [
            root for e in ends(archive, _CONTAINER) if (root := e.get("full-path")) is not None
        ]
        if not roots:
            raise Unreadable("the document is damaged")
        files: dict[str, str] = {}
        spine: list[str] = []
        for element in ends(archive, roots[0]):
            if local(element) == "item":
                files[element.get("id", "")] = unquote(element.get("href", ""))
            elif local(element) == "itemref":
                spine.append(element.get("idref", ""))
        folder = posixpath.dirname(roots[0])
        for name in (posixpath.normpath(posixpath.join(folder, files[id])) for id in spine):
            yield _words(archive.read(name)) + "\n\n"


def _words(data: bytes) -> str:
    reader = _Reader()
    reader.feed(_decoded(data))
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.said).split("\n"))
    return "\n".join(line for line in lines if line)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


class _Reader(HTMLParser):
    """Notes what a page says, with a new line where a browser would begin one."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Fall silent in what is not for people."""
        if tag in _SILENT:
            self._silent.append(tag)
        elif tag in _APART:
            self.said.append("\n")
        elif tag in ("td", "th"):
            self.said.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a new line; what has no content has no words either."""
        if tag in _APART:
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Speak again behind it."""
        if tag in self._silent:
            del self._silent[self._silent.index(tag) :]
        elif tag in _APART:
            self.said.append("\n")

    def handle_data(self, data: str) -> None:
        """Note words; how the source is broken into lines means nothing."""
        if not self._silent:
            self.said.append(" ".join(data.split("\n")))
