"""Trust: whose word a piece of content is."""

from __future__ import annotations

import enum


class Trust(enum.StrEnum):
    """Whose word a piece of content is."""

    OWNER = "owner"
    PAIRED = "paired"
    OUTSIDE = "outside"
