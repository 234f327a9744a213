"""Projects of new plugins: what ``argent plugins new`` writes."""

from __future__ import annotations

import importlib.util
import keyword
import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from string import Template
from typing import Any

from attrs import frozen

import argent_hookspecs
from argent_hookspecs import ArgentError

KINDS: Mapping[str, str] = {
    "channel": "Talk with the agent over $title.",
    "context-provider": "Tells the agent about $title.",
    "event-source": "Wakes the agent when something happens at $title.",
    "model-provider": "Models of $title.",
    "output-handler": "Lets the agent's answers out to $title.",
    "service": "Lets other plugins ask $title.",
    "tool": "Lets the agent use $title.",
}
"""What a project can be begun for, and what its plugin says of itself at first."""

LONGEST_NAME = 40
TAKEN = frozenset({"core", "hookspecs", "testing"})

_TEMPLATES = Path(__file__).parent / "templates"
_ENDING = ".template"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class ProjectRefused(ArgentError):
    """Report that no project is written: what is wrong with its name, or is in its way."""


@frozen
class Project:
    """A project that was written.

    Args:
        folder: Where it is.
        files: What is in it, from there.
    """

    folder: Path
    files: tuple[PurePosixPath, ...]

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that come next."""
        return (
            f"cd {shlex.quote(str(self.folder))}",
            "python -m pip install -e '.[dev]'",
            "python -m pytest -x",
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "folder": str(self.folder),
            "files": [str(path) for path in self.files],
            "next": list(self.commands),
        }


def write_project(kind: str, name: str, *, into: Path) -> Project:
    """Write the project of a plugin in a folder of its own, ``argent-NAME``.

    Args:
        kind: One of ``KINDS``.
        name: Of the plugin, in lower case.
        into: Where the folder is made.

    Raises:
        ProjectRefused: The name cannot be used, or something is in the way.
    """
    if kind not in KINDS:
        raise ProjectRefused(f'There is no kind "{kind}". Choose one of {", ".join(KINDS)}.')
    words = _words(kind, _sound(name))
    texts = {path: Template(text).substitute(words) for path, text in _templates(kind, words)}
    folder = into.expanduser().resolve() / words["distribution"]
    try:
        folder.mkdir(parents=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ProjectRefused(
            f"{folder} cannot be made, since something is there already, and nothing is ever "
            "overwritten. Choose another name, or another folder with --into."
        ) from error
    for path, text in texts.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return Project(folder, tuple(sorted(texts)))


def _sound(name: str) -> str:
    """Return the name. Raises ``ProjectRefused`` if no plugin can be called so."""
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        likely = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")[:LONGEST_NAME]
        hint = f' How about "{likely}"?' if _NAME.fullmatch(likely) else ""
        raise ProjectRefused(
            f'"{name}" cannot be the name of a plugin: it takes lower case letters and digits, '
            f"with single hyphens between, {LONGEST_NAME} at most, and begins with a letter.{hint}"
        )
    if name == "argent" or name.startswith("argent-"):
        raise ProjectRefused(
            f'Leave "argent-" out of the name: "{name.removeprefix("argent-")}" becomes '
            f'"argent-{name.removeprefix("argent-")}" by itself.'
        )
    identifier = name.replace("-", "_")
    if keyword.iskeyword(identifier) or identifier in argent_hookspecs.__all__:
        raise ProjectRefused(f'"{name}" means something else in Python or in the contract already.')
    if name in TAKEN or importlib.util.find_spec(f"argent_{identifier}"):
        raise ProjectRefused(f"There is a package argent-{name} already. Choose another name.")
    return name


def _words(kind: str, name: str) -> dict[str, str]:
    """Return what is filled in."""
    parts = name.split("-")
    title = " ".join(part.capitalize() for part in parts)
    identifier = name.replace("-", "_")
    words = {
        "camel": "".join(part.capitalize() for part in parts),
        "constant": identifier.upper(),
        "distribution": f"argent-{name}",
        "identifier": identifier,
        "name": name,
        "package": f"argent_{identifier}",
        "title": title,
        "version": version("argent-hookspecs"),
        "year": str(datetime.now(UTC).year),
    }
    settings = (_TEMPLATES / kind / f"settings.md{_ENDING}").read_text("utf-8")
    return {
        **words,
        "settings": Template(settings).substitute(words),
        "summary": Template(KINDS[kind]).substitute(words),
    }


def _templates(kind: str, words: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, str]]:
    """Find the files of a project: where each goes, and its template."""
    for folder in (_TEMPLATES / "every", _TEMPLATES / kind):
        for file in sorted(folder.rglob(f"*{_ENDING}")):
            path = file.relative_to(folder).as_posix().removesuffix(_ENDING)
            if path != "settings.md":
                placed = path.replace("src/package/", f"src/{words['package']}/").replace(
                    "tests/test_plugin.py", f"tests/test_{words['identifier']}.py"
                )
                yield PurePosixPath(placed), file.read_text("utf-8")
