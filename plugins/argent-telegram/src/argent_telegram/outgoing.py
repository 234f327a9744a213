"""From a reply to what is sent: a few messages, one after another."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from argent_hookspecs import File, Files, Location, Reply
from argent_telegram.attachments import way_out
from argent_telegram.markdown import convert
from argent_telegram.rich_text import LONGEST_CAPTION, RichText


@frozen(kw_only=True)
class Words:
    """A message of words."""

    body: RichText

    async def request(self, files: Files, *, plain: bool) -> tuple[str, dict[str, Any]]:
        """Return the method to call and its arguments."""
        return "send_message", written(self.body, plain=plain)


@frozen(kw_only=True)
class Attached:
    """A file, and the words under it."""

    file: File
    caption: RichText | None = None

    async def request(self, files: Files, *, plain: bool) -> tuple[str, dict[str, Any]]:
        """Return the method to call and its arguments."""
        from telegram import InputFile

        method, argument = way_out(self.file)
        content = InputFile(await files.read(self.file), filename=self.file.name or None)
        given: dict[str, Any] = {argument: content}
        if self.caption is not None:
            given["caption"] = self.caption.text
            given["caption_entities"] = [] if plain else self.caption.entities()
        return method, given


@frozen(kw_only=True)
class Place:
    """A place on the map."""

    where: Location

    async def request(self, files: Files, *, plain: bool) -> tuple[str, dict[str, Any]]:
        """Return the method to call and its arguments."""
        at = {"latitude": self.where.latitude, "longitude": self.where.longitude}
        if not self.where.name:
            return "send_location", at
        return "send_venue", {**at, "title": self.where.name[:128], "address": _degrees(self.where)}


Message = Words | Attached | Place
"""What is sent at once."""


def messages_of(reply: Reply) -> list[Message]:
    """Return what a reply is sent as; the words first, unless they fit under its only file."""
    converted = convert(reply.text)
    body, found = converted.body, list[Message]()
    captioned = len(reply.files) == 1 and 0 < body.units <= LONGEST_CAPTION
    if not captioned:
        found += [Words(body=piece) for piece in body.pieces()]
    for file in reply.files:
        found.append(Attached(file=file, caption=body if captioned else None))
    found += [Place(where=place) for place in converted.places]
    return found


def written(body: RichText, *, plain: bool = False) -> dict[str, Any]:
    """Return the arguments of a message of words."""
    from telegram import LinkPreviewOptions

    return {
        "text": body.text,
        "entities": [] if plain else body.entities(),
        "link_preview_options": LinkPreviewOptions(is_disabled=True),
    }


def _degrees(where: Location) -> str:
    return f"{where.latitude:.5f}, {where.longitude:.5f}"
