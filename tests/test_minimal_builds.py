"""Builds of any size, installed from wheels into an empty environment, work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builds import Build
from tests.minimal_builds import BUILDS, said_of_absences

CORE_DISTRIBUTIONS = 12


def test_the_kernel_needs_few_distributions(wheel_folder: Path, tmp_path: Path) -> None:
    build = Build(tmp_path)
    build.install(wheel_folder, *BUILDS["core"].packages)

    site = build.environment.glob("lib/python*/site-packages/*.dist-info")
    names = sorted(path.name.partition("-")[0] for path in site)

    assert {"argent_core", "argent_hookspecs"} <= set(names)
    assert len(names) <= CORE_DISTRIBUTIONS, names


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
