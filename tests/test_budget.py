"""What continuous integration runs of the budget's schedules, as anybody would run them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def budget(root: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """Run the command; return its code, its figures and what it said."""
    command = [sys.executable, "-m", "tests.budget", "--json", *options]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_no_cap_is_gone_over_in_three_hundred_schedules(root: Path) -> None:
    code, figures, said = budget(root, "--schedules", "300", "--seed", "4")

    assert (code, figures["violations"]) == (0, 0), said
    assert figures["schedules"] == 300
    assert min(figures[name] for name in ("calls", "refused", "cancelled", "crashes")) > 90


def test_accounts_kept_wrongly_are_noticed(root: Path) -> None:
    code, figures, said = budget(root, "--mutants", "--schedules", "200", "--seed", "4")

    assert figures == {"caught": 8, "of": 8}, said
    assert code == 0
