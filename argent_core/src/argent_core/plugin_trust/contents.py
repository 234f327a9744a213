"""What a distribution brings, by the list of its files, and whether they are as that list says.

RECORD: https://packaging.python.org/en/latest/specifications/recording-installed-packages/.
"""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from attrs import asdict, field, frozen

from argent_core.plugin_trust.installed import Installed

_COMPILED = (".so", ".pyd", ".dylib", ".dll")
_SCRIPTS = ("bin", "Scripts")
_CODE = (".py", ".pth", *_COMPILED)
_INFO = (".dist-info", ".egg-info", ".data")
_CHUNK = 1 << 20


@frozen
class Row:
    """A line of a RECORD.

    Args:
        path: From the folder that the interpreter imports from.
        algorithm: That of the hash; empty without one.
        digest: The hash, in URL-safe base64 without padding.
    """

    path: PurePosixPath
    algorithm: str = ""
    digest: str = ""

    @property
    def top(self) -> str:
        """The first part of its path."""
        return self.path.parts[0] if self.path.parts else ""

    @property
    def is_information(self) -> bool:
        """Whether it belongs to what installers write down, or is made from another file."""
        return self.top.endswith(_INFO) or self.path.suffix == ".pyc"

    @property
    def leaves(self) -> bool:
        """Whether it is outside of the folder that the interpreter imports from."""
        return self.path.is_absolute() or ".." in self.path.parts

    @property
    def is_compiled(self) -> bool:
        """Whether it is code for a processor."""
        return self.path.suffix in _COMPILED or ".so" in self.path.suffixes


@frozen(kw_only=True)
class Contents:
    """What a distribution brings.

    Args:
        packages: Its folders of modules.
        modules: Modules that stand in no folder.
        startup: ``.pth`` files with code, which runs whenever the interpreter starts.
        paths: ``.pth`` files that only name folders to import from.
        scripts: Commands.
        data: Other files outside of the import path.
        compiled: Code for a processor, which nobody can read.
        shared: Its folders that other distributions write into, too, and who does.
        bytes: Size of all of it.
    """

    packages: list[str] = field(factory=list)
    modules: list[str] = field(factory=list)
    startup: list[str] = field(factory=list)
    paths: list[str] = field(factory=list)
    scripts: list[str] = field(factory=list)
    data: list[str] = field(factory=list)
    compiled: list[str] = field(factory=list)
    shared: dict[str, list[str]] = field(factory=dict)
    bytes: int = 0

    @property
    def outside(self) -> list[str]:
        """All files that are not in a package of its own."""
        return sorted([*self.modules, *self.startup, *self.paths, *self.scripts, *self.data])

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {**asdict(self), "outside": self.outside}


def rows(installed: Installed) -> list[Row]:
    """Read the RECORD of a distribution; empty if it has none."""
    found = []
    for cells in csv.reader(io.StringIO(installed.record or "")):
        if cells and cells[0]:
            algorithm, _, digest = (cells[1] if len(cells) > 1 else "").partition("=")
            found.append(Row(PurePosixPath(cells[0].replace("\\", "/")), algorithm, digest))
    return found


def contents(installed: Installed, folders: Mapping[str, Iterable[str]]) -> Contents:
    """Say what a distribution brings.

    Args:
        folders: Who writes into each folder of modules, of all that is installed.
    """
    found = Contents(bytes=_size(installed))
    for row in rows(installed):
        path = str(row.path)
        if row.is_compiled:
            found.compiled.append(path)
        if row.leaves:
            (found.scripts if row.path.parent.name in _SCRIPTS else found.data).append(path)
        elif row.is_information:
            continue
        elif len(row.path.parts) > 1:
            if row.top not in found.packages:
                found.packages.append(row.top)
        elif row.path.suffix == ".pth":
            (found.startup if _runs(installed.folder / path) else found.paths).append(path)
        else:
            found.modules.append(path)
    for folder in found.packages:
        others = [name for name in folders.get(folder, ()) if name != installed.name]
        if others:
            found.shared[folder] = sorted(others)
    return found


def _runs(path: Path) -> bool:
    """Tell whether a ``.pth`` file holds code: https://docs.python.org/3/library/site.html."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return True
    return any(line.startswith(("import ", "import\t")) for line in lines)


def writers(installed: Iterable[Installed]) -> dict[str, list[str]]:
    """Say who writes into which folder of modules."""
    found: dict[str, list[str]] = {}
    for one in installed:
        tops = {
            row.top
            for row in rows(one)
            if len(row.path.parts) > 1 and not row.leaves and not row.is_information
        }
        for top in tops:
            found.setdefault(top, []).append(one.name)
    return found


def differences(installed: Installed) -> list[str]:
    """Compare the files of a distribution with their hashes; say what is wrong.

    Code in its own folders that RECORD does not list is wrong, too. What Python has compiled from
    it (``.pyc``) has no hash, and cannot be checked.
    """
    listed = rows(installed)
    wrong = [words for row in listed if (words := _difference(installed.folder, row))]
    known = {str(row.path) for row in listed}
    own = {row.top for row in listed if len(row.path.parts) > 1 and not row.leaves}
    for top in sorted(own - {"__pycache__"}):
        wrong += [f"{path} is not listed" for path in _code(installed.folder, top, known)]
    return wrong


def _difference(folder: Path, row: Row) -> str:
    if not row.digest:
        return ""
    path = Path(os.path.normpath(folder / row.path))
    try:
        with path.open("rb") as file:
            digest = hashlib.new(row.algorithm)
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        wanted = base64.urlsafe_b64decode(row.digest + "=" * (-len(row.digest) % 4))
    except FileNotFoundError:
        return f"{row.path} is missing"
    except OSError as error:
        return f"{row.path} cannot be read ({error.strerror})"
    except (ValueError, binascii.Error):
        return f"{row.path} has a hash that cannot be checked"
    return "" if digest.digest() == wanted else f"{row.path} is not as it was installed"


def _code(folder: Path, top: str, known: set[str]) -> Iterator[str]:
    for path in sorted((folder / top).rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix in _CODE and name not in known and path.is_file():
            yield name


def _size(installed: Installed) -> int:
    total = 0
    for row in rows(installed):
        try:
            total += (installed.folder / row.path).stat().st_size
        except OSError:  # gone, which a check of the files says
            continue
    return total
