"""The newcomer's way: a fresh clone, an empty home, the README's commands, and a rough night."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

pytestmark = [pytest.mark.newcomer, pytest.mark.timeout(600)]

LONG_WORK = "Tell me a story about a lighthouse, in three hundred words."


@frozen
class Newcomer:
    """Somebody with a clone and a home of their own, whose system's pip refuses to install."""

    clone: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        known = ("ARGENT_", "XDG_", "VIRTUAL_ENV", "PYTHON", "PYTEST_", "COV_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(known)}
        return kept | {"HOME": str(self.home), "PIP_REQUIRE_VIRTUALENV": "1"}

    def readme_block(self, number: int) -> str:
        text = (self.clone / "README.md").read_text("utf-8")
        found = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        return str(found[number - 1])

    def sh(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", script],
            cwd=self.clone,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1500,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.clone / ".venv/bin/argent", *words],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def argent(self, *words: str) -> str:
        done = subprocess.run(
            [self.clone / ".venv/bin/argent", *words],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"argent {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def events(self) -> list[dict[str, Any]]:
        listed = json.loads(self.argent("events", "list", "--json"))
        return list(listed)

    def wait_for(self, state: str, *, event: str | None = None) -> dict[str, Any]:
        """Ask until an event, or a certain one, is in a state."""
        give_up = time.monotonic() + 120
        seen: list[dict[str, Any]] = []
        while time.monotonic() < give_up:
            seen = [one for one in self.events() if event in (None, one["id"])]
            found = [one for one in seen if one["state"] == state]
            if found:
                return found[0]
        pytest.fail(f"no event became {state}: {seen}")

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        """Run the agent, ready, and kill it hard at the end if it was not before."""
        process = self.start("start")
        try:
            assert process.stdout
            said = list(itertools.takewhile(lambda line: "Argent runs" not in line, process.stdout))
            assert process.poll() is None, "".join(said)
            yield process
        finally:
            kill(process)


def kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout
    process.stdout.close()


@pytest.fixture(scope="module")
def newcomer(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    folder = tmp_path_factory.mktemp("newcomer")
    subprocess.run(["git", "clone", "--quiet", root, folder / "argent"], check=True)
    (folder / "home").mkdir()
    return Newcomer(folder / "argent", folder / "home")


@pytest.fixture(scope="module")
def first(newcomer: Newcomer) -> subprocess.CompletedProcess[str]:
    """What the README's first command said."""
    return newcomer.sh(newcomer.readme_block(1))


def words_of(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]{2,}", text)


def test_the_first_command_ends_with_a_real_answer(
    newcomer: Newcomer, first: subprocess.CompletedProcess[str]
) -> None:
    announced, _, answer = first.stdout.partition("\n")

    assert first.returncode == 0, first.stderr
    assert announced.startswith("Installing")
    assert len(words_of(answer)) >= 3
    assert "Traceback" not in first.stderr
    assert [turn["model"] for turn in json.loads(newcomer.argent("trace", "--json"))] == [
        "smollm2-135m"
    ]


def test_the_first_command_says_what_it_is_doing(
    first: subprocess.CompletedProcess[str],
) -> None:
    assert "download" in first.stderr.lower()


def test_everything_was_put_where_it_belongs(
    newcomer: Newcomer, first: subprocess.CompletedProcess[str]
) -> None:
    untracked = newcomer.sh("git status --porcelain").stdout

    assert first.returncode == 0
    assert untracked == ""


def test_the_second_command_follows_the_first_and_the_first_can_be_repeated(
    newcomer: Newcomer, first: subprocess.CompletedProcess[str]
) -> None:
    short = newcomer.readme_block(2).replace("-m pytest", "-m pytest -q hookspecs/tests")

    tested = newcomer.sh(short)
    again = newcomer.sh(newcomer.readme_block(1))

    assert first.returncode == tested.returncode == 0, tested.stdout + tested.stderr
    assert " passed" in tested.stdout
    assert again.returncode == 0, again.stderr
    assert "download" not in again.stderr.lower()
    assert len(words_of(again.stdout.partition("\n")[2])) >= 3


def test_the_least_build_is_a_working_agent(
    newcomer: Newcomer,
    first: subprocess.CompletedProcess[str],
    wheel_folder: Path,
    tmp_path: Path,
) -> None:
    parts = ["argent_core", "argent_hookspecs", "argent_llama", "argent_terminal"]
    wheels = [str(file) for part in parts for file in wheel_folder.glob(f"{part}-*.whl")]
    python = tmp_path / "bin/python"

    newcomer.sh(f"python3 -m venv {tmp_path} && {python} -m pip install {shlex.join(wheels)}")
    answer = newcomer.sh(f"cd {tmp_path} && bin/argent chat --message 'Hello!'")
    installed = newcomer.sh(f"{python} -m pip list").stdout

    assert first.returncode == answer.returncode == 0, answer.stderr
    assert words_of(answer.stdout)
    assert sorted(re.findall(r"^argent\S*", installed, re.MULTILINE)) == sorted(
        part.replace("_", "-") for part in parts
    )


def test_a_killed_agent_comes_back_and_finishes_its_turn(
    newcomer: Newcomer, first: subprocess.CompletedProcess[str]
) -> None:
    before = {one["id"] for one in newcomer.events()}
    with newcomer.running() as agent:
        asking = newcomer.start("chat", "--message", LONG_WORK)
        begun = newcomer.wait_for("leased")
        kill(agent)
        kill(asking)
    assert first.returncode == 0
    assert begun["id"] not in before
    left = [one["state"] for one in newcomer.events() if one["id"] == begun["id"]]
    assert left == ["leased"]

    with newcomer.running():
        finished = newcomer.wait_for("done", event=begun["id"])

    explained = json.loads(newcomer.argent("trace", finished["turn"], "--json"))
    assert len(words_of(explained["answer"])) > 20
    assert [step["kind"] for step in explained["steps"]] == ["model"]

    next_time = newcomer.sh(".venv/bin/argent chat --message 'Thank you.'")
    assert next_time.returncode == 0
    assert explained["answer"].strip() in next_time.stderr


@pytest.mark.large_model
@pytest.mark.timeout(1800)
def test_the_better_model_of_the_readme_calculates_with_a_tool(
    newcomer: Newcomer, first: subprocess.CompletedProcess[str]
) -> None:
    asked = newcomer.sh(newcomer.readme_block(3))
    turns = json.loads(newcomer.argent("trace", "--json"))
    explained = json.loads(newcomer.argent("trace", turns[0]["turn"], "--json"))

    assert first.returncode == asked.returncode == 0, asked.stderr
    assert "1080" in asked.stdout.replace(",", "")
    assert ("tool", "calc") in {(step["kind"], step["name"]) for step in explained["steps"]}
