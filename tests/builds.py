"""Small builds: an environment of its own for some packages, and a home of its own beside it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uv
from attrs import Factory, field, frozen


@frozen
class Build:
    """An environment of its own, with a home of its own.

    Args:
        folder: Where both are.
        tool: uv's program.
        place: The environment of another, in place of its own.
    """

    folder: Path
    tool: str = field(default=Factory(uv.find_uv_bin))
    place: Path | None = None

    def install(self, wheels: Path, *packages: str, seed: bool = False) -> None:
        """Make the environment, and install packages into it.

        Args:
            wheels: The folder of the members' wheels.
            packages: Members by the names of their packages.
            seed: Whether pip is there too.
        """
        found = [next(wheels.glob(f"{name}-*.whl")) for name in packages]
        seeds = ("--seed",) if seed else ()
        self.run(self.tool, "venv", "--quiet", *seeds, self.environment)
        self.run(self.tool, "pip", "install", "--quiet", "--python", self.program("python"), *found)

    def settle(self, settings: Mapping[str, Any]) -> None:
        """Write its settings, and make sure that it takes them."""
        self.home.mkdir(mode=0o700)
        (self.home / "argent.json").write_text(json.dumps(settings), "utf-8")
        self.argent("config", "check")

    def argent(self, *words: str, status: int = 0) -> str:
        """Run the command and return what it says. Raises ``SystemExit`` if it ends otherwise.

        Args:
            status: What it is to exit with; if it is not 0, its complaint is returned too.
        """
        said = self.run(self.program("argent"), *words, status=status).strip()
        if not said:
            raise SystemExit(f"argent {' '.join(words)} says nothing")
        return said

    def run(self, *command: Any, status: int = 0, cwd: Path | None = None) -> str:
        """Run a program and return what it says. Raises ``SystemExit`` if it ends otherwise."""
        self.folder.mkdir(exist_ok=True)
        done = subprocess.run(
            [str(word) for word in command],
            env=self.variables,
            cwd=cwd or self.folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode != status:
            raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        return done.stdout + (done.stderr if status else "")

    def program(self, name: str) -> Path:
        """Return where a program of the environment is."""
        return self.environment / "bin" / name

    @property
    def environment(self) -> Path:
        """The virtual environment."""
        return self.place or self.folder / "environment"

    @property
    def home(self) -> Path:
        """The home of its agent."""
        return self.folder / ".argent"

    @property
    def variables(self) -> dict[str, str]:
        """The variables of its processes: nothing of ours, and a ``HOME`` of its own."""
        strange = {name for name in os.environ if name.startswith(("ARGENT_", "XDG_", "PYTHON"))}
        kept = {name: value for name, value in os.environ.items() if name not in strange}
        return {**kept, "HOME": str(self.folder)}
