"""What the documents say is so."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pluggy
import pytest

from argent_hookspecs import PluginContext, Tool, specs

HOOKS = [name for name in vars(specs) if name.startswith("argent_")]
KERNEL = "argent_core/src/argent_core/"


@pytest.fixture(scope="session")
def readme(root: Path) -> str:
    return (root / "README.md").read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[list[str]]:
    joined = block.replace("\\\n", " ")
    return [words for line in joined.splitlines() if (words := shlex.split(line, comments=True))]


def named_files(text: str) -> set[str]:
    """Every path in a document: in code marks, or as the target of a link."""
    marked = re.findall(r"`([\w.\-/]+(?:\.(?:py|md|toml)|/))`", text)
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    return {*marked, *linked}


@pytest.mark.parametrize(
    "document", ["ARCHITECTURE.md", "README.md", "CONTRIBUTING.md", "hookspecs/README.md"]
)
def test_every_file_that_a_document_names_exists(root: Path, document: str) -> None:
    text = (root / document).read_text("utf-8")
    bases = [root, (root / document).parent, root / KERNEL, root / "hookspecs/src/argent_hookspecs"]
    named = {name for name in named_files(text) if "NAME" not in name}
    in_a_home = {"data/", "workspace/", "SOUL.md", "USER.md", "TOOLS.md", "AGENTS.md"}
    in_a_plugin = {"pyproject.toml", "__init__.py", "argent_coin.py", "tests/"}

    missing = {
        name
        for name in named - in_a_home - in_a_plugin
        if not any((base / name).exists() for base in bases)
    }

    assert named
    assert missing == set()


def test_the_architecture_is_one_page_that_names_every_stage(root: Path) -> None:
    text = (root / "ARCHITECTURE.md").read_text("utf-8")
    stages = sorted(
        f"{folder.name}/{file.name}"
        for folder in (root / KERNEL).iterdir()
        if folder.is_dir() and folder.name in {"inbound", "loop", "outbound"}
        for file in folder.glob("[!_]*.py")
    )

    assert len(text.splitlines()) <= 120
    assert stages
    assert [name for name in stages if name not in text] == []


def test_the_first_command_installs_the_full_build_and_talks(
    readme: str, members: list[Any]
) -> None:
    make, tell, install, talk = commands(blocks(readme, "sh")[0])
    full = {required.partition("==")[0] for required in members[0].project["dependencies"]}

    assert make == ["python3", "-m", "venv", ".venv"]
    assert tell[0] == "echo"
    assert installed(install, members) == full | {"argent", "argent-hookspecs"}
    assert talk[:3] == [".venv/bin/argent", "chat", "--message"]


def test_the_second_command_installs_every_member_and_tests(
    readme: str, members: list[Any]
) -> None:
    make, tell, install, test = commands(blocks(readme, "sh")[1])

    assert make == ["python3", "-m", "venv", ".venv"]
    assert tell[0] == "echo"
    assert installed(install, members) == {member.name for member in members}
    assert test == [".venv/bin/python", "-m", "pytest"]


def installed(command: list[str], members: list[Any]) -> set[str]:
    root = members[0].folder
    folders = [root / word.removesuffix("[dev]") for word in command if word.startswith(".")]
    return {
        tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["name"]
        for folder in folders
        if not folder.name.startswith("python")
    }


def test_the_plugin_in_the_readme_works(readme: str) -> None:
    (source,) = blocks(readme, "python")
    namespace: dict[str, Any] = {}
    exec(compile(source, "<README.md>", "exec"), namespace)
    host = pluggy.PluginManager("argent")
    host.add_hookspecs(specs)

    host.register(SimpleNamespace(**namespace), name="coin")

    host.check_pending()
    ((made,),) = host.hook.argent_tools(ctx=None)
    assert isinstance(made, Tool)
    assert made.description == "Toss a coin."


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_listed_with_its_real_signature(root: Path, name: str) -> None:
    text = (root / "hookspecs/README.md").read_text("utf-8")
    signature = inspect.signature(getattr(specs, name))
    purpose = inspect.cleandoc(getattr(specs, name).__doc__ or "").splitlines()[0]
    shown = f"{name}({', '.join(signature.parameters)}) -> {signature.return_annotation}"

    assert f"| `{shown}` | {purpose} |" in text


def test_the_hooks_are_listed_in_order_and_no_others(root: Path) -> None:
    text = (root / "hookspecs/README.md").read_text("utf-8")

    assert re.findall(r"^\| `(argent_\w+)\(", text, re.MULTILINE) == HOOKS


def test_all_that_a_plugin_is_given_is_listed(root: Path) -> None:
    text = (root / "hookspecs/README.md").read_text("utf-8")
    given = [name for name in vars(PluginContext) if not name.startswith("_")]

    assert re.findall(r"^\| `ctx\.(\w+)` \|", text, re.MULTILINE) == given


def test_the_settings_in_the_readme_are_right(readme: str, tmp_path: Path) -> None:
    tiers, settings = blocks(readme, "json")
    (tmp_path / "argent.json").write_text(settings, "utf-8")
    (tmp_path / "models.json").write_text(tiers, "utf-8")

    checked = subprocess.run(
        [Path(sys.executable).with_name("argent"), "config", "check", "--json"],
        env=os.environ | {"ARGENT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert json.loads(checked.stdout) == {"ok": True, "errors": [], "warnings": []}


def test_every_command_is_in_the_readme_and_every_one_there_exists(readme: str) -> None:
    (command,) = entry_points(group="console_scripts", name="argent")
    main = command.load()
    assert isinstance(main, click.Group)
    real = set(main.list_commands(click.Context(main)))
    shown = set(re.findall(r"`argent ([a-z]+)", readme))

    assert shown == real


MACHINE_PATHS = re.compile(
    r"(?<![\w.\-~/])/(?:work|root|tmp/[xX]|home/[a-z]+|opt/(?:wheels|pypi))\b"
)
REGISTRIES = re.compile(
    r"\b(?:[\w\-]+\.)*(?:pypi|pythonhosted|npmjs|ghcr|docker)\.(?:org|io|com)\b"
)


@pytest.mark.parametrize("words", [MACHINE_PATHS, REGISTRIES], ids=["paths", "registries"])
def test_the_project_knows_nothing_of_the_machine_it_was_made_on(
    committed_texts: dict[str, str], words: re.Pattern[str]
) -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, text in committed_texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if words.search(line) and "re.compile" not in line
    ]

    assert found == []
