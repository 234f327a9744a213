"""OpenClaw: the files of its workspace, which are its memory, or the index that it makes of them.

What is written there is written by the agent as often as by the person, and nobody can tell whose
line it is: so all of it is taken in as a paired one's word, never as the owner's. The files are
those of https://docs.openclaw.ai/concepts/memory; the index is SQLite, with the pieces of the files
in a table ``chunks``.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from argent_hookspecs import MemoryKind, Trust
from argent_memo.imports import notes
from argent_memo.imports.notes import Shelf
from argent_memo.imports.records import Broken, ImportRefused, Records, Wish, when

_FILES = {
    "MEMORY.md": MemoryKind.SEMANTIC,
    "memory.md": MemoryKind.SEMANTIC,
    "USER.md": MemoryKind.PERSON,
    "SOUL.md": MemoryKind.PROCEDURAL,
}
_SPEAKER = "OpenClaw"


def is_workspace(folder: Path) -> bool:
    """Tell whether a folder is OpenClaw's workspace, or has it in it."""
    return (_workspace(folder) / "SOUL.md").is_file() and (_workspace(folder) / "memory").is_dir()


def read(wish: Wish) -> Records:
    """Return what stands in a workspace or in an index."""
    if not wish.path.is_dir():
        yield from _index(wish)
        return
    folder = _workspace(wish.path)
    known = {path.name: path for path in folder.iterdir()}
    for name, kind in _FILES.items():
        if name in known:  # where case does not count, it is there under one name
            yield from notes.file(known[name], _shelf(name, wish, kind=kind))
    for path in notes.walk(folder / "memory"):
        name = path.relative_to(folder).as_posix()
        yield from notes.file(path, _shelf(name, wish, kind=MemoryKind.EPISODIC))


def _workspace(folder: Path) -> Path:
    inner = folder / "workspace"
    return inner if inner.is_dir() else folder


def _shelf(name: str, wish: Wish, *, kind: MemoryKind) -> Shelf:
    return Shelf(
        form="openclaw",
        folder=_workspace(wish.path),  # or the index itself
        name=name,
        wish=wish,
        kind=kind,
        trust=Trust.PAIRED,
        speaker=_SPEAKER,
    )


def _index(wish: Wish) -> Records:
    try:
        with closing(
            sqlite3.connect(
                f"{wish.path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
            )
        ) as file:
            for path, text, changed in file.execute(_CHUNKS):
                if not isinstance(path, str) or not isinstance(text, str):
                    yield Broken(f"a piece of {path!r:.80} is no text")
                    continue
                shelf = _shelf(path, wish, kind=MemoryKind.EPISODIC)
                yield from notes.memories(text, shelf, said_at=when(changed / 1000))
    except (sqlite3.Error, OSError, ValueError, TypeError) as error:
        raise ImportRefused(f"{wish.path.name} is no index of OpenClaw's: {error}") from error


_CHUNKS = "SELECT path, text, updated_at FROM chunks ORDER BY path, start_line"
