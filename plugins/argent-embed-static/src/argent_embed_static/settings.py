"""What a person can set about the embedder."""

from __future__ import annotations

from attrs import frozen

from argent_hookspecs import setting


@frozen(kw_only=True)
class StaticSettings:
    """The plugin's settings."""

    dimensions: int = setting(
        256, doc="Numbers in a vector; fewer take less room and find less.", choices=(64, 128, 256)
    )
