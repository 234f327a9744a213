from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.builds import Build
from tests.conftest import AUTHORS

EXAMPLES = ("argent-dice", "argent-irc")
MODEL = ("argent_openai", "argent_tier_balanced")


@pytest.fixture(scope="session")
def outside(root: Path, wheel_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """An environment of wheels into which pip has installed the examples, copied from here."""
    build = Build(tmp_path_factory.mktemp("outside"))
    build.install(wheel_folder, *AUTHORS, *MODEL, seed=True)
    for name in EXAMPLES:
        skipped = shutil.ignore_patterns("__pycache__", ".*_cache")
        shutil.copytree(root / "examples" / name, build.folder / name, ignore=skipped)
    places = [f"./{name}[dev]" for name in EXAMPLES]
    build.run(build.program("python"), "-m", "pip", "install", "--quiet", *places)
    return build
