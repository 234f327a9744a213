"""Homes that cannot be used: commands say so in one line, and leave everything as it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from argent_core.paths import Home

from .commanding import Person, Process, commands


def powerless() -> list[str]:
    """Return what a command begins with, so that root is stopped by permissions like anybody."""
    if os.geteuid() != 0:
        return []
    found = shutil.which("setpriv")
    if found is None:
        pytest.skip("root without setpriv: nothing is forbidden to it")
    return [found, "--inh-caps=-all", "--bounding-set=-all"]


@pytest.fixture(scope="module")
def process() -> Iterator[Process]:
    with commands(powerless()) as process:
        yield process


@pytest.fixture
def person(process: Process, tmp_path: Path) -> Iterator[Person]:
    """Somebody whose home was in use."""
    home = Home(tmp_path / "home")
    person = Person(process, home)
    person.begin()
    yield person
    for path in (home.root, *home.root.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o700)


@pytest.fixture
def home(person: Person) -> Home:
    return person.home


def test_a_file_in_the_place_of_the_home(process: Process, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("mine")

    person = Person(process, Home(tmp_path / "home"))
    person.refused("is a file, where a folder of Argent should be", ("start", "init -y", "trace"))
    assert (tmp_path / "home").read_text() == "mine"


def test_a_home_below_a_file(process: Process, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    person = Person(process, Home(tmp_path / "file" / "home"))
    person.refused("Move it away, or choose another home with --home", ("start", "init -y"))


def test_a_home_where_none_may_be_made(process: Process, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)

    person = Person(process, Home(tmp_path / "locked" / "home"))
    person.refused("cannot be used (Permission denied). Look at who owns it", ("start", "init -y"))


LOCKED: dict[str, tuple[Callable[[Home], Path], int, str]] = {
    "home, unreadable": (lambda home: home.root, 0o000, "cannot be read and written by this user"),
    "home, read only": (lambda home: home.root, 0o500, "cannot be read and written by this user"),
    "data, read only": (lambda home: home.data, 0o500, "cannot be read and written by this user"),
    "run, read only": (lambda home: home.run, 0o500, "cannot be read and written by this user"),
    "logs, unreadable": (lambda home: home.logs, 0o000, "cannot be read and written by this us"),
    "settings, unreadable": (lambda home: home.config_file, 0o000, "argent.json: cannot be read"),
    "database, unreadable": (lambda home: home.kernel_database, 0o000, "Look at who owns it"),
    "database, read only": (lambda home: home.kernel_database, 0o400, "Look at who owns it"),
    "workspace, unreadable": (lambda home: home.workspace, 0o000, "workspace"),
    "log, unreadable": (lambda home: home.logs / "argent.log", 0o000, "argent.log"),
}


@pytest.mark.parametrize("case", LOCKED)
def test_what_is_locked_is_named_and_it_goes_on_once_it_is_open(
    person: Person, home: Home, case: str
) -> None:
    place, mode, says = LOCKED[case]
    place(home).chmod(mode)

    person.refused(says)

    place(home).chmod(0o700)
    again = person.run("events list")
    assert (again.exit_code, again.stdout) == (0, "There are none.\n")


MISPLACED: dict[str, Callable[[Home], Path]] = {
    "database": lambda home: home.kernel_database,
    "lock": lambda home: home.run / "kernel.lock",
    "log": lambda home: home.logs / "argent.log",
}


@pytest.mark.parametrize("case", MISPLACED)
def test_a_folder_in_the_place_of_a_file_is_named(person: Person, home: Home, case: str) -> None:
    path = MISPLACED[case](home)
    path.unlink(missing_ok=True)
    path.mkdir()

    person.refused(f"{path}")


@pytest.mark.parametrize("name", ["data", "run", "logs", "cache"])
def test_a_file_in_the_place_of_a_folder_is_named(person: Person, home: Home, name: str) -> None:
    shutil.rmtree(home.root / name)
    (home.root / name).write_text("mine")

    person.refused(f"{home.root / name} is a file, where a folder of Argent should be")


def test_a_database_that_is_a_link_to_nothing_is_not_begun_anew(person: Person, home: Home) -> None:
    home.kernel_database.unlink()
    home.kernel_database.symlink_to(home.root / "unmounted" / "kernel.db")

    person.refused(
        "kernel.db: cannot be opened: No such file or directory. Look whether its folder"
    )
    assert home.kernel_database.is_symlink()


def test_a_home_that_somebody_uses_is_named_with_how_to_stop_that(person: Person) -> None:
    home = person.home
    command = [sys.executable, "-c", "from argent_core.cli import main; main()", "start"]
    environ = {**os.environ, "ARGENT_HOME": str(home.root)}
    first = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
    try:
        assert first.stderr is not None
        assert any("Argent runs" in line for line in iter(first.stderr.readline, ""))

        second = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

        assert second.returncode == 1
        assert second.stderr.splitlines()[-1] == (
            f"Error: Argent already runs on {home.root}; stop it with: argent stop --agent"
        )
        status = person.run("status --json")
        assert json.loads(status.stdout)["running"]
    finally:
        first.terminate()
        first.communicate(timeout=30)
