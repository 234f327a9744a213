"""Fixtures of this plugin's tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from llama_server import running


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def llama_url() -> Iterator[str]:
    """The address of a llama.cpp server with the small model, which asks for the key ``right``."""
    with running() as url:
        yield url


@pytest.fixture(scope="session")
def embedding_url() -> Iterator[str]:
    """The address of a llama.cpp server that turns texts into vectors."""
    with running("--embeddings") as url:
        yield url


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    script = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1])"
    port = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
    return f"http://127.0.0.1:{int(port)}/v1"
