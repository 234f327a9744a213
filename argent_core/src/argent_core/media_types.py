"""Media types: what a file is, as its content shows; its name is not asked.

The signatures are those of the WHATWG's MIME Sniffing Standard (https://mimesniff.spec.whatwg.org,
§6 and §7), those of ISO base media files (https://mp4ra.org/registered-types/brands) and those of
office documents, which are ZIP archives.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from argent_core.guard import attempt

UNKNOWN = "application/octet-stream"
PLAIN = "text/plain"

_HEAD = 4096
_ZIP = "application/zip"
_OFFICE = "application/vnd.openxmlformats-officedocument"
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf", "application/rtf"),
    (b"PK\x03\x04", _ZIP),
    (b"PK\x05\x06", _ZIP),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"#!AMR", "audio/amr"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"avif": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
}
_MEMBERS = {
    "word/document.xml": f"{_OFFICE}.wordprocessingml.document",
    "xl/workbook.xml": f"{_OFFICE}.spreadsheetml.sheet",
    "ppt/presentation.xml": f"{_OFFICE}.presentationml.presentation",
}
_SAYS_ITSELF = ("application/epub+zip", "application/vnd.oasis.opendocument.")
_BINARY = frozenset((*range(0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)))
_MARKUP = ((b"<!doctype html", "text/html"), (b"<html", "text/html"), (b"<?xml", "text/xml"))


def media_type(path: Path) -> str:
    """Say what a file is; ``application/octet-stream`` if nothing shows it. Raises ``OSError``."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head[:4] == b"RIFF" and head[8:12] in _RIFF:
        return _RIFF[head[8:12]]
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return _in_archive(path) if kind is _ZIP else kind
    return _text(head)


def decoded(data: bytes, *, cut: bool = False) -> str:
    """Read a text in whatever it is written: UTF-8, UTF-16 with its mark, or Windows' Latin.

    Args:
        cut: Whether it is only the beginning of one; its last character may be torn then.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return codecs.getincrementaldecoder("utf-16")("replace").decode(data, final=not cut)
    text = attempt(codecs.getincrementaldecoder("utf-8-sig")().decode, data, not cut)
    return text.get() if text.error is None else data.decode("cp1252", errors="replace")


def _text(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return PLAIN
    if not _BINARY.isdisjoint(head):
        return UNKNOWN
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in start and start.startswith((b"<svg", b"<?xml")):
        return "image/svg+xml"
    return next((kind for mark, kind in _MARKUP if start.startswith(mark)), PLAIN)


def _in_archive(path: Path) -> str:
    """Tell documents that are archives by what is in them."""
    return attempt(_member_type, path).value or _ZIP


def _member_type(path: Path) -> str:
    import zipfile  # costs milliseconds at every start, and is seldom needed

    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if "mimetype" in names and archive.getinfo("mimetype").file_size < 100:
            said = archive.read("mimetype").decode("ascii").strip()
            if said.startswith(_SAYS_ITSELF):
                return said
    return next((kind for name, kind in _MEMBERS.items() if name in names), _ZIP)
