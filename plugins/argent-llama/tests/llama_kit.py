"""What the tests of this plugin share: a context of its own, and ways to talk to a model."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import argent_llama
from argent_llama.settings import LlamaSettings
from argent_testing import FakeContext, answers

SMALL = "smollm2-135m"

ask = partial(answers.ask, model=SMALL, max_output_tokens=24)


def context(data: Path, **settings: Any) -> FakeContext:
    """A context with this folder; the small model, unless another is set."""
    return FakeContext(argent_llama, LlamaSettings(**{"model": SMALL, **settings}), data=data)


def model_cache() -> Path:
    """The folder where this machine keeps weights for tests."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ARGENT_TEST_MODELS") or Path(base, "argent-test-models"))


def gguf(path: Path, *, context: int, name: str = "Toy", pooling: int = 0) -> Path:
    """Write the head of a GGUF file: no tensors, and three entries behind an array."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    path.write_bytes(
        b"GGUF"
        + struct.pack("<IQQ", 3, 0, 5)
        + (text("a.words") + struct.pack("<IIQ", 9, 8, 2) + text("one") + text("two"))
        + (text("a.numbers") + struct.pack("<IIQ3f", 9, 6, 3, 1.0, 2.0, 3.0))
        + (text("general.name") + struct.pack("<I", 8) + text(name))
        + (text("toy.context_length") + struct.pack("<II", 4, context))
        + (text("toy.pooling_type") + struct.pack("<II", 4, pooling))
    )
    return path


@asynccontextmanager
async def in_time(seconds: float) -> AsyncIterator[None]:
    """Fail if what is inside takes longer."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds
