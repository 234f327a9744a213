"""Reading one document, in a process of its own that its parent ends when it takes too long.

It exits with 0 and the text, with 2 and the reason in words, or with 1 as Python does after an
error that nobody expected.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from zipfile import BadZipFile

from argent_documents.kinds import KINDS
from argent_documents.office import open_document, sheet, slides, word
from argent_documents.pages import book, page
from argent_documents.pdf import pdf
from argent_documents.unreadable import Unreadable

_READERS: Mapping[str, Callable[[Path], Iterator[str]]] = MappingProxyType(
    {
        "pdf": pdf,
        "page": page,
        "book": book,
        "word": word,
        "sheet": sheet,
        "slides": slides,
        "open": open_document,
    }
)


def main() -> None:
    """Read the document that the arguments name, and write its text."""
    path, media_type, characters, megabytes = sys.argv[1:5]
    _limit(int(megabytes) << 20)
    logging.disable()
    try:
        text = read(Path(path), media_type, characters=int(characters))
    except Unreadable as error:
        sys.stderr.write(str(error))
        raise SystemExit(2) from error
    except (BadZipFile, KeyError, UnicodeDecodeError) as error:
        sys.stderr.write("the document is damaged")
        raise SystemExit(2) from error
    sys.stdout.buffer.write(text.encode(errors="replace"))


def read(path: Path, media_type: str, *, characters: int) -> str:
    """Return the text of a document, up to so many characters."""
    said: list[str] = []
    room = characters
    for piece in _READERS[KINDS[media_type]](path):
        said.append(piece[:room])
        room -= len(piece)
        if room <= 0:
            break
    return "".join(said).strip()


def _limit(memory: int) -> None:
    """Take no more memory than that; Windows knows no such limit, and macOS none that holds."""
    try:
        import resource
    except ImportError:
        return
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
