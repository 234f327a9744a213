"""Wire formats of model servers, for answers that a ``ModelServer`` plays."""

from argent_testing.wire.streams import in_pieces, json_lines, sse

__all__ = ["in_pieces", "json_lines", "sse"]
