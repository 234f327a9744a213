"""What continuous integration runs of the crash harness, as anybody would run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

# One worker runs all, one after the other: they are quick because the machine is theirs.
SEED = "3"


def crash(root: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """Run the command; return its code, its figures and what it said."""
    command = [sys.executable, "-m", "tests.crash", "--seed", SEED, "--json", *options]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_a_hundred_kills_break_no_promise(root: Path) -> None:
    code, figures, said = crash(root, "--kills", "100")

    broken = {name: figures[name] for name in ("lost", "doubled", "unsafe_doubled", "repaid")}
    assert not any(broken.values()), said
    assert figures["kills"] == 100
    assert code == 0


def test_kills_break_no_promise_in_telegram_either(root: Path) -> None:
    code, figures, said = crash(root, "--channel", "telegram", "--kills", "20")

    broken = {name: figures[name] for name in ("lost", "doubled", "unsafe_doubled", "repaid")}
    assert not any(broken.values()), said
    assert figures["kills"] == 20
    assert code == 0


def test_kills_leave_each_message_remembered_once(root: Path) -> None:
    code, figures, said = crash(root, "--memory", "--kills", "20")

    broken = {name: figures[name] for name in figures if name not in ("kills", "unknown")}
    assert set(broken) >= {"lost", "doubled", "memories_lost", "memories_doubled"}
    assert not any(broken.values()), said
    assert figures["kills"] == 20
    assert code == 0


def test_a_capture_made_worse_is_caught(root: Path) -> None:
    code, figures, said = crash(root, "--memory", "--mutants", "--seeds", "1")

    assert figures == {"caught": 3, "of": 3}, said
    assert code == 0


def test_a_kernel_made_worse_is_caught(root: Path) -> None:
    code, figures, said = crash(root, "--mutants", "--seeds", "1")

    assert figures == {"caught": 5, "of": 5}, said
    assert code == 0
