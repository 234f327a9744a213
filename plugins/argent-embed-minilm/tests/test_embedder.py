"""Texts as vectors, with the real weights."""

from __future__ import annotations

from argent_embed_minilm.catalogue import MINILM
from argent_embed_minilm.settings import MiniLmSettings
from argent_testing import FetchedEmbedderTests


class TestEmbedder(FetchedEmbedderTests):
    plugin = "argent_embed_minilm"
    settings = MiniLmSettings
    wanted = MINILM
