"""A short flood through Telegram, as anybody would run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_a_flood_loses_nothing_and_keeps_the_order(root: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.telegram", "--messages", "90", "--chats", "30"]
    done = subprocess.run(
        [*command, "--json"], cwd=root, capture_output=True, text=True, check=False
    )

    assert done.stdout, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures.keys() == {"messages", "lost", "out_of_order", "p99_accept_ms", "seconds"}
    assert (figures["messages"], figures["lost"], figures["out_of_order"]) == (90, 0, 0)
    assert done.returncode == 0
