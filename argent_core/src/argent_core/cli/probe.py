"""Finding the commands of plugins: each is imported once, in a process of its own."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from types import TracebackType
from typing import Any, TextIO

import click

from argent_core.cli.index import Entry

GROUP = "argent.commands"
SECONDS = 30.0
"""Time for importing all of them; one that hangs ends the attempt."""


def find_commands() -> tuple[list[Entry], list[str]]:
    """Find the commands of all plugins.

    Returns:
        The commands, sorted by name, and the files of the modules that they were made from.
    """
    points: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        points.setdefault(point.name, []).append(point)
    single = {name: found[0] for name, found in points.items() if len(_owners(found)) < 2}
    answers = _probe([point.value for point in single.values()])
    entries = [_conflict(name, found) for name, found in points.items() if name not in single]
    modules: set[str] = set()
    for name, point in single.items():
        answer = answers[point.value]
        modules.update(answer.pop("modules", ()))
        entries.append(Entry(name, point.value, _owner(point), **answer))
    return sorted(entries), sorted(modules)


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown distribution"


def _owners(points: Iterable[EntryPoint]) -> list[str]:
    return sorted({_owner(point) for point in points})


def _conflict(name: str, points: Sequence[EntryPoint]) -> Entry:
    owners = _owners(points)
    reason = f"{' and '.join(owners)} both bring it; uninstall one"
    return Entry(name, points[0].value, owners[0], broken=reason, conflict=True)


def _probe(targets: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Import each target; what ends the process concerns only the one that did it."""
    answers: dict[str, dict[str, Any]] = {}
    waiting = sorted(set(targets))
    while waiting:
        said, reason = _run(waiting)
        answers.update(said)
        waiting = [target for target in waiting if target not in answers]
        if waiting and not reason:
            reason = "its import ended the process"
        if waiting:
            answers[waiting.pop(0)] = {"broken": reason}
    return answers


def _run(targets: Sequence[str]) -> tuple[dict[str, dict[str, Any]], str]:
    command = [sys.executable, "-c", "from argent_core.cli.probe import answer; answer()"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps({"path": sys.path, "targets": list(targets)}),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        output, reason = done.stdout, ""
    except subprocess.TimeoutExpired as error:
        raw: Any = error.stdout or b""  # text on Windows
        output = raw.decode() if isinstance(raw, bytes) else raw
        reason = f"its import takes more than {SECONDS:.0f} seconds"
    said = {}
    for line in output.splitlines():
        if not line.endswith("}"):  # cut off by the end of the process
            break
        message = json.loads(line)
        said[message.pop("target")] = message
    return said, reason


def answer() -> None:
    """Import the targets named on standard input and describe each, in a line of JSON.

    The first that raises ends the process, and is the last that is described.
    """
    question = json.load(sys.stdin)
    sys.path[:] = question["path"]
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what modules print while they are imported is no answer
    for target in question["targets"]:
        sys.excepthook = _teller(out, target)
        _tell(out, target, _describe(target))


def _describe(target: str) -> dict[str, Any]:
    module, _, attribute = target.partition(":")
    found: Any = importlib.import_module(module)
    for part in attribute.split(".") if attribute else ():
        found = getattr(found, part)
    modules = list(_files_of(module.partition(".")[0]))
    if not isinstance(found, click.Command):
        return {"broken": f"{target} is not a click command", "modules": modules}
    about = found.get_short_help_str(limit=80)
    return {"help": about, "hidden": found.hidden, "modules": modules}


def _files_of(package: str) -> Iterator[str]:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and (name == package or name.startswith(f"{package}.")):
            yield file
            yield os.path.dirname(file)  # noqa: PTH120 - changes when a module is added to it


def _teller(out: TextIO, target: str) -> Any:
    def tell(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
        modules = list(_files_of(target.partition(":")[0].partition(".")[0]))
        reason = " ".join(f"{kind.__name__}: {error}".split())
        _tell(out, target, {"broken": reason, "modules": modules})

    return tell


def _tell(out: TextIO, target: str, message: dict[str, Any]) -> None:
    out.write(json.dumps({"target": target, **message}) + "\n")
    out.flush()
