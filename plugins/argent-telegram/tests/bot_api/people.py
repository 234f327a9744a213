"""What people do: they write, send files, edit, and press buttons."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any, TypedDict

from attrs import frozen

from bot_api.accounts import Account, Chat, FileStore, Message, described
from bot_api.entities import found_in

Named = bytes | tuple[str, bytes]
"""A file's content, or its name with it."""

_FILES = ("photo", "voice", "audio", "video", "video_note", "document", "sticker", "animation")
_albums = itertools.count(10_001)
_queries = itertools.count(1)


class Said(TypedDict, total=False):
    """What a person may say, besides words.

    Args:
        name: What the person is called.
        group: Whether it is said in a group, or the group's title.
        channel: Whether it is a post in a channel.
        thread: The topic.
        photo: And the other files: words go with them as their caption.
        album: Several files sent together: bytes are photos, what has a name is a document.
        location: Latitude and longitude.
        venue: The title of the place.
        contact: Somebody's name and telephone number.
        forward_from: Id of the person who said it first; or the name of one who hides it; or the
            ``MessageOrigin`` as it goes over the wire.
        reply_to: The message that it answers, or its id.
        quote: The part of it that is quoted.
        fields: Whatever else the message is to hold, as on the wire.
    """

    name: str
    group: bool | str
    channel: bool
    thread: int
    photo: bytes
    voice: Named
    audio: Named
    video: Named
    video_note: Named
    document: Named
    sticker: Named
    animation: Named
    emoji: str
    album: Sequence[Named]
    location: tuple[float, float]
    venue: str
    contact: tuple[str, str]
    forward_from: int | str | dict[str, Any]
    reply_to: Message | int
    quote: str
    fields: dict[str, Any]


@frozen
class Button:
    """A button under a message."""

    message: Message
    text: str
    data: str


def person(id: int, name: str = "") -> dict[str, Any]:
    """Return a person as the sender of messages."""
    return {
        "id": id,
        "is_bot": False,
        "first_name": name or f"User {id}",
        "username": f"user{id}",
        "language_code": "en",
    }


def chat_of(bot: Account, id: int, said: Said) -> Chat:
    """Return the chat in which something is said."""
    group = said.get("group", False)
    title = group if isinstance(group, str) else said.get("name", "") if id > 0 else ""
    chat = bot.open_chat(id, title=title, type="channel" if said.get("channel") else "")
    if "thread" in said:
        chat.threads.add(said["thread"])
    return chat


def written(
    bot: Account, files: FileStore, chat: Chat, *, user: int, text: str, said: Said
) -> list[Message]:
    """Put what a person says into a chat; an album is several messages."""
    sender = person(user, said.get("name", ""))
    common = {**_forwarded(said), **_replied(chat, said), **said.get("fields", {})}
    contents = _contents(files, text, said)
    return [chat.add(sender, {**content, **common}, said.get("thread")) for content in contents]


def _contents(files: FileStore, text: str, said: Said) -> list[dict[str, Any]]:
    if "album" in said:
        group = {"media_group_id": str(next(_albums))}
        return [
            {**_file(files, "photo" if isinstance(one, bytes) else "document", one), **group}
            | (_words("caption", text) if n == 0 else {})
            for n, one in enumerate(said["album"])
        ]
    for kind in _FILES:
        if kind in said:
            content = _file(files, kind, said[kind])  # type: ignore[literal-required]
            if kind == "sticker":
                content["sticker"]["emoji"] = said.get("emoji", "\N{THUMBS UP SIGN}")
            return [{**content, **_words("caption", text)}]
    return [_place(said) or _contact(said) or _words("text", text)]


def _words(name: str, text: str) -> dict[str, Any]:
    if not text:
        return {}
    entities = {"text": "entities", "caption": "caption_entities"}[name]
    found = found_in(text)
    return {name: text, **({entities: found} if found else {})}


def _file(files: FileStore, kind: str, given: Named) -> dict[str, Any]:
    name, content = given if isinstance(given, tuple) else ("", given)
    return described(kind, files.add(kind, content, name=name))


def _place(said: Said) -> dict[str, Any]:
    if "location" not in said:
        return {}
    latitude, longitude = said["location"]
    place = {"latitude": latitude, "longitude": longitude}
    if "venue" in said:
        venue = {"location": place, "title": said["venue"], "address": "Street 1"}
        return {"location": place, "venue": venue}
    return {"location": place}


def _contact(said: Said) -> dict[str, Any]:
    if "contact" not in said:
        return {}
    name, number = said["contact"]
    return {"contact": {"first_name": name, "phone_number": number}}


def _forwarded(said: Said) -> dict[str, Any]:
    match said.get("forward_from"):
        case None:
            return {}
        case int(id):
            origin = {"type": "user", "sender_user": person(id)}
        case str(name):
            origin = {"type": "hidden_user", "sender_user_name": name}
        case given:
            origin = dict(given)
    return {"forward_origin": {"date": int(time.time()) - 60, **origin}}


def _replied(chat: Chat, said: Said) -> dict[str, Any]:
    if "reply_to" not in said:
        return {}
    given = said["reply_to"]
    original = chat.messages[given] if isinstance(given, int) else given
    replied = {k: v for k, v in original.items() if k != "reply_to_message"}
    if "quote" in said:
        position = str(original.get("text", "")).find(said["quote"])
        quote = {"text": said["quote"], "position": max(position, 0), "is_manual": True}
        return {"reply_to_message": replied, "quote": quote}
    return {"reply_to_message": replied}


def is_meant_for(bot: Account, chat: Chat, message: Message) -> bool:
    """Tell whether a bot is given a message: one in privacy mode hears little in groups."""
    if not chat.is_group or chat.type == "channel" or bot.reads_groups:
        return True
    words = str(message.get("text") or message.get("caption") or "")
    replied = message.get("reply_to_message", {}).get("from", {}).get("id") == bot.id
    command = words.startswith("/") and "@" not in words.split()[0]
    return replied or command or f"@{bot.username}".lower() in words.lower()


def pressed(bot: Account, button: Button, user: int) -> dict[str, Any]:
    """Return the query that the press of a button makes."""
    query = str(next(_queries))
    bot.queries.add(query)
    return {
        "id": query,
        "from": person(user),
        "message": button.message,
        "chat_instance": str(button.message["chat"]["id"]),
        "data": button.data,
    }
