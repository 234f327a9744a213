"""Memory that nothing needs any more, given back to the system where it can be: on Linux."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

_MAPPED = Path("/proc/self/smaps")
_DONTNEED = 4
"""Advice to ``madvise`` (Linux, ``mman-common.h``): what is needed again is read again."""


def give_back() -> None:
    """Give back what was freed."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def give_back_code(library: str) -> None:
    """Give back the code of a library that only its start ran; what runs again comes back.

    Args:
        library: A part of its file's name.
    """
    if sys.platform != "linux":
        return
    try:
        shown = _MAPPED.read_text("utf-8", "surrogateescape")
    except OSError:
        return
    for start, end in _unchanged_code(shown, library):
        ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _DONTNEED)


def _unchanged_code(shown: str, library: str) -> Iterator[tuple[int, int]]:
    """Find code that is as it stands in the file; see ``/proc/pid/smaps`` in proc(5)."""
    start = end = 0
    for line in shown.splitlines():
        key, *words = line.split()
        if not key.endswith(":"):
            is_code = words[0] == "r-xp" and library in words[-1].rpartition("/")[2]
            start, end = (int(place, 16) for place in key.split("-")) if is_code else (0, 0)
        elif key == "Anonymous:" and end and words[0] == "0":
            yield start, end
