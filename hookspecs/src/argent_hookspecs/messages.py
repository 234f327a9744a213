"""Messages: what a conversation with a model is made of."""

from __future__ import annotations

import enum

from attrs import field, frozen
from attrs.validators import ge, le

from argent_hookspecs.attachments import File
from argent_hookspecs.tools import ToolCall, ToolResult


class Role(enum.StrEnum):
    """Who speaks in a message to a model. Tool results are the user's parts."""

    USER = "user"
    ASSISTANT = "assistant"


@frozen
class Text:
    """Words.

    Args:
        source: Who said them, where the sender of an event passes on what somebody else has said:
            that is content from outside, whoever passes it on.
    """

    text: str
    source: str = ""


@frozen
class Image:
    """A picture.

    Args:
        data: The file's bytes.
        media_type: ``image/png``, ``image/jpeg``, ``image/webp`` or ``image/gif``.
    """

    data: bytes = field(repr=False)
    media_type: str


@frozen
class Thinking:
    """What a model thought before it spoke; never shown as its answer.

    Args:
        text: The thoughts, where the provider tells them.
        provider: Id of the model provider; no other is told them again.
        replay: The provider's own record of the part, told to it again unchanged within the turn.
    """

    text: str
    provider: str
    replay: str = ""


@frozen
class Location:
    """A place on Earth.

    Args:
        latitude: Degrees, north of the equator positive (WGS 84).
        longitude: Degrees, east of Greenwich positive.
        name: What people call it, if somebody said so.
    """

    latitude: float = field(validator=[ge(-90), le(90)])
    longitude: float = field(validator=[ge(-180), le(180)])
    name: str = ""


EventPart = Text | File | Location
"""What an event may hold."""

MessagePart = Text | Image | Thinking | ToolCall | ToolResult
"""What a message may hold."""


def _parts(value: str | tuple[MessagePart, ...]) -> tuple[MessagePart, ...]:
    return (Text(value),) if isinstance(value, str) else tuple(value)


@frozen
class Message:
    """One message of a conversation; a plain string is taken as one text part."""

    role: Role = field(converter=Role)
    parts: tuple[MessagePart, ...] = field(converter=_parts)

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))
