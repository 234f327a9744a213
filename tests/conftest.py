"""What the tests across distributions stand on: the checkout, its members and their source."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tests.builds import Build

ROOT = Path(__file__).resolve().parent.parent
AUTHORS = ("argent_hookspecs", "argent_core", "argent_testing")


@frozen
class Member:
    """A distribution of the workspace."""

    folder: Path
    project: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.project["name"])

    @property
    def package(self) -> str:
        return self.name.replace("-", "_")

    @property
    def is_plugin(self) -> bool:
        return self.folder.parent.name == "plugins"


@frozen
class Source:
    """A file of a distribution, parsed."""

    member: Member
    path: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return Path(self.path).name


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "newcomer: goes the newcomer's way in a fresh clone")


def pytest_xdist_auto_num_workers() -> int | None:
    """Work at one file more than there are processors: many tests wait, for time or a process."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return processors + 1


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def members(root: Path) -> list[Member]:
    workspace = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["uv"][
        "workspace"
    ]
    folders = [
        root,
        *(folder for glob in workspace["members"] for folder in sorted(root.glob(glob))),
    ]
    return [
        Member(folder, tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"])
        for folder in folders
    ]


@pytest.fixture(scope="session")
def sources(root: Path, members: list[Member]) -> list[Source]:
    found = []
    for member in members:
        for file in sorted((member.folder / "src").rglob("*.py")):
            text = file.read_text("utf-8")
            path = file.relative_to(root).as_posix()
            found.append(Source(member, path, text, ast.parse(text, path)))
    return found


@pytest.fixture(scope="session")
def committed_texts(root: Path) -> dict[str, str]:
    """Every text file that git knows, by path."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    texts = {}
    for name in listing.split("\0"):
        file = root / name
        if file.is_file() and b"\0" not in (content := file.read_bytes()):
            texts[name] = content.decode("utf-8")
    return texts


@pytest.fixture(scope="session")
def wheel_folder(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one wheel of every member, made without a network."""
    folder = tmp_path_factory.mktemp("wheels")
    uv = Path(sys.executable).with_name("uv")
    options = ("--quiet", "--offline", "--all-packages", "--wheel", "--out-dir", str(folder))
    subprocess.run([str(uv), "build", *options], cwd=root, check=True)
    return folder


@pytest.fixture(scope="session")
def author(wheel_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """What an author of plugins has installed, from wheels: the kernel and the kit."""
    build = Build(tmp_path_factory.mktemp("author"))
    build.install(wheel_folder, *AUTHORS, seed=True)
    return build
