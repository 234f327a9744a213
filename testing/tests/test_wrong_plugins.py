"""Each contract notices a plugin that breaks it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

WRONG_PLUGINS = Path(__file__).with_name("wrong_plugins.py")
HEAVY = """
import time
from argent_hookspecs import Plugin, hookimpl

began = time.process_time()
while time.process_time() - began < 0.4:
    pass

@hookimpl
def argent_plugin():
    return Plugin(summary="Thinks before it speaks.")
"""
BLOCKING = '''
import time
from argent_hookspecs import Plugin, hookimpl, tool

@tool
async def nap() -> str:
    """Sleep a little."""
    time.sleep(0.01)
    return "rested"

@hookimpl
def argent_plugin():
    return Plugin(summary="Sleeps.")

@hookimpl
def argent_tools():
    return [nap]
'''


def load_wrong_plugins() -> Any:
    spec = importlib.util.spec_from_file_location("wrong_plugins", WRONG_PLUGINS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXPECTED = {contract.__name__: contract.expected for contract in load_wrong_plugins().WRONG}


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """What failed in a run of all wrong plugins: the words, by class and test."""
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "wrong_heavy.py").write_text(HEAVY, "utf-8")
    (folder / "wrong_blocking.py").write_text(BLOCKING, "utf-8")
    (folder / "wrong_uncovered.py").write_text(BLOCKING, "utf-8")
    wanted = " or ".join(f"({name} and {test})" for name, (test, _) in EXPECTED.items())
    options = ["--import-mode=importlib", "--tb=line", "-p", "no:cacheprovider", "-c", os.devnull]
    report = [f"--rootdir={folder}", "--junitxml=report.xml"]
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", wanted, *options, *report, str(WRONG_PLUGINS)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.DEVNULL,
        check=False,
    )
    found: dict[tuple[str, str], str] = {}
    for case in ElementTree.parse(folder / "report.xml").iter("testcase"):
        key = (case.attrib["classname"].rpartition(".")[2], case.attrib["name"])
        words = [
            f"{bad.get('message')} {bad.text}"
            for bad in (*case.iter("failure"), *case.iter("error"))
        ]
        found[key] = found.get(key, "") + "\n".join(words)
    return found


@pytest.mark.parametrize("name", EXPECTED)
def test_the_contract_notices(failures: dict[tuple[str, str], str], name: str) -> None:
    test, words = EXPECTED[name]

    assert words in failures[name, test]
