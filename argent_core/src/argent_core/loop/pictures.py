"""Pictures: whether a model may be shown one, by its kind, its size and the room that it takes."""

from __future__ import annotations

import struct

from argent_core.guard import attempt

MOST_BYTES = 3_900_000
"""Anthropic refuses more than 5 MiB of a picture as it is sent, a third longer in base64."""
_KINDS = ("image/png", "image/jpeg", "image/webp", "image/gif")
_MOST_PIXELS = 8000
"""Anthropic refuses pictures that are wider or higher (docs.claude.com, "Vision")."""
_NO_FRAMES = (0xC4, 0xC8, 0xCC)


def objection(data: bytes, media_type: str) -> str:
    """Say why a picture cannot be shown to any model; empty if it can."""
    if media_type not in _KINDS:
        return f"models take no {media_type}"
    if len(data) > MOST_BYTES:
        return f"models take {MOST_BYTES / 1e6:.1f} MB at most, and it has {len(data) / 1e6:.1f}"
    size = attempt(_size, data, media_type).value
    if size is None or min(size) < 1:
        return "it is damaged"
    if max(size) > _MOST_PIXELS:
        return f"models take {_MOST_PIXELS} pixels each way, and it has {size[0]} × {size[1]}"
    return ""


def _size(data: bytes, media_type: str) -> tuple[int, int]:
    """Read how wide and how high a picture is. Raises ``struct.error`` or ``ValueError``."""
    if media_type == "image/png":
        return _pair(">II", data, 16)
    if media_type == "image/gif":
        return _pair("<HH", data, 6)
    return _webp_size(data) if media_type == "image/webp" else _jpeg_size(data)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Read it of a WebP (https://developers.google.com/speed/webp/docs/riff_container)."""
    if data[12:16] == b"VP8X":
        both = int.from_bytes(data[24:30], "little")
        return (both & 0xFFFFFF) + 1, (both >> 24) + 1
    if data[12:16] == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    wide, high = _pair("<HH", data, 26)
    return wide & 0x3FFF, high & 0x3FFF


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Read it of the first frame of a JPEG (ITU-T T.81, annex B)."""
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAMES:
            high, wide = _pair(">HH", data, place + 5)
            return wide, high
        (length,) = struct.unpack_from(">H", data, place + 2)
        place += 1 if marker == 0xFF else 2 + length
    raise ValueError("no frame")


def _pair(layout: str, data: bytes, offset: int) -> tuple[int, int]:
    first, second = struct.unpack_from(layout, data, offset)
    return first, second
