"""Attachments: what comes with a message, and goes with a reply."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import matches_re


@frozen
class File:
    """An attachment: its content is kept by the kernel, and read through ``ctx.files``.

    Args:
        id: SHA-256 of the content, in hexadecimal.
        name: As its sender named it, without folders; may be empty.
        media_type: What it is, as its content shows: ``image/jpeg``, ``application/pdf``.
        size: Bytes.
    """

    id: str = field(validator=matches_re(r"[0-9a-f]{64}"))
    name: str
    media_type: str
    size: int
