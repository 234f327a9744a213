"""Holds a conversation with one provider and one tier at a time."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import uv
from attrs import frozen

from benchmarks.model_server import replaying

_LEAST = ("argent_hookspecs", "argent_core", "argent_terminal")
_PAIRS = (
    ("ollama", "local"),
    ("anthropic", "fast"),
    ("openai", "balanced"),
    ("anthropic", "powerful"),
)
_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "anthropic": {"baseUrl": "{url}", "apiKey": "null"},
    "ollama": {"baseUrl": "{url}"},
    "openai": {"baseUrl": "{url}/v1"},
}


@click.command()
@click.argument("wheels", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(wheels: Path) -> None:
    """Hold a conversation in an empty environment for a provider and a tier at a time.

    \b
    Example:
      uv build --all-packages --wheel --out-dir wheels
      python -m tests.swapping wheels
    """
    with replaying() as url, tempfile.TemporaryDirectory() as folder:
        for provider, tier in _PAIRS:
            build = Build(Path(folder) / f"{provider}-{tier}")
            build.install(wheels, f"argent_{provider}", f"argent_tier_{tier}")
            for name, value in _SETTINGS[provider].items():
                build.argent("config", "set", f"plugins.{provider}.{name}", value.format(url=url))
            build.argent("config", "set", f"plugins.tier-{tier}.provider", provider)
            build.argent("config", "set", f"plugins.tier-{tier}.model", "m")
            answer = build.argent("chat", "--message", "Hello! Who are you?")
            click.echo(f"argent-{provider}, argent-tier-{tier}: {answer:.60}")


@frozen
class Build:
    """An environment of its own, with a home of its own."""

    folder: Path

    def install(self, wheels: Path, *more: str) -> None:
        """Install the least that a conversation needs, and these packages."""
        found = [next(wheels.glob(f"{name}-*.whl")) for name in (*_LEAST, *more)]
        tool = uv.find_uv_bin()
        self._run(tool, "venv", "--quiet", self._environment)
        self._run(tool, "pip", "install", "--quiet", "--python", self._python, *found)

    def argent(self, *words: str) -> str:
        """Run the command and return what it says. Raises ``SystemExit`` if it fails."""
        said = self._run(self._environment / "bin" / "argent", *words).strip()
        if not said:
            raise SystemExit(f"argent {' '.join(words)} says nothing")
        return said

    @property
    def _environment(self) -> Path:
        return self.folder / "environment"

    @property
    def _python(self) -> Path:
        return self._environment / "bin" / "python"

    def _run(self, *command: Any) -> str:
        self.folder.mkdir(exist_ok=True)
        strange = {name for name in os.environ if name.startswith(("ARGENT_", "XDG_", "PYTHON"))}
        kept = {name: value for name, value in os.environ.items() if name not in strange}
        done = subprocess.run(
            [str(word) for word in command],
            env={**kept, "HOME": str(self.folder)},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        return done.stdout


if __name__ == "__main__":
    main()
