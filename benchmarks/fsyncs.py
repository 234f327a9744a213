"""Counts how often a message makes the disk wait, in a process of its own.

``fsyncs.c`` is built with the system's compiler and loaded before libc, so that it sees the calls
of the shipped SQLite. As a program this module lets a kernel deal with messages one after another,
each in a conversation of its own, and prints the calls for each.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

_MESSAGES = 100


def fsyncs_per_message() -> float | None:
    """Return the calls for each message, checkpoints included; None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        click.echo("fsyncs are not counted: there is no C compiler (cc)", err=True)
        return None
    source = Path(__file__).with_suffix(".c")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "fsyncs.so"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True
        )
        counted = subprocess.run(
            [sys.executable, "-m", "benchmarks.fsyncs", library, folder],
            env={**os.environ, "LD_PRELOAD": str(library)},
            cwd=source.parent.parent,
            capture_output=True,
            text=True,
            check=True,
        )
    return float(counted.stdout)


async def _count(library: str, folder: str) -> float:
    from benchmarks.turn import people_at

    calls = ctypes.CDLL(library).synced_calls
    calls.restype = ctypes.c_ulong
    async with people_at(Path(folder) / "home") as people:
        await people.talk(1, 10)
        before = calls()
        await people.talk(1, _MESSAGES)
        return float((calls() - before) / _MESSAGES)


if __name__ == "__main__":
    click.echo(asyncio.run(_count(*sys.argv[1:])))
