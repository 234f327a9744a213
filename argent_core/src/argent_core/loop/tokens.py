"""How many tokens a text takes, without the model's tokenizer: an estimate and a bound."""

from __future__ import annotations

import math

from argent_core import codec
from argent_hookspecs import Image, Message, ModelRequest

_ASCII_PER_TOKEN = 3.6
_MESSAGE_OVERHEAD = 5
_IMAGE_TOKENS = 50_000
"""No provider counts more for one image.

The most is counted by OpenAI's gpt-4o-mini: 2,833 and 5,667 for each tile of 512 pixels, 8 at most
(platform.openai.com/docs/guides/images-vision, "Calculating costs"), together 48,169. At $0.15 per
million that is the $7.225 per 1,000 images that OpenRouter lists.
"""
_TOOLS_TOKENS = 1000
"""No provider adds a longer explanation of its own to what it tells its model of tools."""


def estimate(text: str) -> int:
    """Estimate the tokens of a text, rather too many than too few.

    English runs at about four characters a token with today's vocabularies; other scripts at one
    to two, which is counted as one.
    """
    ascii_only = sum(1 for c in text if c.isascii()) if not text.isascii() else len(text)
    return math.ceil(ascii_only / _ASCII_PER_TOKEN + (len(text) - ascii_only)) + _MESSAGE_OVERHEAD


def most_tokens(request: ModelRequest) -> int:
    """Return a bound of the tokens that are told: no tokenizer makes more of a text than bytes."""
    images = sum(isinstance(part, Image) for message in request.messages for part in message.parts)
    words = [
        Message(message.role, tuple(part for part in message.parts if not isinstance(part, Image)))
        for message in request.messages
    ]
    told = codec.dump([request.system, words, request.tools])
    return len(told.encode()) + images * _IMAGE_TOKENS + (_TOOLS_TOKENS if request.tools else 0)
