"""Texts as vectors, with the real weights."""

from __future__ import annotations

import argent_embed_minilm
from argent_embed_minilm.catalogue import MINILM
from argent_embed_minilm.settings import MiniLmSettings
from argent_testing import FetchedEmbedderTests


class TestEmbedder(FetchedEmbedderTests):
    module = argent_embed_minilm
    settings = MiniLmSettings
    wanted = MINILM
