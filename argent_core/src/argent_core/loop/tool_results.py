"""Results of tools, as a model is told them."""

from __future__ import annotations

from pathlib import Path

from argent_core import codec, safe_files
from argent_core.guard import attempt


def as_text(value: object) -> str:
    """Return a result in words."""
    return value if isinstance(value, str) else codec.dump(value)


def shorten(text: str, path: Path, *, limit: int) -> str:
    """Put a long result into a file; return how it begins, and where the file is."""
    outcome = attempt(_put_away, path, text.encode(errors="replace"))
    where = f"the whole result is in {path}" if outcome.error is None else "the rest is lost"
    return f"{text[: limit - 200]}\n[… {len(text)} characters in all; {where}]"


def _put_away(path: Path, raw: bytes) -> None:
    safe_files.make_folder(path.parent)
    safe_files.replace(path, raw)
