"""Files, in and out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen

from argent_hookspecs import EventPart, File, FileRefused, Files, Text
from argent_telegram.faults import Blocked, Flooded, NotReached, Refused, Unsure
from argent_telegram.wire import Api

if TYPE_CHECKING:
    from telegram import Message

log = logging.getLogger("argent.plugin.telegram")

LARGEST_IN = 20 * 1024 * 1024
"""Bytes that a bot may fetch: https://core.telegram.org/bots/api#getfile."""
LARGEST_PHOTO = 10 * 1024 * 1024
"""Bytes of what is sent as a photo; larger pictures go as documents."""

_PATIENCE = 300.0
"""Seconds for which a file is asked for; what is said after it in the chat waits so long."""
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 15.0
_QUOTA = "files.total"
"""Stands in the refusal of a file for which the settings leave no room."""


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
    """Fetch a file and keep it; return what stands for it in the event, words if it has to be.

    Where Telegram cannot be asked now, or the disk is full now, that is tried for some minutes.

    Raises:
        FileRefused: The disk is still full.
    """
    largest = min(LARGEST_IN, files.largest)
    if attachment.size > largest:
        return _missing(attachment, _too_large(attachment.size, files.largest))
    clock = asyncio.get_running_loop().time
    until, wait = clock() + _PATIENCE, _FIRST_WAIT
    while True:
        try:
            content = await api.fetch(attachment.file_id)
            if len(content) > largest:
                return _missing(attachment, _too_large(len(content), files.largest))
            return await files.add(content, name=attachment.name)
        except (Blocked, Refused) as error:
            return _missing(attachment, str(error))
        except (FileRefused, Flooded, NotReached, Unsure) as error:
            if _QUOTA in str(error):  # that does not pass by itself, and the person should know
                return _missing(attachment, str(error))
            pause = error.seconds if isinstance(error, Flooded) else wait
            if clock() + pause > until:
                if isinstance(error, FileRefused):
                    raise
                return _missing(attachment, str(error))
            log.warning("a file is fetched again: %s", error)
        await asyncio.sleep(pause)
        wait = min(_LONGEST_WAIT, 2 * wait)


def _too_large(size: int, kept: int) -> str:
    """Say that a file is too large, and whose limit it is.

    Args:
        kept: Bytes that the agent keeps of one file, at most.
    """
    if size > LARGEST_IN:
        most = f"Telegram gives bots at most {_megabytes(LARGEST_IN)}"
    else:
        most = f"the agent keeps at most {_megabytes(kept)} (files.largest, files.total)"
    return f"it has {_megabytes(size)}; {most}"


def _missing(attachment: Attachment, why: str) -> Text:
    name = " ".join(attachment.name.split())
    return Text(f"[{attachment.words} {name!r}, which is not here: {why}]")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.3g} MB"


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
