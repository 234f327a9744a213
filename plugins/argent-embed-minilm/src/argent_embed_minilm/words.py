"""BERT's tokens: words in lower case without accents, and pieces of those that it does not know.

The rules are those of the tokenizer that BERT was published with
(https://github.com/google-research/bert/blob/master/tokenization.py).
"""

from __future__ import annotations

import functools
import re
import unicodedata
import zlib
from array import array
from importlib.resources import files

_LONGEST_WORD = 100
_REMEMBERED = 4096
_USUAL = 32
_SLOTS = 1 << 16
_NEWLINE = ord("\n")
_CONTROL = ("Cc", "Cf", "Co", "Cs")
_CHINESE = (
    "\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f\U0002b740-\U0002b81f"
    "\U0002b920-\U0002ceaf\uf900-\ufaff\U0002f800-\U0002fa1f"
)
_ALONE = re.compile(f"([{_CHINESE}])")


class Tokenizer:
    """Splits texts into BERT's tokens."""

    def __init__(self) -> None:
        self._known = _Vocabulary(files("argent_embed_minilm").joinpath("vocab.txt").read_bytes())
        self._start, self._end, self._unknown = map(self._known.must, ("[CLS]", "[SEP]", "[UNK]"))
        self._remembered = functools.lru_cache(_REMEMBERED)(self._tokens)

    def tokens(self, text: str, longest: int) -> list[int]:
        """Return the numbers of a text's tokens, with the marks of its start and end.

        Args:
            text: Any text.
            longest: Tokens at most; the rest of the text is cut off.
        """
        found = [self._start]
        for part in text.split():
            known = self._remembered if len(part) <= _USUAL else self._tokens
            found += known(part)
            if len(found) >= longest:
                break
        return [*found[: longest - 1], self._end]

    def _tokens(self, part: str) -> tuple[int, ...]:
        return tuple(number for word in _words(part) for number in self._pieces(word))

    def _pieces(self, word: str) -> list[int]:
        """Take the longest piece that is known, again and again."""
        if len(word) > _LONGEST_WORD:
            return [self._unknown]
        found: list[int] = []
        start = 0
        while start < len(word):
            mark = "##" if start else ""
            for end in range(len(word), start, -1):
                if (number := self._known.find(mark + word[start:end])) is not None:
                    found.append(number)
                    start = end
                    break
            else:
                return [self._unknown]
        return found


class _Vocabulary:
    """The numbers of the tokens: a table of half a megabyte, where a ``dict`` takes four.

    Args:
        raw: The tokens, one to a line.
    """

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._ends = array("L", (place for place, byte in enumerate(raw) if byte == _NEWLINE))
        self._table = array("H", bytes(2 * _SLOTS))
        for number in range(len(self._ends)):
            slot = zlib.crc32(self._token(number)) % _SLOTS
            while self._table[slot]:
                slot = (slot + 1) % _SLOTS
            self._table[slot] = number + 1

    def find(self, token: str) -> int | None:
        """Return the number of a token, or None."""
        key = token.encode()
        slot = zlib.crc32(key) % _SLOTS
        while after := self._table[slot]:
            if self._token(after - 1) == key:
                return after - 1
            slot = (slot + 1) % _SLOTS
        return None

    def must(self, token: str) -> int:
        """Return the number of a token that is known to be there."""
        number = self.find(token)
        assert number is not None
        return number

    def _token(self, number: int) -> bytes:
        start = self._ends[number - 1] + 1 if number else 0
        return self._raw[start : self._ends[number]]


def _words(part: str) -> list[str]:
    """Return words and punctuation marks, in lower case, without accents and control characters."""
    clean = "".join(c for c in part if c != "\ufffd" and unicodedata.category(c) not in _CONTROL)
    plain = unicodedata.normalize("NFD", _ALONE.sub(r" \1 ", clean))
    spaced = (_spaced(c.lower()) for c in plain if unicodedata.category(c) != "Mn")
    return "".join(spaced).split()


def _spaced(character: str) -> str:
    category = unicodedata.category(character[0])
    is_mark = category[0] == "P" or (category[0] == "S" and character.isascii())
    return f" {character} " if is_mark else character
