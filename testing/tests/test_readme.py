"""What the README shows runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import argent_testing

pytestmark = pytest.mark.timeout(300)
README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
EVERY_COROUTINE = """
import inspect
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

def pytest_collection_modifyitems(items):
    for item in items:
        if inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.anyio)
"""
BASES = {"Contract", "OpenedContract", "RecordContract"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """All examples, each a module of its own, run at once."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "conftest.py").write_text(EVERY_COROUTINE, "utf-8")
    for number, example in enumerate(EXAMPLES):
        (folder / f"test_example_{number}.py").write_text(example, "utf-8")
    options = ["-q", "--tb=short", "-W", "error", "-p", "no:cacheprovider", "-c", os.devnull]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-n", "0", f"--rootdir={folder}", str(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_example_runs(run: subprocess.CompletedProcess[str]) -> None:
    assert run.returncode == 0, run.stdout[-5000:]
    assert re.search(r"\d+ passed", run.stdout)


def test_every_contract_has_an_example() -> None:
    contracts = {name for name in argent_testing.__all__ if name.endswith("Contract")} - BASES
    shown = set(re.findall(r"^class \w+\((?:\w+, )?(\w+)\):", "\n".join(EXAMPLES), re.MULTILINE))

    assert contracts - shown == set()


def test_every_name_is_documented() -> None:
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", README))))
    told |= set(re.findall(r"\w+", "\n".join(EXAMPLES)))

    assert [name for name in argent_testing.__all__ if name not in told] == []
