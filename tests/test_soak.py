"""A kernel that lives for long, in short: nothing is lost, nothing grows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TASKS_MAY_VARY = 5


def soak(root: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.soak", *options, "--json"]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    figures: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return figures


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--hours", "0.05", "--rate", "2", "--restarts", "1"), id="by the clock"),
        pytest.param(("--minutes", "0.15", "--rate", "20", "--restarts", "2"), id="in real time"),
    ],
)
def test_every_message_is_answered_once_and_nothing_grows(
    root: Path, options: tuple[str, ...]
) -> None:
    figures = soak(root, *options)

    assert figures["messages"] > 100
    assert (figures["lost"], figures["doubled"]) == (0, 0)
    assert figures["handles_growth"] <= 0
    assert figures["tasks_growth"] <= TASKS_MAY_VARY
    assert figures["journal_bounded"]


def test_it_must_be_told_how_long(root: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--hours", "1", "--minutes", "1"]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True)

    assert ended.returncode == 2
    assert "say how long: either --hours or --minutes" in ended.stderr
