"""How much each build installs, and whether it comes up.

Each build is installed from this checkout's wheels into an empty environment, as `uv pip install`
does it.

- ``distributions`` are all that is there, ours and what they need.
- ``megabytes`` are the files that were installed, beyond those of an empty environment, before
  Python has compiled anything (1 MB is 10^6 bytes); ``compiled_megabytes`` is what its compiled
  bytecode would add, which Python writes by itself as modules are first used.
- ``boots`` says whether it starts, says plainly what it lacks, answers where there is a channel and
  a model, and stops cleanly.
"""

from __future__ import annotations

import compileall
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import click
from attrs import asdict, evolve, frozen

from benchmarks.environment import build_wheels
from tests.builds import Build
from tests.minimal_builds import BUILDS, MinimalBuild, said_of_absences

MOST_DISTRIBUTIONS = 12
MOST_MEGABYTES = 15
_LARGEST = 3


@frozen
class Installed:
    """What a build comes to.

    Args:
        largest: Megabytes of the largest entries of site-packages.
    """

    distributions: int
    megabytes: float
    compiled_megabytes: float
    boots: bool
    largest: Mapping[str, float]


@click.command()
@click.option(
    "--build", "names", multiple=True, type=click.Choice(list(BUILDS)), help="Only this one."
)
@click.option("--json", "as_json", is_flag=True, help="Print one object with the figures last.")
def main(names: tuple[str, ...], *, as_json: bool) -> None:
    """Install every build from wheels; say how large it is, and whether it starts and answers.

    The code is 1 if one of them does not.

    \b
    Examples:
      python -m benchmarks.install
      python -m benchmarks.install --build core --json
    """
    found: dict[str, Installed] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        click.echo("building the wheels", err=True)
        build_wheels(folder / "wheels", plugins=0)
        bare = Build(folder / "bare")
        bare.run(bare.tool, "venv", "--quiet", bare.environment)
        for build_name in names or BUILDS:
            click.echo(f"installing {build_name}", err=True)
            build = evolve(bare, folder=folder / build_name)
            build.install(folder / "wheels", *BUILDS[build_name].packages)
            found[build_name] = _measure(build, bare, minimal=BUILDS[build_name])
    _print(found)
    if as_json:
        click.echo(json.dumps({name: asdict(one) for name, one in found.items()}))
    sys.exit(0 if all(one.boots for one in found.values()) else 1)


def _measure(build: Build, bare: Build, *, minimal: MinimalBuild) -> Installed:
    site = next(build.environment.glob("lib/python*/site-packages"))
    before, installed = _megabytes(bare.environment), _megabytes(build.environment)
    sizes = Counter({entry.name: round(_megabytes(entry), 1) for entry in site.iterdir()})
    boots = _boots(build, minimal)
    compileall.compile_dir(site, quiet=2)
    return Installed(
        distributions=len(list(site.glob("*.dist-info"))),
        megabytes=round(installed - before, 1),
        compiled_megabytes=round(_megabytes(build.environment, suffix=".pyc"), 1),
        boots=boots,
        largest=dict(sizes.most_common(_LARGEST)),
    )


def _boots(build: Build, minimal: MinimalBuild) -> bool:
    try:
        silent = said_of_absences(build, minimal)
        answer = minimal.talk(build)
    except (SystemExit, OSError, TimeoutError, subprocess.TimeoutExpired) as error:
        click.echo(f"{build.folder.name} does not work: {error}", err=True)
        return False
    click.echo(f"{build.folder.name}: {answer:.70}", err=True)
    for command, said in silent.items():
        click.echo(f"argent {command} does not say what is lacking: {said}", err=True)
    return bool(answer) and not silent


def _megabytes(path: Path, *, suffix: str = "") -> float:
    files = [path] if path.is_file() else path.rglob(f"*{suffix}")
    return sum(file.lstat().st_size for file in files if not file.is_dir()) / 1e6


def _print(found: Mapping[str, Installed]) -> None:
    click.echo(f"{'build':10} distributions  megabytes  compiled  boots  largest")
    for name, one in found.items():
        largest = ", ".join(f"{entry} {size:g}" for entry, size in one.largest.items())
        click.echo(
            f"{name:10} {one.distributions:13}  {one.megabytes:9.1f}  "
            f"{one.compiled_megabytes:8.1f}  {'yes' if one.boots else 'NO':5}  {largest}"
        )
    click.echo(f"aim for core: {MOST_DISTRIBUTIONS} distributions, {MOST_MEGABYTES} MB at most")


if __name__ == "__main__":
    main()
