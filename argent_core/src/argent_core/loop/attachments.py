"""Attachments: what a model is told of what came with an event, and what the history keeps of it.

A picture is shown to models that take pictures, a document's words are told, and of the rest there
is a line that says what it is. The history keeps that line and nothing of the content.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from argent_core.guard import Guard
from argent_core.host import PluginHost
from argent_core.loop import pictures
from argent_core.loop.labels import labelled
from argent_core.loop.tokens import estimate
from argent_core.media_types import decoded
from argent_hookspecs import (
    TEXT_EXTRACTOR,
    ArgentError,
    Event,
    EventPart,
    File,
    Files,
    Image,
    Location,
    Service,
    Text,
    TextExtractor,
    Trust,
)

_EXTRACT_SECONDS = 60.0
_MOST_TOKENS = 20_000
"""Of the words of all documents together, whatever the model's window."""
_MOST_TEXT = 400_000
_MOST_PICTURES = 20
PICTURE_TOKENS = 5000
"""Most models count less for a picture; the budget counts the worst case."""
_OVERHEAD = 100
"""What is said around the words of a document."""
_BLIND = "this model takes no pictures"
_NO_ROOM = "there is no room for it"
_UNREAD = "nothing here reads it; for PDF and office documents: pip install argent-documents"
_KINDS = {"image": "picture", "audio": "recording", "video": "video"}


@frozen(kw_only=True)
class Attachment:
    """A file that came with an event, and what can be told of it.

    Args:
        image: The picture, if it is one that models take.
        text: Its words, if it is a document.
        trouble: Why it has neither.
    """

    file: File
    image: Image | None = None
    text: str = ""
    trouble: str = ""


@frozen
class Attachments:
    """Looks into what comes with events."""

    host: PluginHost
    guard: Guard
    files: Files

    async def of(self, event: Event) -> tuple[Attachment, ...]:
        """Look into all files of an event, side by side."""
        files = [part for part in event.content if isinstance(part, File)]
        return tuple(await asyncio.gather(*(self._look_into(file) for file in files)))

    async def _look_into(self, file: File) -> Attachment:
        try:
            if file.media_type.startswith("image/"):
                return await self._picture(file)
            if file.media_type.startswith(("audio/", "video/")):
                return Attachment(file=file, trouble="it cannot be listened to yet")
            text = await self._words(file)
        except ArgentError as error:
            return Attachment(file=file, trouble=str(error))
        if text is None:
            return Attachment(file=file, trouble=_UNREAD)
        trouble = "" if text.strip() else "no words are in it"
        return Attachment(file=file, text=text[:_MOST_TEXT], trouble=trouble)

    async def _picture(self, file: File) -> Attachment:
        data = await self.files.read(file)
        trouble = await asyncio.to_thread(pictures.objection, data, file.media_type)
        image = None if trouble else Image(data, file.media_type)
        return Attachment(file=file, image=image, trouble=trouble)

    async def _words(self, file: File) -> str | None:
        """Return the words of a document; None if nobody can read it. Raises ``ArgentError``."""
        path = self.files.path(file)
        for service in self.host.registered(Service):
            if service.record.key == TEXT_EXTRACTOR:
                text: str | None = await self.guard.ask(
                    service.plugin,
                    partial(_extracted, service.live, path, file.media_type),
                    what="text of a document",
                    timeout=_EXTRACT_SECONDS,
                    expects=(str, type(None)),
                )
                if text is not None:
                    return text
        if not file.media_type.startswith("text/"):
            return None
        data = await self.files.read(file)
        return decoded(data[:_MOST_TEXT], cut=len(data) > _MOST_TEXT)


async def _extracted(extractor: TextExtractor, path: Path, media_type: str) -> Any:
    if media_type not in extractor.media_types:
        return None
    return await extractor.extract(path, media_type)


def without_pictures(attachments: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """Return what a model can be told that takes no pictures."""
    return tuple(
        evolve(one, image=None, trouble=_BLIND) if one.image is not None else one
        for one in attachments
    )


def in_words(event: Event) -> str:
    """Return what an event says, with a line for each thing that came with it."""
    return "\n".join(_line(part) for part in event.content)


def tell(
    event: Event, attachments: Sequence[Attachment], *, room: int
) -> tuple[str, tuple[Image, ...]]:
    """Return what a model is told of an event: the words, and the pictures that it is shown.

    Args:
        room: Tokens for it; the content of attachments gives way first.
    """
    left = room - estimate(in_words(event))
    shown = _shown(attachments, left // 2)
    left = (left - PICTURE_TOKENS * len(shown)) * 3 // 4 - _OVERHEAD * len(attachments)
    left = min(left, _MOST_TOKENS)
    lines, following = [], iter(attachments)
    for part in event.content:
        if not isinstance(part, File):
            lines.append(_line(part))
            continue
        attachment = next(following, Attachment(file=part))
        words, spent = _words_of(attachment, left, trust=event.trust, shown=attachment in shown)
        left -= spent
        lines.append(words)
    told = labelled(event.trust, "\n".join(lines), source=event.kind)
    return told, tuple(one.image for one in shown if one.image is not None)


def trusts(event: Event, attachments: Sequence[Attachment]) -> tuple[Trust, ...]:
    """Return whose content attachments are, and what is passed on: of nobody who is vouched for.

    Whoever sends a document has seldom written it.
    """
    told = any(one.text or one.image is not None for one in attachments)
    return (Trust.OUTSIDE,) if told or is_passed_on(event) else ()


def is_passed_on(event: Event) -> bool:
    """Tell whether an event holds what somebody else has said than its sender."""
    return any(isinstance(part, Text) and part.source for part in event.content)


def tokens(attachments: Sequence[Attachment]) -> int:
    """Estimate what they add to an event."""
    words = sum(estimate(one.text) for one in attachments)
    return min(words, _MOST_TOKENS) + PICTURE_TOKENS * len(_shown(attachments, _MOST_TEXT))


def _shown(attachments: Sequence[Attachment], room: int) -> list[Attachment]:
    """Choose the pictures that are shown: the first ones, as far as there is room."""
    found = [one for one in attachments if one.image is not None]
    return found[: min(_MOST_PICTURES, max(0, room // PICTURE_TOKENS))]


def _words_of(one: Attachment, room: int, *, trust: Trust, shown: bool) -> tuple[str, int]:
    """Return what is said of a file, and the tokens that its own words take."""
    if one.image is not None and not shown:
        return _line(one.file, _NO_ROOM), 0
    if one.trouble or not one.text:
        return _line(one.file, one.trouble), 0
    text = _cut(one.text, room)
    if not text:
        return _line(one.file, _NO_ROOM), 0
    rest = "; this is the beginning" if len(text) < len(one.text) else ""
    # Within content from outside, all of which is marked, marks of its own would say nothing.
    inner = Trust.OWNER if trust is Trust.OUTSIDE else Trust.OUTSIDE
    body = labelled(inner, text, source=one.file.name or _kind(one.file))
    head = _line(one.file, f"these are its words{rest}")
    return f"{head}\n{body}\n[end of the {_kind(one.file)}]", estimate(text)


def _cut(text: str, room: int) -> str:
    """Return as much of a text as there is room for."""
    while text and (size := estimate(text)) > room:
        text = text[: max(0, int(len(text) * room / size * 0.98))] if room > 0 else ""
    return text


def _line(part: EventPart, note: str = "") -> str:
    """Put what came with an event on one line."""
    if isinstance(part, Text):
        passed_on = Trust.OUTSIDE if part.source else Trust.OWNER
        return labelled(passed_on, part.text, source=part.source)
    if isinstance(part, Location):
        name = f"{_plain(part.name)}, " if part.name else ""
        return f"[place: {name}latitude {part.latitude:.6g}, longitude {part.longitude:.6g}]"
    name = f": {_plain(part.name)}" if part.name else ""
    return f"[{_kind(part)}{name}{f' ({note})' if note else ''}]"


def _kind(file: File) -> str:
    return _KINDS.get(file.media_type.partition("/")[0], "document")


def _plain(name: str) -> str:
    """Keep a name, which may come from outside, within its brackets."""
    shown = "".join(c if c.isprintable() and c not in "[]" else " " for c in name)
    return " ".join(shown.split())[:200]
