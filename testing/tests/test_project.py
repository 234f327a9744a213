from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from argent_core.cli import main
from argent_core.cli.plugin_new import KINDS as OFFERED
from argent_testing.project import KINDS


def new(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["plugins", "new", *map(str, words)])


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_kind_that_is_offered_can_be_had() -> None:
    assert sorted(OFFERED) == sorted(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_was_written_is_listed_with_what_comes_next(kind: str, tmp_path: Path) -> None:
    said = new(kind, "night-owl", "--into", tmp_path / "somewhere" / "else")

    folder = tmp_path / "somewhere" / "else" / "argent-night-owl"
    listed = {line.strip() for line in said.stdout.splitlines() if line.startswith("  ")}
    commands = {f"cd {folder}", "python -m pip install -e '.[dev]'", "python -m pytest -x"}
    assert said.exit_code == 0, said.output
    assert listed == {*contents(folder), *commands}
    assert {
        *("LICENSE", "README.md", "pyproject.toml", "tests/test_night_owl.py"),
        *("src/argent_night_owl/__init__.py", "src/argent_night_owl/py.typed"),
    } <= set(contents(folder))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_nothing_is_left_to_be_filled_in_by_hand(kind: str, tmp_path: Path) -> None:
    new(kind, "night-owl", "--into", tmp_path)

    for path, text in contents(tmp_path).items():
        assert "$" not in text, path
        assert "template" not in path
        assert path.endswith("py.typed") or text.strip(), path


def test_for_programs_it_is_json(tmp_path: Path) -> None:
    said = json.loads(new("tool", "owl", "--into", tmp_path, "--json").stdout)

    assert said["folder"] == str(tmp_path / "argent-owl")
    assert set(said["files"]) == set(contents(tmp_path / "argent-owl"))
    assert said["next"][-1] == "python -m pytest -x"


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    new("tool", "owl", "--into", tmp_path)
    (tmp_path / "argent-owl/README.md").write_text("mine")
    before = contents(tmp_path)

    said = new("channel", "owl", "--into", tmp_path)

    assert said.exit_code == 1
    assert "nothing is ever overwritten" in said.stderr
    assert contents(tmp_path) == before


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    said = new("tool", "owl", "--into", tmp_path / "file" / "below")

    assert said.exit_code != 0
    assert str(tmp_path / "file") in said.stderr


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("My Bot", 'How about "my-bot"?'),
        ("snake_case", 'How about "snake-case"?'),
        ("../etc", 'How about "etc"?'),
        ("7up", 'How about "up"?'),
        ("a--b", 'How about "a-b"?'),
        ("über", "begins with a letter"),
        ("", "begins with a letter"),
        ("x" * 41, f'How about "{"x" * 40}"?'),
        ("argent-irc", '"irc" becomes "argent-irc" by itself'),
        ("class", "means something else"),
        ("tool", "means something else"),
        ("core", "already"),
        ("testing", "already"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_a_better_one(
    name: str, complaint: str, tmp_path: Path
) -> None:
    said = new("tool", "--into", tmp_path, "--", name)

    assert said.exit_code == 1
    assert complaint in said.stderr
    assert contents(tmp_path) == {}


def test_an_unknown_kind_names_those_there_are() -> None:
    said = new("chanel", "irc")

    assert said.exit_code == 2
    assert "channel" in said.stderr and "event-source" in said.stderr


def test_help_has_examples() -> None:
    assert "argent plugins new channel irc" in new("--help").stdout
