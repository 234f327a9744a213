"""Texts as vectors, with the real weights."""

from __future__ import annotations

from argent_embed_static.catalogue import WORDLLAMA
from argent_embed_static.settings import StaticSettings
from argent_testing import FetchedEmbedderTests


class TestEmbedder(FetchedEmbedderTests):
    plugin = "argent_embed_static"
    settings = StaticSettings
    wanted = WORDLLAMA
