"""Results of tools: what a model is told of them, and what goes with the answer."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from argent_core import codec, safe_files
from argent_core.guard import attempt
from argent_hookspecs import File, FromOutside, WithFiles


@frozen(kw_only=True)
class Outcome:
    """What came of a call.

    Args:
        text: For the model.
        state: ``done``, ``failed`` or ``unknown``.
        outside: Whether content from outside is in it.
        files: What goes with the answer.
    """

    text: str
    state: str
    outside: bool = False
    files: tuple[File, ...] = ()


def returned(value: object, *, outside: bool) -> Outcome:
    """Return the outcome of a call by what its tool returned; raises what cannot be written."""
    files: tuple[File, ...] = ()
    if isinstance(value, WithFiles):
        files = tuple(value.files)
        value = value.text
    outside = outside or isinstance(value, FromOutside)
    text = "\n".join([_as_text(value), *map(_named, files)])
    return Outcome(text=text, state="done", outside=outside, files=files)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else codec.dump(value)


def _named(file: File) -> str:
    name = file.name or "a file without a name"
    return f"[{name} ({file.media_type}, {file.size} bytes) is sent with your answer]"


def shorten(text: str, path: Path, *, limit: int) -> str:
    """Put a long result into a file; return how it begins, and where the file is."""
    outcome = attempt(_put_away, path, text.encode(errors="replace"))
    where = f"the whole result is in {path}" if outcome.error is None else "the rest is lost"
    return f"{text[: limit - 200]}\n[… {len(text)} characters in all; {where}]"


def _put_away(path: Path, raw: bytes) -> None:
    safe_files.make_folder(path.parent)
    safe_files.replace(path, raw)
