"""What a new home is given: folders, a file of settings, and a workspace to fill in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from argent_core import config
from argent_core.paths import Home
from argent_core.remedies import remedy
from argent_core.safe_files import make_folder
from argent_hookspecs import ConfigError

PACKAGE = Path(__file__).parent
WORKSPACE_FILES = ("AGENTS.md", "SOUL.md", "USER.md", "TOOLS.md", "MEMORY.md", "HEARTBEAT.md")
CONFIG_FILES = ("argent.json", "models.json")

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_MIRRORED = re.compile(
    r"^<!-- mirror\b.*?(?:^<!-- end of mirror -->[ \t\r]*$|\Z)", re.DOTALL | re.MULTILINE
)
_MARKED = re.compile(r"^.*<!-- \d{1,18} [0-9a-f]{8} -->[ \t\r]*$", re.MULTILINE)


@frozen
class Prepared:
    """What was missing and is there now.

    Args:
        created: Files, in the order in which they were made.
        workspace: Folder of the workspace files.
    """

    created: tuple[Path, ...]
    workspace: Path


def prepare_home(home: Home) -> Prepared:
    """Make whatever a home lacks; nothing that is there is touched.

    Raises:
        ConfigError: The home cannot be used, or its settings are wrong.
    """
    home.create()
    created = list(_copy_missing("default_config", CONFIG_FILES, home.root))
    workspace = config.load(home).agent.workspace
    created += prepare_workspace(workspace)
    return Prepared(tuple(created), workspace)


def prepare_workspace(folder: Path) -> list[Path]:
    """Copy the workspace files that are missing, and return them."""
    for wanted in (folder, folder / "memory"):
        try:
            make_folder(wanted)
        except OSError as error:
            raise ConfigError(
                f"The workspace {wanted} cannot be made ({error.strerror}). {remedy(error)} Or "
                "choose another folder with `argent config set agent.workspace PATH`."
            ) from error
    return list(_copy_missing("workspace", WORKSPACE_FILES, folder))


def template(name: str) -> str:
    """Return a workspace file as a new home gets it."""
    return (PACKAGE / "workspace" / name).read_text(encoding="utf-8")


def without_comments(text: str) -> str:
    """Return a workspace file without its HTML comments, which are for people.

    What stands from a line ``<!-- mirror …`` to a line ``<!-- end of mirror -->`` is left out with
    them: a plugin shows there what it keeps, and tells it itself, where it may be told. So are
    lines that end in a mark as it puts there, ``<!-- 7 0a1b2c3d -->``, should the first be lost.

    >>> without_comments("# Notes\\n<!-- for you -->\\nLikes tea.")
    '# Notes\\n\\nLikes tea.'
    >>> without_comments("Mine.\\n<!-- mirror -->\\nKept.\\n<!-- end of mirror -->")
    'Mine.'
    >>> without_comments("Mine.\\n- Kept. <!-- 7 0a1b2c3d -->\\n")
    'Mine.'
    """
    return _COMMENT.sub("", _MARKED.sub("", _MIRRORED.sub("", text))).strip()


def is_empty(text: str) -> bool:
    """Say whether a workspace file holds nothing but headings and comments.

    >>> is_empty("# Memory\\n<!-- Facts worth keeping. -->\\n")
    True
    """
    lines = (line.strip() for line in without_comments(text).splitlines())
    return all(not line or line.startswith("#") for line in lines)


def _copy_missing(folder: str, names: tuple[str, ...], target: Path) -> Iterator[Path]:
    for name in names:
        path = target / name
        if not os.path.lexists(path):
            config.replace(path, (PACKAGE / folder / name).read_text(encoding="utf-8"))
            yield path
