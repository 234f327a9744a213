from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from .conftest import ARGENT, Installation, Run

GREET = """
import click
@click.command()
@click.option("--loud", is_flag=True)
def greet(loud):
    "Say hello to everybody."
    click.echo("HELLO" if loud else "hello")
"""


def test_help_lists_the_kernels_commands_and_those_of_plugins(installation: Installation) -> None:
    installation.add("argent-greet", commands="greet = greeting:greet", greeting=GREET)

    shown = installation.run("--help")

    assert shown.returncode == 0
    text = " ".join(shown.stdout.split())
    assert "config Show, check and change settings." in text
    assert "greet Say hello to everybody." in text


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"]])
def test_help_is_not_an_error(installation: Installation, words: list[str]) -> None:
    shown = installation.run(*words)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("Usage: ")


def test_the_version(installation: Installation) -> None:
    shown = installation.run("--version")

    assert (shown.returncode, shown.stdout) == (0, "argent 0.1.0\n")


@pytest.mark.parametrize("words", [["--help"], ["--version"], [], ["statsu"]])
def test_help_imports_neither_plugins_nor_what_they_need(
    installation: Installation, words: list[str]
) -> None:
    installation.add("argent-greet", commands="greet = greeting:greet", greeting=GREET)
    installation.run("--help")

    python = (sys.executable, "-X", "importtime", *ARGENT[1:])
    shown = installation.run(*words, python=python)

    imported = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines()}
    assert "argent_core.cli.app" in imported
    packages = {name.partition(".")[0] for name in imported}
    heavy = {"attr", "attrs", "cattrs", "pluggy", "argent_hookspecs", "asyncio", "greeting"}
    assert packages & heavy == set()


def test_a_plugins_command_gets_its_words(installation: Installation) -> None:
    installation.add("argent-greet", commands="greet = greeting:greet", greeting=GREET)

    assert installation.run("greet", "--loud").stdout == "HELLO\n"


BROKEN = {
    "raises": ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
    "misses": ("import nothing_of_that_name", "No module named 'nothing_of_that_name'"),
    "misspelt": ("greeet = None", "has no attribute 'greet'"),
    "mistaken": ("greet = 3", "is not a click command"),
    "syntax": ("def", "SyntaxError: "),
    "exits": ("raise SystemExit(3)", ""),
}


@pytest.mark.parametrize(("code", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_command_says_why_and_harms_no_other(
    installation: Installation, code: str, reason: str
) -> None:
    installation.add("argent-bad", commands="bad = badness:greet", badness=code)
    installation.add("argent-greet", commands="greet = greeting:greet", greeting=GREET)

    shown, ran = installation.run("--help"), installation.run("bad", "--any", "words")

    text = " ".join(shown.stdout.split())
    assert "bad (broken: " in text
    assert reason in text
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith('Error: The command "bad" is broken: ')
    assert reason in ran.stderr
    assert installation.run("greet").stdout == "hello\n"


def test_one_that_kills_the_process_is_named_alone(installation: Installation) -> None:
    installation.add("argent-a", commands="deadly = deadly:x", deadly="import os; os._exit(7)")
    installation.add("argent-b", commands="greet = greeting:greet", greeting=GREET)

    shown = installation.run("--help").stdout

    assert "(broken: its import ended the process)" in shown
    assert "Say hello to everybody." in shown


def test_what_a_module_prints_while_it_is_imported_does_no_harm(installation: Installation) -> None:
    noisy = "print('{noise}')\n" + GREET
    installation.add("argent-greet", commands="greet = greeting:greet", greeting=noisy)

    assert "Say hello to everybody." in installation.run("--help").stdout


def test_a_conflict_names_both(installation: Installation) -> None:
    installation.add("argent-one", commands="greet = greeting:greet", greeting=GREET)
    installation.add("argent-two", commands="greet = greeting:greet")

    shown, ran = installation.run("--help"), installation.run("greet")

    reason = "argent-one and argent-two both bring it; uninstall one"
    assert reason in " ".join(shown.stdout.split())
    assert ran.returncode == 1
    assert reason in ran.stderr


def test_the_kernels_own_commands_win(installation: Installation) -> None:
    installation.add("argent-greet", commands="config = greeting:greet", greeting=GREET)

    shown, ran = installation.run("--help"), installation.run("config", "check")

    assert "The command config of argent-greet is hidden by Argent's own." in shown.stdout
    assert "so the defaults hold" in ran.stdout


def test_a_change_of_what_is_installed_is_noticed(installation: Installation) -> None:
    before = installation.run("--help").stdout
    installation.add("argent-greet", commands="greet = greeting:greet", greeting=GREET)
    during = installation.run("--help").stdout
    greeting = installation.site / "greeting.py"
    greeting.write_text(GREET.replace("everybody", "nobody"))
    os.utime(greeting, ns=(1, 1))
    after = installation.run("--help").stdout

    assert "greet" not in before
    assert "Say hello to everybody." in during
    assert "Say hello to nobody." in after


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 1, "path": 3}'])
def test_a_damaged_index_is_made_again(installation: Installation, content: str) -> None:
    installation.add("argent-greet", commands="greet = greeting:greet", greeting=GREET)
    installation.run("--help")
    (index,) = installation.cache.iterdir()
    index.write_text(content)

    assert "Say hello to everybody." in installation.run("--help").stdout
    assert json.loads(index.read_text())["commands"]


def test_an_index_that_cannot_be_kept_is_done_without(installation: Installation) -> None:
    installation.add("argent-greet", commands="greet = greeting:greet", greeting=GREET)
    installation.cache.write_text("a file where a folder should be")

    assert installation.run("greet").stdout == "hello\n"


def test_a_wrong_name_gets_a_suggestion(installation: Installation) -> None:
    shown = installation.run("statsu")

    assert shown.returncode == 2
    assert 'There is no command "statsu". Did you mean "status"?' in shown.stderr


def test_errors_on_purpose_are_one_clear_line(installation: Installation) -> None:
    installation.home.mkdir()
    (installation.home / "argent.json").write_text('{"loop": 3}')

    ran = installation.run("config", "show")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "Error: argent.json: loop: expected an object {…}, found 3\n"


def test_the_home_can_be_named(installation: Installation) -> None:
    other = installation.site.parent / "other"

    installation.run("--home", str(other), "init", "--yes")

    assert (other / "argent.json").is_file()
    assert not installation.home.exists()


STOPPED = """
import click, signal
@click.command()
def wait():
    "Wait for Ctrl-C."
    signal.raise_signal(signal.SIGINT)
    signal.pause()
"""


def test_ctrl_c_ends_with_the_usual_code(installation: Installation) -> None:
    installation.add("argent-wait", commands="wait = waiting:wait", waiting=STOPPED)

    ran = installation.run("wait")

    assert (ran.returncode, ran.stderr) == (130, "Stopped.\n")


def test_a_reader_that_goes_away_is_no_error(installation: Installation) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(
            [*ARGENT, "--help"], env=installation.environ, stdout=writing, stderr=subprocess.PIPE
        )
    finally:
        os.close(writing)

    assert b"Traceback" not in ran.stderr


CONTEXT = """
import click
@click.command()
@click.pass_obj
def where(obj):
    "Say where the home is."
    click.echo(obj.home)
"""


def test_a_plugins_command_finds_its_context(installation: Installation) -> None:
    installation.add("argent-where", commands="where = where_is:where", where_is=CONTEXT)

    assert installation.run("where").stdout == f"{installation.home}\n"


def test_examples_stand_in_the_help(installation: Installation) -> None:
    shown = installation.run("--help").stdout

    assert "argent chat --message" in shown


@pytest.mark.parametrize(
    "group", ["approvals", "config", "events", "plugins", "replies", "secrets"]
)
def test_a_group_without_a_command_says_what_is_in_it(argent: Run, group: str) -> None:
    shown = argent(group)

    assert (shown.exit_code, shown.stderr) == (0, "")
    assert shown.stdout == argent(group, "--help").stdout
