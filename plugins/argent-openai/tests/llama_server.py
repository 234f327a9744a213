"""The HTTP server of llama.cpp with the small model, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

KEY = "right"
NAME = "smollm2"
CONTEXT = 1024


@contextmanager
def running(*options: str) -> Iterator[str]:
    """Run the server for the block and yield the address of its API."""
    command = [sys.executable, __file__, str(_weights()), *options]
    environment = os.environ | {"OMP_WAIT_POLICY": "passive"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            address = next(line for line in process.stdout if line.startswith("http://"))
            yield f"{address.strip()}/v1"
        finally:
            process.kill()


def _weights() -> Path:
    """Return the small model's file, after fetching it if need be."""
    from argent_llama.catalogue import CATALOGUE
    from argent_llama.weights import WeightStore

    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("ARGENT_TEST_MODELS") or Path(base, "argent-test-models"))
    weights = CATALOGUE["smollm2-135m"].weights
    assert weights is not None
    ctx = SimpleNamespace(data=folder, progress=lambda *_, **__: None)
    return asyncio.run(WeightStore(cast(Any, ctx)).fetch(weights))


def _serve(path: str, *, embeddings: bool) -> None:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = path
    # Of several texts in one batch, llama.cpp takes the mean over a part of each alone.
    parameters.n_parallel = 1 if embeddings else 2
    parameters.n_ctx = CONTEXT * parameters.n_parallel
    parameters.n_batch = parameters.n_ubatch = 512 if embeddings else 32
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 2
    parameters.no_extra_bufts = True
    parameters.fit_params = parameters.warmup = False
    parameters.verbosity = -1
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    parameters.api_keys = [KEY]
    parameters.model_alias = [NAME]
    parameters.embedding = embeddings
    if embeddings:
        parameters.pooling_type = 1
    server = xllamacpp.Server(parameters)
    server.handle_metrics()
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _serve(sys.argv[1], embeddings="--embeddings" in sys.argv)
