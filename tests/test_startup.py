"""A command wakes only what it needs: help comes at once, however much is installed, and what only
asks the running agent knows nothing but how to ask."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest

from argent_testing import Argent

ASK_FOR_HELP = """
import io, json, sys
from contextlib import redirect_stdout
from importlib.metadata import entry_points
before = set(sys.modules)
(command,) = entry_points(group="console_scripts", name="argent")
sys.argv = ["argent", *sys.argv[1:]]
shown = io.StringIO()
try:
    with redirect_stdout(shown):
        command.load()()
except SystemExit as end:
    assert not end.code, shown.getvalue()
print(json.dumps({"shown": shown.getvalue(), "loaded": sorted(set(sys.modules) - before)}))
"""

QUESTIONS = [
    ["status"],
    ["stop"],
    ["events", "list"],
    ["replies", "list"],
    ["approvals", "list"],
    ["plugins", "list"],
    ["trace"],
]

HEAVY = {"pluggy", "asyncio", "apsw", "xllamacpp", "pip", "cattrs"}


def ask(*words: str) -> tuple[str, set[str]]:
    """Return what a command shows, and the top-level modules that it loaded."""
    answer = subprocess.run(
        [sys.executable, "-c", ASK_FOR_HELP, *words], capture_output=True, text=True, check=True
    )
    told = json.loads(answer.stdout)
    return told["shown"], {name.partition(".")[0] for name in told["loaded"]}


@pytest.fixture(autouse=True)
def index_is_made() -> None:
    """Ask once beforehand, since the first time after an installation the index is made."""
    ask("--help")


@pytest.mark.parametrize("words", [["--help"], ["--version"], []], ids=["help", "version", "bare"])
def test_help_loads_no_plugin_and_nothing_heavy(words: list[str]) -> None:
    _, loaded = ask(*words)

    plugins = {name for name in loaded if name.startswith("argent_")} - {"argent_core"}
    assert plugins - {"argent_hookspecs"} == set()
    assert loaded & HEAVY == set()


@pytest.mark.anyio
@pytest.mark.parametrize("words", QUESTIONS, ids=" ".join)
async def test_a_question_to_the_running_agent_loads_nothing_heavy(
    argent: Argent, words: list[str]
) -> None:
    async with argent():
        _, loaded = await asyncio.to_thread(ask, "--home", str(argent.home.root), *words)

    assert {name for name in loaded if name.startswith("argent_")} == {"argent_core"}
    assert loaded & (HEAVY | {"attr", "logging", "ssl"}) == set()


def test_help_names_the_commands_of_plugins_all_the_same() -> None:
    shown, _ = ask("--help")

    assert "chat" in shown
    assert "events" in shown
