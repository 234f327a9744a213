"""An estimate of how many tokens a text takes, without the model's tokenizer."""

from __future__ import annotations

import math

_ASCII_PER_TOKEN = 3.6
_MESSAGE_OVERHEAD = 5


def estimate(text: str) -> int:
    """Estimate the tokens of a text, rather too many than too few.

    English runs at about four characters a token with today's vocabularies; other scripts at one
    to two, which is counted as one.
    """
    ascii_only = sum(1 for c in text if c.isascii()) if not text.isascii() else len(text)
    return math.ceil(ascii_only / _ASCII_PER_TOKEN + (len(text) - ascii_only)) + _MESSAGE_OVERHEAD
