from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from argent_terminal.chat import chat


def _load(name: str) -> ModuleType:
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"argent_terminal_{name}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module


_scripted = _load("scripted_kernel")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def kernel(tmp_path: Path) -> Any:
    """A kernel on a home of its own, whose agent follows a script."""
    return _scripted.Kernel(tmp_path)


@pytest.fixture
def argent_chat(kernel: Any) -> Callable[..., Result]:
    """Run the command in a shell without a terminal."""

    def run(*arguments: str, stdin: str | bytes = "") -> Result:
        return CliRunner().invoke(chat, list(arguments), obj=kernel, input=stdin)

    return run


@pytest.fixture
def wire_pair() -> Any:
    """Both ends of a connection in memory."""
    return _scripted.Wire.pair()
