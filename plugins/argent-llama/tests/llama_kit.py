"""What the tests of this plugin share: a context of its own, and ways to talk to a model."""

from __future__ import annotations

import os
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


@asynccontextmanager
async def in_time(seconds: float) -> AsyncIterator[None]:
    """Fail if what is inside takes longer."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds
