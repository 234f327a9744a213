"""One loaded model: the boundary to llama.cpp. Everything here blocks and runs in threads.

xllamacpp lets other threads run while a model answers, but not while it builds a server. So what
takes long is kept out of that moment: the file is read beforehand and mapped, not copied.
"""

from __future__ import annotations

import importlib
import json
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from argent_hookspecs import ModelUnavailable
from argent_llama.gguf import read_info

BATCH = 32
"""Tokens of a prompt that are read at a time. A stop is noticed between two of these."""
PROMPT_CACHE_MIB = 256
"""Memory for the prompts of conversations that have no slot at the moment."""
_CHUNK = 1 << 22
_MEAN = 1
"""How a vector is made of those of the tokens, where the model does not say."""


@frozen(kw_only=True)
class ServerOptions:
    """How a model is run.

    Args:
        context: Tokens for each answer.
        parallel: Answers at a time.
        threads: Threads that compute.
        vectors: Whether it turns texts into vectors, instead of answering.
    """

    context: int
    parallel: int
    threads: int
    vectors: bool = False


class ModelServer:
    """A model in memory.

    Args:
        path: Its GGUF file.
        options: How it is run.

    Raises:
        ModelUnavailable: It cannot be loaded.
    """

    def __init__(self, path: Path, options: ServerOptions) -> None:
        # libgomp reads this once. Its threads would otherwise spin while they wait for each other,
        # which on busy processors makes an answer twenty times slower.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        self._llama = importlib.import_module("xllamacpp")
        folder = tempfile.mkdtemp(prefix="argent-llama-")
        try:
            self._server = self._llama.Server(self._parameters(path, options, folder))
            # A server that is dropped before its loop has begun waits for ever; once it has
            # answered anything, the loop runs.
            self._server.handle_metrics()
        except (RuntimeError, ValueError, MemoryError) as error:
            raise ModelUnavailable(
                f"{path.name} could not be loaded. Either the file is damaged, or it is for "
                "another version of llama.cpp, or there is too little memory for a context of "
                f"{options.context} tokens ({options.parallel} times): {error}"
            ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _parameters(self, path: Path, options: ServerOptions, folder: str) -> Any:
        parameters = self._llama.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx = options.context * options.parallel
        parameters.n_parallel = options.parallel
        # A text is turned into a vector at once.
        parameters.n_batch = parameters.n_ubatch = options.context if options.vectors else BATCH
        if options.vectors:
            parameters.embedding = True
            if not read_info(path).pools:
                parameters.pooling_type = _MEAN
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = options.threads
        parameters.cache_ram_mib = PROMPT_CACHE_MIB
        # The weights stay as they are in the file, shared with the page cache: a copy in another
        # layout costs half as much memory again and most of the time of loading.
        parameters.no_extra_bufts = True
        parameters.fit_params = False
        parameters.warmup = False
        parameters.verbosity = -1
        self._close_door(parameters, folder)
        return parameters

    @staticmethod
    def _close_door(parameters: Any, folder: str) -> None:
        """Keep others out of the HTTP server that llama.cpp starts beside the model.

        It listens on a socket file that is removed as soon as the model is loaded; on systems
        without those, on a loopback port. Either way it asks for a key that nobody knows.
        """
        parameters.api_keys = [secrets.token_urlsafe(32)]
        parameters.cors_origins = ""
        parameters.ui = parameters.endpoint_slots = False
        parameters.endpoint_metrics = True
        parameters.n_threads_http = 1
        if os.name == "posix":
            parameters.hostnames = [str(Path(folder, "llama.sock"))]

    def grammar(self, schema: dict[str, Any]) -> str:
        """Make a grammar of a JSON schema."""
        grammar: str = self._llama.json_schema_to_grammar(schema)
        return grammar

    def complete(self, body: dict[str, Any], on_chunk: Callable[[bytes], bool]) -> None:
        """Answer a chat request of the OpenAI form.

        Args:
            body: The request.
            on_chunk: Called on this thread with each piece, JSON; the model stops if it returns
                True. While the prompt is read it is called after every batch.

        Raises:
            RuntimeError: The request cannot be understood.
        """
        self._server.handle_chat_completions(json.dumps(body).encode(), on_chunk)

    def embed(self, texts: Sequence[str]) -> dict[str, Any]:
        """Turn texts into vectors; return an answer of the OpenAI form, or an error.

        Halves of surrogate pairs, which have no bytes, are replaced.
        """
        whole = [text.encode("utf-8", "replace").decode() for text in texts]
        found: dict[str, Any] = self._server.handle_embeddings({"input": whole})
        return found


def warm(path: Path, report: Callable[[int], None], *, stop: threading.Event) -> None:
    """Read a file once, so that loading it from the page cache takes a moment.

    Args:
        path: The file.
        report: Told how many bytes are read.
        stop: Set to stop early.
    """
    done = 0
    with path.open("rb", buffering=0) as file:
        while not stop.is_set() and (data := file.read(_CHUNK)):
            done += len(data)
            report(done)


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
