"""The words in PDF files, through pypdf."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pypdf import PdfReader
from pypdf.errors import DependencyError, PyPdfError

from argent_documents.unreadable import Unreadable

_MOST_PAGES = 2000
_LOCKED = "the document is locked with a password"


def pdf(path: Path) -> Iterator[str]:
    """Read page after page."""
    found = False
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable(_LOCKED)
        for number, page in enumerate(reader.pages):
            if number == _MOST_PAGES:
                break
            text = page.extract_text().strip()
            found = found or bool(text)
            yield f"{text}\n\n"
    except DependencyError as error:
        raise Unreadable(_LOCKED) from error
    except (PyPdfError, RecursionError) as error:
        if not found:
            raise Unreadable("the document is damaged") from error
    if not found:
        raise Unreadable("it has no words, only pictures of pages, as a scan has")
