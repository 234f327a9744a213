"""Wire formats of model servers, for answers that a ``ModelServer`` plays."""

from argent_testing.wire.streams import json_lines, sse

__all__ = ["json_lines", "sse"]
