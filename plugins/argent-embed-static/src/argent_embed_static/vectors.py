"""The model in memory: from a text to its vector."""

from __future__ import annotations

import ctypes
import struct
import sys
from array import array
from collections.abc import Sequence
from pathlib import Path

from argent_embed_static.tokens import Tokenizer

LONGEST = 1024
"""Tokens that are read of a text; the mean of more says nothing any more."""
_WIDTH = 256
_CHARACTERS = LONGEST * 32


class WordVectors:
    """A vector for each token; that of a text is their mean, brought to length 1.

    WordLlama's vectors were trained so that their first 64, 128 or 256 numbers can stand alone
    (https://github.com/dleemiller/WordLlama). It takes texts from several threads at once.

    Args:
        vectors: A file of safetensors with one tensor of 16-bit floats.
        tokenizer: The file of the tokenizer.
        dimensions: Numbers of each vector that are used.
    """

    def __init__(self, vectors: Path, tokenizer: Path, *, dimensions: int) -> None:
        import numpy as np

        self._tokenizer = Tokenizer(tokenizer)
        with vectors.open("rb") as file:
            (header,) = struct.unpack("<Q", file.read(8))
            file.seek(8 + header)
            numbers = np.fromfile(file, np.float16)
        table = numbers.reshape(-1, _WIDTH)
        self._table = table if dimensions == _WIDTH else table[:, :dimensions].copy()
        _give_back()

    def vectors(self, texts: Sequence[str]) -> list[array[float]]:
        """Return a vector for each text; it is zero if there is nothing to read."""
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> array[float]:
        import numpy as np

        tokens = self._tokenizer.tokens(text[:_CHARACTERS], LONGEST)
        total = self._table[tokens].sum(axis=0, dtype=np.float32)
        length = float(np.sqrt(total @ total))
        return array("f", (total / length if length else total).tobytes())


def _give_back() -> None:
    """Give memory that only loading needed back to the system, where the C library can."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
