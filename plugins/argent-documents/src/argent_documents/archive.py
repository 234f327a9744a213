"""Archives: documents that are ZIP files of XML files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from zipfile import ZipFile

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from argent_documents.unreadable import Unreadable

_MOST_BYTES = 200_000_000


@contextmanager
def opened(path: Path) -> Iterator[ZipFile]:
    """Open an archive, unless it holds too much or says that it is locked."""
    with ZipFile(path) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > _MOST_BYTES:
            raise Unreadable("the document is far larger than it seems")
        if any(member.flag_bits & 1 for member in members):
            raise Unreadable("the document is locked with a password")
        yield archive


def ends(archive: ZipFile, name: str) -> Iterator[Element]:
    """Return the elements of an XML file as they end, without entities or a DTD."""
    try:
        with archive.open(name) as file:
            parsed: Iterable[Any] = iterparse(file, events=("end",), forbid_dtd=True)
            for _, element in parsed:
                yield element
    except (ParseError, DefusedXmlException) as error:
        raise Unreadable("the document is damaged") from error


def local(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def forget(element: Element) -> None:
    """Let go of what is in an element that was read; what follows it stays."""
    tail = element.tail
    element.clear()
    element.tail = tail
