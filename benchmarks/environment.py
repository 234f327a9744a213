"""Clean environments to measure in: this checkout's wheels, and plugins of no use, installed.

They are made as a person makes them: a virtual environment of its own, installed from wheels, with
compiled bytecode (``pip install`` compiles by default), and nothing of the caller's environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parent.parent

BUILD = (
    "argent",
    "argent_basics",
    "argent_core",
    "argent_hookspecs",
    "argent_llama",
    "argent_terminal",
)
"""What is installed: the build that a newcomer gets."""

_PLUGIN = '''
"""A plugin that is only there."""

from argent_hookspecs import Plugin, Tool, hookimpl


@hookimpl
def argent_plugin():
    return Plugin(summary="Number {number}.")


@hookimpl
def argent_tools(ctx):
    async def run() -> str:
        """Do nothing."""
        return ""

    yield Tool(id="tiny{number}", description="Do nothing.", run=run)
'''

_COMMAND = '''
"""A command that is only there."""

import click


@click.command()
def command():
    """Do nothing, number {number}."""
'''

_METADATA = "Metadata-Version: 2.1\nName: argent-tiny-{number}\nVersion: 1.0\n"
_WHEEL = "Wheel-Version: 1.0\nGenerator: benchmark\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_ENTRY_POINTS = """
[argent]
tiny-{number} = argent_tiny_{number}
[argent.commands]
tiny-{number} = argent_tiny_{number}.command:command
"""


@frozen
class Environment:
    """An environment with nothing in it but Argent.

    Args:
        folder: Where it is, and where the person who uses it has their home.
    """

    folder: Path

    @property
    def python(self) -> str:
        """The interpreter."""
        return str(self.folder / "bin" / "python")

    @property
    def argent(self) -> str:
        """The command."""
        return str(self.folder / "bin" / "argent")

    @property
    def home(self) -> Path:
        """Where Argent puts its things, since nobody tells it otherwise."""
        ask = "from argent_core.paths import Home; print(Home.find().root)"
        return Path(self.run(self.python, "-c", ask).rstrip())

    @property
    def variables(self) -> dict[str, str]:
        """The variables of its processes: none that change how Python or Argent start."""
        alien = ("ARGENT_", "PYTHON", "VIRTUAL_ENV", "XDG_", "UV_", "LD_PRELOAD")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(alien)}
        return {**kept, "HOME": str(self.folder / "home")}

    def run(self, *words: str) -> str:
        """Run a command in it; return what it prints."""
        done = subprocess.run(
            words,
            env=self.variables,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout


def build_wheels(folder: Path, plugins: int) -> list[Path]:
    """Build the wheels of this checkout, and those of plugins of no use; return the latter."""
    _uv("build", "--all-packages", "--wheel", "--out-dir", str(folder), folder=ROOT)
    return [_tiny_wheel(folder, f"{number:02}") for number in range(plugins)]


def install(folder: Path, wheels: Path, *, beside: Iterable[Path] = ()) -> Environment:
    """Make an environment of the full build.

    Args:
        wheels: Folder of the checkout's wheels.
        beside: Further wheels.
    """
    environment = Environment(folder)
    _uv("venv", "--python", sys.executable, str(folder), folder=wheels)
    (folder / "home").mkdir()
    ours = [next(wheels.glob(f"{name}-*.whl")) for name in BUILD]
    options = ["--python", environment.python, "--compile-bytecode"]
    paths = [str(path) for path in (*ours, *beside)]
    try:  # what is needed was installed here a moment ago, so that it mostly needs no network
        _uv("pip", "install", "--offline", *options, *paths, folder=wheels)
    except subprocess.CalledProcessError:
        _uv("pip", "install", *options, *paths, folder=wheels)
    return environment


def make_environment(folder: Path, requirements: Iterable[str]) -> str:
    """Make an environment with distributions of the index in it; return its interpreter."""
    folder.mkdir()
    python = str(folder / "bin" / "python")
    _uv("venv", "--python", sys.executable, "--clear", str(folder), folder=folder)
    _uv("pip", "install", "--python", python, *requirements, folder=folder)
    return python


def _uv(*words: str, folder: Path) -> None:
    beside = shutil.which("uv", path=str(Path(sys.executable).parent))
    uv = os.environ.get("UV") or beside or shutil.which("uv") or "uv"
    subprocess.run([uv, *words, "--quiet"], cwd=folder, check=True, stdout=sys.stderr)


def _tiny_wheel(folder: Path, number: str) -> Path:
    path = folder / f"argent_tiny_{number}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        files = dict(_tiny_files(number))
        for name, text in files.items():
            wheel.writestr(name, text.replace("{number}", number).lstrip("\n"))
        record = f"argent_tiny_{number}-1.0.dist-info/RECORD"
        wheel.writestr(record, "".join(f"{name},,\n" for name in (*files, record)))
    return path


def _tiny_files(number: str) -> Iterator[tuple[str, str]]:
    package, info = f"argent_tiny_{number}", f"argent_tiny_{number}-1.0.dist-info"
    yield f"{package}/__init__.py", _PLUGIN
    yield f"{package}/command.py", _COMMAND
    yield f"{info}/METADATA", _METADATA
    yield f"{info}/WHEEL", _WHEEL
    yield f"{info}/entry_points.txt", _ENTRY_POINTS
