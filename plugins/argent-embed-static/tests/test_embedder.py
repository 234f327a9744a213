"""Texts as vectors, with the real weights."""

from __future__ import annotations

import argent_embed_static
from argent_embed_static.catalogue import WORDLLAMA
from argent_embed_static.settings import StaticSettings
from argent_testing import FetchedEmbedderTests


class TestEmbedder(FetchedEmbedderTests):
    module = argent_embed_static
    settings = StaticSettings
    wanted = WORDLLAMA
