"""Bots and their chats, as the platform keeps them: a bot that dies changes nothing here."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen

from bot_api.refusal import BLOCKED, CHAT_NOT_FOUND, bad_request
from bot_api.updates import Updates

Message = dict[str, Any]
Sender = Mapping[str, Any]


@define(eq=False)
class Chat:
    """A chat between a bot and a person, or a group with the bot in it.

    Args:
        id: Negative for groups.
        threads: Topics, if it has any.
        blocked: Whether the person has blocked the bot, or the group has put it out.
        deleted: Ids of messages that were taken away.
    """

    id: int
    title: str
    type: str
    threads: set[int] = field(factory=set)
    blocked: bool = False
    messages: dict[int, Message] = field(factory=dict)
    deleted: list[int] = field(factory=list)
    _last: int = 0

    @property
    def is_group(self) -> bool:
        """Whether others read along."""
        return self.type != "private"

    @property
    def wire(self) -> dict[str, Any]:
        """The chat as in a message."""
        if self.is_group:
            forum = {"is_forum": True} if self.threads else {}
            return {"id": self.id, "type": self.type, "title": self.title, **forum}
        return {
            "id": self.id,
            "type": "private",
            "first_name": self.title,
            "username": f"user{self.id}",
        }

    def add(self, sender: Sender, content: Mapping[str, Any], thread: int | None) -> Message:
        """Store a message; return it as it goes over the wire."""
        self._last += 1
        message: Message = {
            "message_id": self._last,
            "from": dict(sender),
            "chat": self.wire,
            "date": int(time.time()),
        }
        if self.type == "channel":
            del message["from"]
            message["sender_chat"] = self.wire
        if thread is not None:
            message |= {"message_thread_id": thread, "is_topic_message": True}
        self.messages[self._last] = message | dict(content)
        return self.messages[self._last]

    def must_hold(self, message_id: int | None, words: str) -> Message:
        """Return a message, or refuse with these words."""
        if message_id not in self.messages:
            raise bad_request(words)
        return self.messages[message_id]


@define(eq=False)
class Account:
    """A bot.

    Args:
        reads_groups: Whether its privacy mode is off: it is given all that is said in groups.
    """

    id: int
    token: str
    username: str
    reads_groups: bool
    updates: Updates
    chats: dict[int, Chat] = field(factory=dict)
    commands: dict[str, list[dict[str, str]]] = field(factory=dict)
    queries: set[str] = field(factory=set)

    @property
    def wire(self) -> dict[str, Any]:
        """The bot as the sender of its messages."""
        return {
            "id": self.id,
            "is_bot": True,
            "first_name": self.username.title(),
            "username": self.username,
        }

    @property
    def me(self) -> dict[str, Any]:
        """The answer to ``getMe``."""
        return self.wire | {
            "can_join_groups": True,
            "can_read_all_group_messages": self.reads_groups,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
            "has_topics_enabled": False,
        }

    def open_chat(self, id: int, *, title: str = "", type: str = "") -> Chat:
        """Return a chat, made if there is none."""
        if id not in self.chats:
            kind = type or ("private" if id > 0 else "supergroup")
            self.chats[id] = Chat(id, title or ("Group" if id < 0 else f"User {id}"), kind)
        return self.chats[id]

    def chat_to_write_to(self, id: int | None) -> Chat:
        """Return a chat that the bot may write to, or refuse."""
        if id is None:
            raise bad_request("chat_id is empty")
        if id not in self.chats:
            raise CHAT_NOT_FOUND()
        if self.chats[id].blocked:
            raise BLOCKED()
        return self.chats[id]


@frozen
class StoredFile:
    """A file that the platform keeps."""

    id: str
    unique_id: str
    content: bytes
    path: str
    name: str
    media_type: str

    @property
    def wire(self) -> dict[str, Any]:
        """The fields that every kind of file has."""
        return {
            "file_id": self.id,
            "file_unique_id": self.unique_id,
            "file_size": len(self.content),
        }


@define(eq=False)
class FileStore:
    """All files, of people and of bots."""

    _files: dict[str, StoredFile] = field(factory=dict)

    def add(self, kind: str, content: bytes, *, name: str = "", media_type: str = "") -> StoredFile:
        """Keep a file."""
        number = len(self._files) + 1
        unique = hashlib.sha256(content).hexdigest()[:15]
        ending = name.rpartition(".")[2] if "." in name else _ENDINGS.get(kind, "bin")
        path = f"{_FOLDERS.get(kind, 'documents')}/file_{number}.{ending}"
        kept = StoredFile(f"{kind}-{number}-{unique}", unique, content, path, name, media_type)
        self._files[kept.id] = kept
        return kept

    def get(self, id: str) -> StoredFile | None:
        """Return a file by its id."""
        return self._files.get(id)

    def at(self, path: str) -> StoredFile | None:
        """Return a file by the path that ``getFile`` told."""
        return next((kept for kept in self._files.values() if kept.path == path), None)


_FOLDERS = {"photo": "photos", "voice": "voice", "audio": "music", "video": "videos"}
_FOLDERS |= {"video_note": "video_notes", "sticker": "stickers", "animation": "animations"}
_ENDINGS = {"photo": "jpg", "voice": "oga", "audio": "mp3", "video": "mp4", "video_note": "mp4"}
_ENDINGS |= {"sticker": "webp", "animation": "mp4"}
_TYPES = {"voice": "audio/ogg", "audio": "audio/mpeg", "video": "video/mp4"}


def described(kind: str, kept: StoredFile) -> dict[str, Any]:
    """Return a file as it stands in a message."""
    if kind == "photo":
        size = kept.wire | {"width": 1280, "height": 960}
        return {"photo": [{**size, "width": 90, "height": 67}, size]}
    facts: dict[str, Any] = dict(kept.wire)
    if kind in ("voice", "audio", "video", "animation", "video_note"):
        facts["duration"] = 3
    if kind == "video_note":
        facts["length"] = 240
    if kind in ("video", "animation", "sticker"):
        facts |= {"width": 512, "height": 512}
    if kind not in ("video_note", "sticker"):
        facts["mime_type"] = kept.media_type or _TYPES.get(kind, "application/octet-stream")
    if kind in ("document", "audio", "video", "animation") and kept.name:
        facts["file_name"] = kept.name
    if kind == "sticker":
        facts |= {"type": "regular", "is_animated": False, "is_video": False}
    return {kind: facts}
