"""Whether ``mypy --strict`` finds nothing in the plugin."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from argent_testing.plugin_check.report import Found, Rule
from argent_testing.plugin_check.subject import Subject

_MOST = 10
_LENIENT = ("[import-untyped]", "[import-not-found]")
"""Libraries without types are not the author's fault."""


def _look(subject: Subject) -> Found:
    if importlib.util.find_spec("mypy") is None:
        return Found(("mypy is not installed, so nothing is known; pip install mypy",))
    home = subject.project or Path.cwd()
    words = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context"]
    settings = _settings(subject.project)
    if settings is not None:
        words += ["--config-file", str(settings)]
        home = settings.parent
    else:
        words += ["--cache-dir", os.devnull]
    for package in subject.packages:
        words += ["-p", package]
    near = [str(folder.parent) for folder in subject.folders if "site-packages" not in folder.parts]
    environ = {**os.environ, "MYPYPATH": os.pathsep.join(near)}
    done = subprocess.run(words, cwd=home, env=environ, capture_output=True, text=True)
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    lines = [line for line in errors if not line.endswith(_LENIENT)]
    if done.returncode and not errors:
        lines = [(done.stderr or done.stdout).strip() or f"mypy ended with {done.returncode}"]
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return Found((*lines[:_MOST], *more))


def _settings(project: Path | None) -> Path | None:
    """Return the nearest settings of mypy, from the project upwards."""
    if project is None:
        return None
    for folder in (project, *project.parents):
        file = folder / "pyproject.toml"
        if file.is_file() and "mypy" in tomllib.loads(file.read_text(encoding="utf-8")).get(
            "tool", {}
        ):
            return file
    return None


RULE = Rule("mypy", "gold", "mypy --strict finds nothing", _look)
