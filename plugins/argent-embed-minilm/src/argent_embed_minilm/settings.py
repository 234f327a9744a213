"""What a person can set about the embedder."""

from __future__ import annotations

from attrs import frozen

from argent_hookspecs import setting


@frozen(kw_only=True)
class MiniLmSettings:
    """The plugin's settings."""

    threads: int = setting(1, doc="Processors that work on one text.", ge=1, le=64)
