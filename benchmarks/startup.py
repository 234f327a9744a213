"""What it costs to start: commands beside the bare interpreter, and the agent at rest.

Everything is measured in clean environments, made of this checkout's wheels, with 0, 10 and 50
further plugins, each with a tool and a command.

- Commands are run in turns with ``python -c pass`` of the same environment, so that a slow moment
  of the machine meets all. A ratio is that of the medians of wall time; the CPU time (user and
  system) of the same runs is printed beside it, and is the steadier of the two on a busy machine.
- ``help_ratio`` and ``status_ratio`` are those with 50 plugins, ``status`` while the agent runs.
- ``ready_s`` is the time from the start of the process until the kernel answers on its link, all
  plugins running: the median of several starts of the shipped build, without further plugins.
- ``idle_mb`` is the resident memory (RSS) of that process once it has come to rest. The embedded
  model is installed and chosen, but nobody has asked it anything, so that it is not loaded.

It needs Linux, whose ``/proc`` tells the memory.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from attrs import field, frozen

from argent_core import link
from argent_core.paths import Home
from benchmarks.environment import Environment, build_wheels, install

_BARE = "python -c pass"
_PATIENCE = 60.0
_REST = 1.0
"""Seconds without CPU time after which a process is at rest."""

AIMS = {"help_ratio": 8.0, "status_ratio": 15.0, "idle_mb": 60.0, "ready_s": 1.0}


@frozen
class Contestant:
    """A command that is run again and again.

    Args:
        words: What is run.
        wall: Seconds that it took, one for each run.
        cpu: Seconds of CPU time, user and system.
    """

    environment: Environment
    words: Sequence[str]
    wall: list[float] = field(factory=list)
    cpu: list[float] = field(factory=list)

    def run(self) -> None:
        """Run it once and note what it cost."""
        begun = time.perf_counter()
        process = subprocess.Popen(
            self.words,
            env=self.environment.variables,
            cwd=self.environment.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        self.wall.append(time.perf_counter() - begun)
        self.cpu.append(used.ru_utime + used.ru_stime)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise click.ClickException(f"{' '.join(self.words)} ended with {process.returncode}")

    def ratio(self, other: Contestant) -> float:
        """Return how many times as long as another it takes."""
        return statistics.median(self.wall) / statistics.median(other.wall)


@frozen
class Memory:
    """Resident memory in MB: all of it, a fair share of what is shared, and its own alone."""

    rss: float
    pss: float
    uss: float


@click.command()
@click.option("--rounds", default=40, show_default=True, help="Times that each command is run.")
@click.option("--starts", default=7, show_default=True, help="Times that the agent is started.")
@click.option("--json", "as_json", is_flag=True, help="Print one object with the figures last.")
def main(rounds: int, starts: int, *, as_json: bool) -> None:
    """Measure what commands and the agent cost to start, and what the agent needs at rest.

    \b
    Examples:
      python -m benchmarks.startup
      python -m benchmarks.startup --rounds 100 --json
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _tell("building the wheels and three environments")
        tiny = build_wheels(folder / "wheels", plugins=50)
        made = {
            plugins: install(folder / str(plugins), folder / "wheels", beside=tiny[:plugins])
            for plugins in (0, 10, 50)
        }
        ready: dict[int, float] = {}
        idle: dict[int, Memory] = {}
        for plugins in (0, 50):
            _tell(f"starting the agent {starts} times, with {plugins} further plugins")
            ready[plugins], idle[plugins] = _starts(made[plugins], starts)
        _tell(f"running each command {rounds} times")
        with _running(made[50]):
            commands = _commands(made, rounds)
    figures = _figures(commands, ready, idle)
    _print(commands, ready, idle=idle)
    for figure, aim in AIMS.items():
        click.echo(f"{figure:14} {figures[figure]:8.2f}   aim: at most {aim:g}")
    if as_json:
        click.echo(json.dumps(figures))


def _commands(made: dict[int, Environment], rounds: int) -> dict[str, Contestant]:
    """Run the commands in turns; the agent runs on the home of the environment with 50 plugins."""
    ten, fifty = made[10], made[50]
    without = str(fifty.folder / "without")
    contestants = {
        _BARE: Contestant(fifty, [fifty.python, "-c", "pass"]),
        "argent --help, 10 plugins": Contestant(ten, [ten.argent, "--help"]),
        "argent --help": Contestant(fifty, [fifty.argent, "--help"]),
        "argent status": Contestant(fifty, [fifty.argent, "status"]),
        "argent status, no agent": Contestant(fifty, [fifty.argent, "--home", without, "status"]),
    }
    fifty.run(fifty.argent, "--home", without, "init", "--yes")
    for environment in (ten, fifty):  # the first one after an installation looks for commands
        environment.run(environment.argent, "--help")
    for _ in range(rounds):
        for contestant in contestants.values():
            contestant.run()
    return contestants


def _starts(environment: Environment, starts: int) -> tuple[float, Memory]:
    """Start the agent some times; return how long it took, and what it needs at rest."""
    with _running(environment):
        pass  # the first one makes the home, and fills the caches of the system
    seconds: list[float] = []
    for number in range(starts):
        with _running(environment) as (pid, took):
            seconds.append(took)
            if number == starts - 1:
                _come_to_rest(pid)
                memory = _memory(pid)
    return statistics.median(seconds), memory


@contextmanager
def _running(environment: Environment) -> Iterator[tuple[int, float]]:
    """Run the agent for the block; yield its process and the seconds until it was ready."""
    home = Home(environment.home)
    begun = time.perf_counter()
    process = subprocess.Popen(
        [environment.argent, "start", "--quiet"],
        env=environment.variables,
        cwd=environment.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        status = _status(process, home)
        took = time.perf_counter() - begun
        down = [p["name"] for p in status["plugins"] if p["state"] != "running"]
        if down:
            raise click.ClickException(f"these plugins do not run: {', '.join(down)}")
        yield process.pid, took
    finally:
        process.terminate()
        process.wait()


def _status(process: subprocess.Popen[bytes], home: Home) -> dict[str, Any]:
    """Wait until the kernel answers; return its answer."""
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up and process.poll() is None:
        try:
            return dict(link.ask(home, "status", arguments={})["result"])
        except link.Unreachable:
            time.sleep(0.002)
    raise click.ClickException("the agent did not start")


def _come_to_rest(pid: int) -> None:
    used = -1.0
    while (now := _cpu(pid)) != used:
        used = now
        time.sleep(_REST)


def _cpu(pid: int) -> float:
    """Return the CPU time that a process has used, in ticks of the system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return float(fields[11]) + float(fields[12])


def _memory(pid: int) -> Memory:
    """Read the memory of a process, in kB of 1024 bytes: proc_pid_smaps_rollup(5)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(size.split()[0]) / 1024 for name, size in (x.split(":") for x in lines)}
    own = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return Memory(sizes["Rss"], sizes["Pss"], own)


def _figures(
    commands: dict[str, Contestant], ready: dict[int, float], idle: dict[int, Memory]
) -> dict[str, float]:
    def ratio(name: str) -> float:
        return commands[name].ratio(commands[_BARE])

    figures = {
        "help_ratio": ratio("argent --help"),
        "status_ratio": ratio("argent status"),
        "idle_mb": idle[0].rss,
        "ready_s": ready[0],
        "help_10_ratio": ratio("argent --help, 10 plugins"),
        "status_without_agent_ratio": ratio("argent status, no agent"),
        "idle_50_mb": idle[50].rss,
        "ready_50_s": ready[50],
    }
    return {name: round(figure, 3) for name, figure in figures.items()}


def _print(
    commands: dict[str, Contestant], ready: dict[int, float], *, idle: dict[int, Memory]
) -> None:
    heads = ("wall ms", "least", "cpu ms", "wall ×", "cpu ×")
    click.echo(" " * 28 + "".join(f"{head:>9}" for head in heads))
    bare = commands[_BARE]
    for name, command in commands.items():
        wall, cpu = statistics.median(command.wall), statistics.median(command.cpu)
        times = "".join(f"{s * 1000:9.1f}" for s in (wall, min(command.wall), cpu))
        by_cpu = cpu / statistics.median(bare.cpu)
        click.echo(f"{name:28}{times}{command.ratio(bare):9.2f}{by_cpu:9.2f}")
    for plugins, memory in idle.items():
        name = f"argent start, {plugins} more"
        sizes = f"RSS {memory.rss:.1f} MB, PSS {memory.pss:.1f}, its own {memory.uss:.1f}"
        click.echo(f"{name:28} ready in {ready[plugins]:.2f} s; at rest: {sizes}")


def _tell(words: str) -> None:
    click.echo(f"{words}…", err=True)


if __name__ == "__main__":
    main()
