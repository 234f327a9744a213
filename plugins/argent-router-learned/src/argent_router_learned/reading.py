"""What is read from a text: its words, as numbers, and its shape."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Mapping
from zlib import crc32

from attrs import frozen

READ = 1000
"""Characters that are looked at: three quarters from the beginning, the rest from the end."""
_BINS = (1 << 20) - 1
_TOKENS = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]{1,2}"  # without spaces
    r"|[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+|[^\w\s]"
)
_NUMBERS = re.compile(r"\d+(?:[.,]\d+)*")
_ENDS = re.compile(r"[.?!。？！]+(?:\s|$)")
_SYMBOLS = "=+*/^<>()[]{}\\_|"
_UPPER, _DIGITS = string.ascii_uppercase.encode(), string.digits.encode()
_NO = frozenset({"not", "no", "never", "except", "without", "least", "none"})
_IF = frozenset(
    {"if", "then", "when", "suppose", "assume", "given", "each", "every", "all"},
)
_ASK = frozenset({"what", "which", "who", "where", "when", "why", "how"})

SHAPE = (
    "length",
    "words",
    "numbers",
    "word length",
    "share of numbers",
    "lines",
    "commas",
    "sentences",
    "sentence length",
    "questions",
    "symbols",
    "capitals",
    "digits",
    "dollars",
    "percents",
    "variety",
    "long words",
    "short words",
    "last line",
    "longest line",
    "first line",
    "other lines",
    "other scripts",
    "negations",
    "conditions",
    "question words",
    "longest word",
    "quotes",
    "largest number",
    "different numbers",
)
"""Names of the numbers that describe a text's shape."""


@frozen
class Reading:
    """What is known of a text.

    Args:
        words: How often each word occurs, by a hash of it.
        shape: One number for each name of ``SHAPE``.
    """

    words: Mapping[int, int]
    shape: tuple[float, ...]


def read(text: str) -> Reading:
    """Read a text."""
    seen = text if len(text) <= READ else text[: READ * 3 // 4] + "\n" + text[-READ // 4 :]
    tokens = _TOKENS.findall(seen.lower())
    counts = Counter(tokens)
    words = {crc32(token.encode("utf-8", "replace")) & _BINS: n for token, n in counts.items()}
    return Reading(words, _shape(seen, len(text), tokens, counts))


def _shape(
    seen: str, length: int, tokens: list[str], counts: Mapping[str, int]
) -> tuple[float, ...]:
    plain = seen.encode("ascii", "ignore")
    words = [token for token in tokens if token.isalpha()]
    numbers = _NUMBERS.findall(seen)
    lengths = list(map(len, words))
    size, n = len(seen) + 1, max(1, len(words))
    sentences = max(1, len(_ENDS.findall(seen)))
    first, *others = map(len, seen.split("\n"))
    upper = len(plain) - len(plain.translate(None, _UPPER))
    digits = len(plain) - len(plain.translate(None, _DIGITS))
    return (
        math.log1p(length),
        math.log1p(len(words)),
        math.log1p(len(numbers)),
        sum(lengths) / n,
        len(numbers) / (n + len(numbers)),
        math.log1p(len(others)),
        math.log1p(counts.get(",", 0)),
        math.log1p(sentences),
        n / sentences,
        counts.get("?", 0),
        sum(counts.get(symbol, 0) for symbol in _SYMBOLS) / size,
        upper / size,
        digits / size,
        counts.get("$", 0) / size,
        counts.get("%", 0) / size,
        len(set(words)) / n,
        sum(size > 8 for size in lengths) / n,
        sum(size <= 3 for size in lengths) / n,
        math.log1p(others[-1] if others else first),
        math.log1p(max(first, *others, 0)),
        math.log1p(first),
        math.log1p(sum(others) / max(1, len(others))),
        (len(seen) - len(plain)) / size,
        sum(counts.get(word, 0) for word in _NO),
        sum(counts.get(word, 0) for word in _IF),
        sum(counts.get(word, 0) for word in _ASK),
        max(lengths, default=0),
        counts.get('"', 0) + counts.get("'", 0),
        math.log1p(max((_value(number) for number in numbers), default=0.0)),
        len(set(numbers)),
    )


def _value(number: str) -> float:
    plain = number.replace(",", "")
    return float(plain) if len(plain) < 12 and plain.count(".") < 2 else 0.0
