"""What the README says of settings and commands is so."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest

from argent_memo.commands import memory
from argent_memo.settings import MemoSettings

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


@pytest.mark.parametrize("setting", attrs.fields(MemoSettings), ids=lambda one: one.name)
def test_each_setting_stands_there_with_what_it_means(setting: attrs.Attribute[object]) -> None:
    name = re.sub(r"_(.)", lambda found: found[1].upper(), setting.name)

    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{name}` | ")]
    assert row.endswith(f" | {setting.metadata['doc']} |")


@pytest.mark.parametrize("command", sorted(memory.commands))
def test_each_command_stands_there(command: str) -> None:
    assert f"| `argent memory {command}" in README
