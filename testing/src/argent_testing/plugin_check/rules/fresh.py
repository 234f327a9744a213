"""Imports in fresh processes, where nothing has been imported yet."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable

from attrs import frozen

_REPORT = """
import sys, time
sys.path[:] = __PATH__
start = time.process_time()
import argent_hookspecs
control = time.process_time() - start
before = set(sys.modules)
import importlib
start = time.process_time()
importlib.import_module(sys.argv[1])
took = time.process_time() - start
import json
print(json.dumps([control, took, sorted(set(sys.modules) - before)]))
"""


@frozen
class FreshImport:
    """What it costs to import a module once the contract is there.

    Args:
        seconds: Processor time, the median of several processes.
        control: That of importing the contract, in the same processes.
        modules: What was imported with it.
    """

    seconds: float
    control: float
    modules: tuple[str, ...]


def import_afresh(module: str, *, times: int = 5) -> FreshImport:
    """Import a module in fresh processes; the first one, which compiles it, does not count."""
    runs = [_run(module) for _ in range(times + 1)][1:]
    return FreshImport(
        statistics.median(took for _, took, _ in runs),
        statistics.median(control for control, _, _ in runs),
        tuple(runs[-1][2]),
    )


def tops(modules: Iterable[str]) -> set[str]:
    """Return the packages that modules belong to."""
    return {module.partition(".")[0] for module in modules}


def _run(module: str) -> tuple[float, float, list[str]]:
    code = _REPORT.replace("__PATH__", repr([path for path in sys.path if path]))
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code, module],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    control, took, modules = json.loads(done.stdout.splitlines()[-1])
    return control, took, modules
