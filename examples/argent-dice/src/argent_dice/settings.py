"""What a person can set."""

from __future__ import annotations

from argent_hookspecs import setting
from attrs import frozen


@frozen(kw_only=True)
class Settings:
    """Settings under ``plugins.dice``."""

    most: int = setting(100, doc="Most dice of one roll.", ge=1, le=1000)
