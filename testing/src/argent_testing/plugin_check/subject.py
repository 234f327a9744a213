"""The plugin that is checked: its distribution, its source, and what it registers."""

from __future__ import annotations

import ast
import asyncio
import importlib
import json
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import (
    Distribution,
    EntryPoint,
    PackageNotFoundError,
    distribution,
    entry_points,
)
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from attrs import define, field, frozen

from argent_core.guard import attempt
from argent_core.kernel import Kernel
from argent_core.paths import Home
from argent_core.plugins import GROUP, InstalledPlugin, LoadedPlugin, installed_plugins, load
from argent_hookspecs import ArgentError, ConfigError
from argent_testing.kernels import write_config


@frozen
class SourceFile:
    """A module of the plugin.

    Args:
        name: Its path, from the folder that holds the package.
    """

    name: str
    tree: ast.Module


@define(eq=False)
class Subject:
    """A distribution with plugins in it.

    Args:
        distribution: What is installed.
        settings: The plugin's settings, if it needs some.
        project: The folder with its ``pyproject.toml``, if it is known.
    """

    distribution: Distribution
    settings: Mapping[str, Any] = field(factory=dict)
    project: Path | None = None

    @property
    def name(self) -> str:
        """Name of the distribution."""
        return self.distribution.name

    @cached_property
    def points(self) -> list[EntryPoint]:
        """The entry points of its plugins."""
        return [p for p in self.distribution.entry_points if p.group == GROUP]

    @cached_property
    def packages(self) -> list[str]:
        """The packages that its plugins are in."""
        return sorted({point.module.partition(".")[0] for point in self.points})

    @cached_property
    def folders(self) -> list[Path]:
        """The folders of those packages."""
        found = []
        for package in self.packages:
            spec = find_spec(package)
            found += [Path(one) for one in (spec and spec.submodule_search_locations) or ()]
        return found

    @cached_property
    def source(self) -> list[SourceFile]:
        """All modules, parsed."""
        return [one for folder in self.folders for one in parsed(folder, folder.parent)]

    @cached_property
    def plugins(self) -> list[LoadedPlugin]:
        """Its plugins, loaded as the kernel does."""
        return [load(installed) for installed in self._installed]

    @property
    def settings_classes(self) -> dict[str, type[Any]]:
        """The settings class of each plugin that has one."""
        return {p.name: p.record.settings for p in self.plugins if p.record.settings is not None}

    @cached_property
    def records(self) -> dict[str, tuple[Any, ...]]:
        """What each plugin registers, collected in a home of its own; nothing is opened.

        Raises:
            ArgentError: It does not come that far.
        """
        return asyncio.run(self._collect())

    @cached_property
    def readme(self) -> str:
        """Its README: the project's, or else the one that was packed."""
        if self.project is not None:
            for path in sorted(self.project.glob("README*")):
                return path.read_text(encoding="utf-8")
        return str(self.distribution.metadata.json.get("description", ""))

    @property
    def tests(self) -> list[Path]:
        """The folders of its tests that are there."""
        near = [self.project / "tests"] if self.project else []
        return [p for p in (*near, *(f / "tests" for f in self.folders)) if p.is_dir()]

    @property
    def _installed(self) -> Iterator[InstalledPlugin]:
        mine = {point.name for point in self.points}
        return (plugin for plugin in installed_plugins() if plugin.name in mine)

    async def _collect(self) -> dict[str, tuple[Any, ...]]:
        found = {}
        for plugin in self.plugins:
            with tempfile.TemporaryDirectory() as folder:
                home = Home(Path(folder) / "home")
                section = {plugin.name: dict(self.settings)} if self.settings else {}
                write_config(home, {"plugins": section} if section else {})
                async with Kernel(home, plugins=(), listening=False) as kernel:
                    found[plugin.name] = plugin.collect(kernel.context_of(plugin))
        return found


def find(target: str, settings: Mapping[str, Any] | None = None) -> Subject:
    """Find what is installed by the name of a distribution or plugin, or by a project's folder.

    Raises:
        ConfigError: There is no such thing, or no plugin in it.
    """
    folder = Path(target)
    project = folder.resolve() if (folder / "pyproject.toml").is_file() else None
    found = _installed_by(_project_name(project) if project else target)
    if found is None:
        how = f"pip install -e {target}" if project else f"pip install {target}"
        raise ConfigError(f"{target} is not installed here; install it first: {how}")
    subject = Subject(found, settings or {}, project or _checkout(found))
    if not subject.points:
        raise ConfigError(
            f"{found.name} brings no plugin: its pyproject.toml needs an entry point in the group "
            f"[project.entry-points.{GROUP}]"
        )
    return subject


def parsed(folder: Path, base: Path) -> Iterator[SourceFile]:
    """Parse all modules in a folder."""
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(base).as_posix()
        yield SourceFile(name, ast.parse(path.read_text(encoding="utf-8"), name))


def top_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the top-level package of each import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, (node.module or "").partition(".")[0]


def _project_name(folder: Path) -> str:
    content = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    name = content.get("project", {}).get("name")
    if not name:
        raise ConfigError(f"{folder / 'pyproject.toml'} has no project.name; write one there")
    return str(name)


def _installed_by(name: str) -> Distribution | None:
    if not re.fullmatch(r"[A-Za-z0-9][\w.\-]*", name):
        return None
    for point in entry_points(group=GROUP):
        if name in (point.name, point.module.partition(".")[0]):
            return point.dist
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _checkout(found: Distribution) -> Path | None:
    """Return the folder that a distribution was installed from, if it is still there."""
    text = found.read_text("direct_url.json")
    address = urlsplit(json.loads(text).get("url", "")) if text else None
    if address is None or address.scheme != "file":
        return None
    folder = Path(unquote(address.path))
    return folder if (folder / "pyproject.toml").is_file() else None


def loaded(subject: Subject) -> Iterator[str]:
    """Say why its plugins cannot be loaded; nothing if they can."""
    importlib.invalidate_caches()
    outcome = attempt(lambda: subject.plugins)
    if outcome.error is not None:
        words = str(outcome.error)
        kind = "" if isinstance(outcome.error, ArgentError) else type(outcome.error).__name__
        yield f"it cannot be loaded: {kind}{': ' if kind else ''}{words}"
