"""Files, in and out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen

from argent_hookspecs import EventPart, File, FileRefused, Files, Text
from argent_telegram.faults import Flooded, NotReached, Refused, TelegramFault, Unsure
from argent_telegram.wire import Api

if TYPE_CHECKING:
    from telegram import Message

log = logging.getLogger("argent.plugin.telegram")

LARGEST_IN = 20 * 1024 * 1024
"""Bytes that a bot may fetch: https://core.telegram.org/bots/api#getfile."""
LARGEST_PHOTO = 10 * 1024 * 1024
"""Bytes of what is sent as a photo; larger pictures go as documents."""

_TRIES = 3
_WAIT = 0.5


@frozen(kw_only=True)
class Attachment:
    """A file that Telegram has.

    Args:
        file_id: What it is fetched by.
        name: As its sender named it.
        words: What it is, for where it cannot be had.
        size: Bytes, if Telegram says so.
    """

    file_id: str
    name: str
    words: str
    size: int = 0


def attachments(message: Message) -> Iterator[Attachment]:
    """Yield the files of a message."""
    if message.photo:
        # The sizes stand in order; the largest that can be fetched is wanted.
        fits = [one for one in message.photo if (one.file_size or 0) <= LARGEST_IN]
        yield _made((fits or message.photo)[-1], f"photo-{message.message_id}.jpg", "photo")
    if message.voice:
        yield _made(message.voice, f"voice-{message.message_id}.ogg", "voice message")
    if message.audio:
        name = message.audio.file_name or f"{message.audio.title or 'audio'}.mp3"
        yield _made(message.audio, name, "audio file")
    if message.video_note:
        yield _made(message.video_note, f"video-note-{message.message_id}.mp4", "video message")
    if message.video:
        yield _made(message.video, message.video.file_name or "video.mp4", "video")
    if message.animation:
        yield _made(message.animation, message.animation.file_name or "animation.mp4", "animation")
    elif message.document:
        yield _made(message.document, message.document.file_name or "document", "document")


def _made(file: Any, name: str, words: str) -> Attachment:
    return Attachment(file_id=file.file_id, name=name, words=words, size=file.file_size or 0)


async def fetched(api: Api, attachment: Attachment, *, files: Files) -> EventPart:
    """Fetch a file and keep it; return what stands for it in the event, words if it has to be."""
    largest = min(LARGEST_IN, files.largest)
    if attachment.size > largest:
        size, most = _megabytes(attachment.size), _megabytes(largest)
        return _missing(attachment, f"it has {size} MB; at most {most} can be fetched")
    for tried in range(1, _TRIES + 1):
        try:
            return await files.add(await api.fetch(attachment.file_id), name=attachment.name)
        except (FileRefused, Refused) as error:
            return _missing(attachment, str(error))
        except (Flooded, NotReached, Unsure) as error:
            failure: TelegramFault = error
            log.info("a file is fetched again: %s", error)
            wait = error.seconds if isinstance(error, Flooded) else _WAIT * tried
            await asyncio.sleep(min(wait, 5.0))
    return _missing(attachment, str(failure))


def _missing(attachment: Attachment, why: str) -> Text:
    name = " ".join(attachment.name.split())
    return Text(f"[{attachment.words} {name!r}, which is not here: {why}]")


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.0f}"


def way_out(file: File) -> tuple[str, str]:
    """Return how a file is sent: the method, and the name of its argument."""
    kind, _, rest = file.media_type.partition("/")
    if kind == "image" and rest in ("jpeg", "png", "webp") and file.size <= LARGEST_PHOTO:
        return "send_photo", "photo"
    if file.media_type in ("audio/ogg", "audio/opus"):
        return "send_voice", "voice"
    if file.media_type in ("audio/mpeg", "audio/mp4", "audio/x-m4a"):
        return "send_audio", "audio"
    if file.media_type == "video/mp4":
        return "send_video", "video"
    return "send_document", "document"
