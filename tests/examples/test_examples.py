"""Each example passes its own tests outside the workspace, and is gold."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.builds import Build

from .conftest import EXAMPLES

pytestmark = pytest.mark.timeout(300)
EACH = pytest.mark.parametrize("name", EXAMPLES)


@EACH
def test_it_passes_its_own_tests(outside: Build, name: str) -> None:
    said = outside.run(
        outside.program("python"), *("-m", "pytest", "-rs"), cwd=outside.folder / name
    )

    last = said.splitlines()[-1]
    skips = re.findall(r"^SKIPPED .*", said, re.MULTILINE)
    if any("ngircd is not installed" in line for line in skips):
        pytest.skip(skips[0])
    assert "passed" in last and "skipped" not in last, said


@EACH
def test_it_is_gold(outside: Build, name: str) -> None:
    said = outside.argent("plugins", "check", name, "--level", "gold", "--json", status=0)

    assert json.loads(said)["level"] == "gold"


@EACH
def test_it_stands_on_the_contract_alone(root: Path, name: str) -> None:
    project = tomllib.loads((root / "examples" / name / "pyproject.toml").read_text("utf-8"))
    workspace = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]
    house = [d for d in project["project"]["dependencies"] if d.startswith("argent")]

    assert house == ["argent-hookspecs~=0.1.0"]
    assert not any(member.startswith("examples") for member in workspace["workspace"]["members"])
    assert name not in workspace["sources"]


def test_none_is_forgotten(root: Path) -> None:
    assert sorted(path.parent.name for path in root.glob("examples/*/pyproject.toml")) == sorted(
        EXAMPLES
    )


def test_an_agent_runs_them_as_soon_as_they_are_installed(outside: Build) -> None:
    found: list[dict[str, Any]] = json.loads(outside.argent("plugins", "list", "--json"))
    states = {plugin["name"]: plugin["state"] for plugin in found}

    assert {states["dice"], states["irc"]} == {"running"}
