"""Texts in Llama 2's tokens; the numbers are those that its makers' tokenizer gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from argent_embed_static.catalogue import TOKENIZER, WORDLLAMA
from argent_embed_static.tokens import Tokenizer

pytestmark = pytest.mark.anyio


@pytest.fixture
def tokenizer(files: list[Path]) -> Tokenizer:
    return Tokenizer(files[WORDLLAMA.files.index(TOKENIZER)])


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("Hello world, naïve café!", [15043, 3186, 29892, 1055, 30085, 345, 274, 28059, 29991]),
        ("我昨天在北京", [29871, 30672, 233, 155, 171, 30408, 30505, 30662, 30675]),
        ("😀 x", [29871, 243, 162, 155, 131, 921]),
        ("unbelievableness 12", [443, 6596, 10384, 370, 2435, 404, 29871, 29896, 29906]),
        ("  Hello\n\tworld ", [15043, 3186]),
    ],
)
async def test_words_and_their_pieces(tokenizer: Tokenizer, text: str, tokens: list[int]) -> None:
    assert tokenizer.tokens(text, 1024) == tokens


async def test_a_long_text_ends(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.tokens("cat " * 3000, 1024)) == 1024
    assert len(tokenizer.tokens("cat" * 3000, 1024)) == 1024
