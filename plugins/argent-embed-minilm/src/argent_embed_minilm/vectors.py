"""The model in memory: from a text to its vector."""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import Any

from argent_embed_minilm.given_back import give_back, give_back_code
from argent_embed_minilm.network import DIMENSIONS, network
from argent_embed_minilm.onnx_file import find_tensors
from argent_embed_minilm.words import Tokenizer

LONGEST = 256
"""Tokens that the model was made for; the rest of a text is cut off."""
_CHARACTERS = LONGEST * 32
_EMBEDDINGS = "inner.embeddings"
_PROCESSORS = Path("/proc/cpuinfo")


class MiniLm:
    """The model, loaded. Texts may be given to it from several threads at once.

    Args:
        path: The file of weights, known to be whole.
        threads: Processors that work on one text.

    Raises:
        OSError: The file cannot be read.
    """

    def __init__(self, path: Path, *, threads: int) -> None:
        self._path = path
        self._tokenizer = Tokenizer()
        with (
            path.open("rb") as opened,
            mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as file,
        ):
            tensors = find_tensors(file)
            words = f"{_EMBEDDINGS}.word_embeddings.weight"
            self._words = tensors[f"{words}_q"].start
            self._scales = tensors[f"{words}_scale"].read(file)
            places = f"{_EMBEDDINGS}.position_embeddings.weight"
            scales = tensors[f"{places}_scale"].read(file)[:LONGEST]
            self._places = tensors[f"{places}_q"].read(file)[:LONGEST] * scales
            self._places += tensors[f"{_EMBEDDINGS}.token_type_embeddings.weight"].read(file)[0]
            model = network(tensors, file, name=path.name)
        self._session = _session(model, path.parent, threads=threads)
        self.vectors([""])
        give_back()
        give_back_code("onnxruntime")

    def vectors(self, texts: Sequence[str]) -> list[array[float]]:
        """Return a vector of length 1 for each text.

        Each text is a run of its own: the integers that the network multiplies are scaled by what
        is run together, and so a text's vector does not depend on its neighbours.

        Raises:
            OSError: The file is no longer there, or was cut off.
        """
        with self._path.open("rb", buffering=0) as file:
            return [self._vector(text, file) for text in texts]

    def _vector(self, text: str, file: FileIO) -> array[float]:
        tokens = self._tokenizer.tokens(text[:_CHARACTERS], LONGEST)
        words = self._embeddings(tokens, file) * self._scales[tokens] + self._places[: len(tokens)]
        (vector,) = self._session.run(None, {"words": words[None]})
        return array("f", vector.tobytes())

    def _embeddings(self, tokens: Sequence[int], file: FileIO) -> Any:
        """Read the rows of the tokens: few are ever used, and the system keeps those at hand."""
        import numpy as np

        rows = bytearray()
        for token in tokens:
            file.seek(self._words + token * DIMENSIONS)
            rows += file.read(DIMENSIONS)
        if len(rows) < len(tokens) * DIMENSIONS:
            raise OSError(f"{self._path} was cut off")
        return np.frombuffer(rows, np.int8).reshape(len(tokens), DIMENSIONS)


def _session(model: bytes, folder: Path, *, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    # The network is as it should run: what onnxruntime would make of it takes a fifth longer.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    entries = {
        "session.intra_op.allow_spinning": "0",
        "session.x64quantprecision": "0" if _has_vnni() else "1",
        "session.model_external_initializers_file_folder_path": str(folder),
    }
    for key, value in entries.items():
        options.add_session_config_entry(key, value)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _has_vnni() -> bool:
    """Say whether the processor has instructions that sum products of int8 without overflow.

    Without them an exact way has to be taken on x86, which is half as fast.
    """
    try:
        return "vnni" in _PROCESSORS.read_text()
    except OSError:
        return False
