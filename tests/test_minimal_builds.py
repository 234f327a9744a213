"""Builds of any size, installed from wheels into an empty environment, work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builds import Build
from tests.minimal_builds import BUILDS, said_of_absences


@pytest.mark.parametrize("name", BUILDS)
def test_a_build_says_what_it_lacks_starts_and_talks(
    wheel_folder: Path, tmp_path: Path, name: str
) -> None:
    build = Build(tmp_path / name)
    build.install(wheel_folder, *BUILDS[name].packages)

    silent = said_of_absences(build, BUILDS[name])
    answer = BUILDS[name].talk(build)

    assert silent == {}
    assert answer.strip()
