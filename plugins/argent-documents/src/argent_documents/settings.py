"""How much of a document is read, and how long that may take."""

from __future__ import annotations

from attrs import frozen

from argent_hookspecs import setting


@frozen(kw_only=True)
class DocumentsSettings:
    """The plugin's settings."""

    largest: int = setting(20_000_000, doc="Bytes that a document may have.", ge=1)
    characters: int = setting(200_000, doc="Characters that are read of one.", ge=1)
    seconds: float = setting(30.0, doc="Seconds that reading one may take.", ge=0.1, le=55.0)
    megabytes: int = setting(1024, doc="Memory that reading one may take, in MB.", ge=256)
