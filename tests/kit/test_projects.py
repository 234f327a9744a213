"""A new plugin's project, from the first command until it passes."""

from __future__ import annotations

import difflib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

from tests.builds import Build
from tests.conftest import AUTHORS

pytestmark = pytest.mark.timeout(300)
SOLUTIONS = Path(__file__).parent / "solutions"
PLUGINS = {
    "channel": "lines",
    "context-provider": "moon",
    "event-source": "bell",
    "model-provider": "parrot",
    "output-handler": "printer",
    "service": "glossary",
    "tool": "shout",
}
KINDS = pytest.mark.parametrize("kind", sorted(PLUGINS))
OWN_LINES = 40
SKIPS = {"model-provider": ", 4 skipped"}
"""A parrot uses no tools."""


def write(author: Build, kind: str, folder: Path) -> Path:
    author.argent("plugins", "new", kind, PLUGINS[kind], "--into", str(folder))
    return folder / f"argent-{PLUGINS[kind]}"


@frozen
class Workbench:
    """An author's environment in which a project of each kind is installed in place."""

    build: Build
    projects: dict[str, Path]

    def run_tests(self, kind: str, *, status: int) -> str:
        """Run the tests of a project, up to the first that fails."""
        return self.build.run(
            self.build.program("python"),
            *("-m", "pytest", "-x"),
            status=status,
            cwd=self.projects[kind],
        )


@pytest.fixture(scope="module")
def begun(wheel_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Projects as they were written."""
    return workbench(wheel_folder, tmp_path_factory.mktemp("begun"))


@pytest.fixture(scope="module")
def filled(wheel_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Projects that somebody has filled in."""
    bench = workbench(wheel_folder, tmp_path_factory.mktemp("filled"))
    for kind, project in bench.projects.items():
        shutil.copytree(SOLUTIONS / PLUGINS[kind], project, dirs_exist_ok=True)
    return bench


def workbench(wheels: Path, folder: Path) -> Workbench:
    build = Build(folder)
    build.install(wheels, *AUTHORS)
    written = {kind: write(build, kind, folder / "projects") for kind in PLUGINS}
    places = [word for path in written.values() for word in ("-e", f"{path}[dev]")]
    python = build.program("python")
    build.run(build.tool, "pip", "install", "--quiet", "--python", python, *places)
    return Workbench(build, written)


@KINDS
def test_at_first_its_tests_say_what_comes_next_and_where(begun: Workbench, kind: str) -> None:
    said = begun.run_tests(kind, status=1)

    complaint = next(line for line in said.splitlines() if line.startswith("E "))
    found = re.search(r"Next: .*?(\w+)\(\) of ((?:src|tests)/[\w/]+\.py)", complaint)
    assert found, complaint
    function, file = found.groups()
    assert f"def {function}(" in (begun.projects[kind] / file).read_text("utf-8")


@KINDS
def test_filled_in_it_passes_and_nothing_is_skipped(filled: Workbench, kind: str) -> None:
    said = filled.run_tests(kind, status=0)

    assert re.search(rf"= \d+ passed{SKIPS.get(kind, '')} in", said), said


@KINDS
def test_filled_in_it_is_gold_with_what_its_own_extra_installs(
    filled: Workbench, kind: str
) -> None:
    name = f"argent-{PLUGINS[kind]}"
    said = json.loads(filled.build.argent("plugins", "check", name, "--json"))

    assert [rule for rule in said["rules"] if not rule["ok"]] == []
    assert said["level"] == "gold"


def test_a_channel_takes_fewer_than_forty_lines_of_ones_own(author: Build, tmp_path: Path) -> None:
    written = write(author, "channel", tmp_path)
    own = [
        line
        for filled in (SOLUTIONS / PLUGINS["channel"]).rglob("*.py")
        for line in difflib.ndiff(lines(written, filled), filled.read_text("utf-8").splitlines())
        if line.startswith("+ ") and line[1:].strip()
    ]

    print(f"{len(own)} lines of one's own")
    assert 0 < len(own) < OWN_LINES


def lines(project: Path, filled: Path) -> list[str]:
    """Return the lines that a file of a solution had when it was written."""
    path = project / filled.relative_to(SOLUTIONS / project.name.removeprefix("argent-"))
    return path.read_text("utf-8").splitlines()


def test_the_commands_that_are_named_next_work(author: Build, tmp_path: Path) -> None:
    said = author.argent("plugins", "new", "tool", "loud", "--into", str(tmp_path))
    commands = said.partition("Next:\n")[2]

    path = f"PATH={author.program('python').parent}:$PATH"
    ran = author.run("sh", "-c", f"export {path}\n{commands}", status=1)

    assert "Next: do what the tool is for, in loud() of src/argent_loud/tools.py" in ran
    assert "loud" in author.argent("plugins", "list")


@pytest.mark.parametrize("state", ["begun", "filled"])
def test_what_is_written_is_typed(request: pytest.FixtureRequest, state: str) -> None:
    bench: Workbench = request.getfixturevalue(state)
    packages = [next(project.glob("src/*")) for project in bench.projects.values()]
    python = ("--python-executable", bench.build.program("python"))

    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", *python, *packages],
        cwd=bench.build.folder,
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stdout


def test_without_the_kit_one_is_told_to_install_it(wheel_folder: Path, tmp_path: Path) -> None:
    bare = Build(tmp_path)
    bare.install(wheel_folder, "argent_hookspecs", "argent_core")

    said = bare.argent("plugins", "new", "tool", "owl", status=1)

    assert "pip install argent-testing" in said
    assert not (tmp_path / "argent-owl").exists()
