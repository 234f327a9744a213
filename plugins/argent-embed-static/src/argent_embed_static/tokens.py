"""Llama 2's tokens: byte-pair encoding of words, as its SentencePiece model does it.

Pieces are joined in the order of their numbers in the vocabulary, which is that of their scores
(https://github.com/google/sentencepiece/blob/master/src/bpe_model.cc).
"""

from __future__ import annotations

import functools
import itertools
import json
from pathlib import Path

_START = "\u2581"
_REMEMBERED = 8192
_USUAL = 32
_NEVER = 1 << 30


class Tokenizer:
    """Splits texts into tokens.

    Args:
        path: A file of Hugging Face's tokenizers.
    """

    def __init__(self, path: Path) -> None:
        self._numbers: dict[str, int] = json.loads(path.read_bytes())["model"]["vocab"]
        self._remembered = functools.lru_cache(_REMEMBERED)(self._tokens)

    def tokens(self, text: str, longest: int) -> list[int]:
        """Return the numbers of a text's tokens.

        Args:
            text: Any text; how much space is between words does not count.
            longest: Tokens at most; the rest of the text is cut off.
        """
        found: list[int] = []
        for word in text.split():
            # Joining takes time that grows with the square of the length.
            for start in range(0, len(word), _USUAL):
                part = word[start : start + _USUAL]
                found += self._remembered(part if start else _START + part)
            if len(found) >= longest:
                break
        return found[:longest]

    def _tokens(self, word: str) -> tuple[int, ...]:
        numbers = self._numbers
        pieces: list[str] = []
        for character in word:
            known = character in numbers
            pieces += [character] if known else _bytes_of(character)
        while len(pieces) > 1:
            pairs = [left + right for left, right in itertools.pairwise(pieces)]
            best = min(range(len(pairs)), key=lambda at: numbers.get(pairs[at], _NEVER))
            if pairs[best] not in numbers:
                break
            pieces[best : best + 2] = [pairs[best]]
        return tuple(numbers[piece] for piece in pieces)


def _bytes_of(character: str) -> list[str]:
    return [f"<0x{byte:02X}>" for byte in character.encode(errors="replace")]
