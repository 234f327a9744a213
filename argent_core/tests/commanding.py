"""Somebody who runs commands, in a process of their own to which something is forbidden."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from attrs import frozen

from argent_core.paths import Home

NO_PLUGINS = '{"version": 1, "agent": {"plugins": []}}'

_COMMANDS = """
import json, resource, sys
from click.testing import CliRunner
from argent_core.cli import main
unlimited, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
for line in sys.stdin:
    home, words, limit = json.loads(line)
    resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited if limit is None else limit, hard))
    runner = CliRunner(env={"ARGENT_HOME": home})
    shown = runner.invoke(main, words.split(), prog_name="argent", input="value")
    resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, hard))
    broken = None if isinstance(shown.exception, SystemExit) else shown.exception
    said = [shown.exit_code, shown.stdout, shown.stderr, broken and repr(broken)]
    print(json.dumps(said), flush=True)
"""

EVERYTHING = ("events list --json", "start --quiet", "status", "trace", "doctor --json")

Process = subprocess.Popen[str]


@frozen
class Shown:
    """What a command did."""

    exit_code: int
    stdout: str
    stderr: str
    broken: str | None


@contextmanager
def commands(powerless: Sequence[str] = ()) -> Iterator[Process]:
    """Run what carries out commands.

    Args:
        powerless: What its own command begins with.
    """
    pipe = subprocess.PIPE
    command = [*powerless, sys.executable, "-c", _COMMANDS]
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    yield process
    process.communicate(timeout=30)


@frozen
class Person:
    """Runs commands on a home."""

    process: Process
    home: Home

    def run(self, command: str, *, limit: int | None = None) -> Shown:
        """Run a command; files may not grow over so many bytes."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(self.home.root), command, limit]) + "\n")
        self.process.stdin.flush()
        shown = Shown(*json.loads(self.process.stdout.readline()))
        assert not shown.broken, (command, shown.broken)
        return shown

    def begin(self) -> None:
        """Use the home for the first time."""
        self.home.create()
        self.home.config_file.write_text(NO_PLUGINS)
        self.home.config_file.chmod(0o600)
        assert self.run("events list").exit_code == 0

    def refused(self, says: str, words: Sequence[str] = EVERYTHING) -> None:
        """Check that all commands end with one clear error."""
        for command in words:
            shown = self.run(command)
            assert shown.exit_code == 1, (command, shown)
            if command.startswith("doctor"):
                found = json.loads(shown.stdout)
                assert any(says in one["summary"] for one in found if not one["ok"]), found
                continue
            assert says in shown.stderr and shown.stderr.startswith("Error: "), (command, shown)
            assert shown.stdout == ""
