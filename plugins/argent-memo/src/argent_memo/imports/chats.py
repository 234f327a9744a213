"""Exports of chats: a ``conversations.json`` of ChatGPT or of Claude, alone or in its archive.

ChatGPT's is a list of conversations; each has its messages in a tree, ``mapping``, of which the
branch that ends at ``current_node`` was seen last. Claude's has them in a list, ``chat_messages``.
Neither is documented by those who make them; what is known stands at
https://portable-ai-memory.org/providers/openai and https://portable-ai-memory.org/providers/anthropic

What the person wrote is theirs. What the other side said never is, and is content from outside once
it has looked at a page or a file.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from attrs import define, frozen

from argent_hookspecs import NewMemory, Trust
from argent_memo.imports.records import (
    MOST_PIECES,
    Broken,
    Found,
    ImportRefused,
    Record,
    Records,
    Wish,
    clean,
    when,
)
from argent_memo.items import ODD, Place
from argent_memo.learned import pieces

_NAME = re.compile(r"conversations(?:-\d+)?\.json", re.IGNORECASE)
_LARGEST = 4 << 30
"""Bytes of one file, unpacked."""
_MOST_MEMBERS = 200_000
_BOMB = 250
"""Times that a file may be smaller in its archive."""
_HARMLESS = 50 << 20
_DEEPEST = 500
_DAMAGED = (OSError, EOFError, zipfile.BadZipFile, zlib.error, *ODD)


@frozen(kw_only=True)
class _Message:
    """What was said, by whom and when.

    Args:
        touched: Whether content from outside came with it.
    """

    id: str
    mine: bool
    text: str
    at: Any
    touched: bool = False


def read(wish: Wish, form: str = "") -> Records:
    """Return what is in an export; in ``form`` only, if it is given."""
    for name, file in _files(wish.path):
        yield from _conversations(name, file, wish=wish, form=form)


def _files(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Open the files of an export, one after another."""
    try:
        if path.is_dir():
            for one in sorted(path.glob("conversations*.json")):
                yield from _files(one)
        elif zipfile.is_zipfile(path):
            yield from _members(path)
        else:
            if path.stat().st_size > _LARGEST:
                raise ImportRefused(f"{path.name} is larger than {_LARGEST >> 30} GB")
            with path.open("rb") as file:
                yield path.name, file
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise ImportRefused(f"{path.name} cannot be read: {error}") from error


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Open what is wanted of an archive; nothing of it is ever unpacked into a file."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS:
            raise ImportRefused(f"{path.name} holds more than {_MOST_MEMBERS} files")
        wanted = [one for one in members if _NAME.fullmatch(one.filename.rpartition("/")[2])]
        if not wanted:
            raise ImportRefused(f"there is no conversations.json in {path.name}")
        for member in wanted:
            if member.flag_bits & 1:
                raise ImportRefused(f"{path.name} is encrypted; unpack it first")
            most = max(_HARMLESS, _BOMB * member.compress_size)
            if member.file_size > min(most, _LARGEST):
                raise ImportRefused(
                    f"{member.filename} would be {member.file_size >> 20} MB unpacked, from "
                    f"{member.compress_size >> 20} MB; if that is right, unpack it first"
                )
            with archive.open(member) as file:
                yield member.filename, file


def _conversations(name: str, file: IO[bytes], *, wish: Wish, form: str) -> Records:
    import ijson

    n = 0
    try:
        if _first(file) != b"[":
            raise ImportRefused(f"{name} is no list of conversations")
        events = ijson.parse(_shallow(ijson.basic_parse(file, use_float=True)))
        for n, one in enumerate(ijson.items(events, "item"), 1):
            yield from _conversation(one, f"conversation {n} in {name}", wish=wish, form=form)
    except (ijson.JSONError, *_DAMAGED) as error:
        yield Broken(f"{name} after conversation {n}: the file is damaged ({error!s:.100})")


def _shallow(events: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Pass on what is in a file, unless it is so deep that reading it would take for ever."""
    depth = 0
    for event in events:
        if event[0] in ("start_map", "start_array"):
            depth += 1
            if depth > _DEEPEST:
                raise ValueError(f"it has more than {_DEEPEST} levels")
        elif event[0] in ("end_map", "end_array"):
            depth -= 1
        yield event


def _first(file: IO[bytes]) -> bytes:
    """Return what a file begins with, and put it back to there."""
    start = file.read(64)
    skipped = len(start) - len(start.removeprefix(b"\xef\xbb\xbf"))
    file.seek(skipped)
    return start[skipped:].lstrip()[:1]


def _conversation(one: Any, name: str, *, wish: Wish, form: str) -> Iterator[Record]:
    known = isinstance(one, Mapping)
    if known and form in ("", "chatgpt") and isinstance(one.get("mapping"), Mapping):
        chat = _Chat("chatgpt", "ChatGPT", one.get("conversation_id") or one.get("id"), wish)
        yield from chat.records(_chatgpt(one), name, at=one.get("create_time"))
    elif known and form in ("", "claude") and isinstance(one.get("chat_messages"), list):
        chat = _Chat("claude", "Claude", one.get("uuid"), wish)
        yield from chat.records(_claude(one), name, at=one.get("created_at"))
    else:
        yield Broken(f"{name}: it is no conversation of {form or 'ChatGPT or Claude'}")


@define
class _Chat:
    """One conversation."""

    form: str
    other: str
    id: Any
    wish: Wish
    touched: bool = False

    def records(self, messages: Iterator[_Message | str], name: str, *, at: Any) -> Records:
        """Return what was said in it, in order."""
        if not isinstance(self.id, str) or not self.id:
            yield Broken(f"{name}: it has no id")
            return
        for message in messages:
            if isinstance(message, str):
                yield Broken(f"{name}: {message}")
                continue
            self.touched |= message.touched
            try:
                said_at = when(at if message.at is None else message.at)
            except ValueError as error:
                yield Broken(f"{name}, message {message.id}: {error}")
                continue
            named = f"{name}, message {message.id}"
            for n, piece in enumerate(pieces(clean(message.text), most=MOST_PIECES)):
                memory = self._memory(message, piece, key=f"{message.id}/{n}", said_at=said_at)
                yield Found(memory, Place(origin="import", name=memory.source), named)

    def _memory(self, message: _Message, text: str, *, key: str, said_at: Any) -> NewMemory:
        place = f"{self.form}:{self.id}"
        other = Trust.OUTSIDE if self.touched else Trust.PAIRED
        return NewMemory(
            text=text,
            key=f"{place}/{key}",
            speaker=self.wish.owner if message.mine else self.other,
            said_at=said_at,
            source=place,
            trust=Trust.OWNER if message.mine else other,
            audience=self.wish.audience,
        )


def _chatgpt(conversation: Mapping[str, Any]) -> Iterator[_Message | str]:
    """Return the branch that was seen last."""
    nodes, id = conversation["mapping"], conversation.get("current_node")
    if not isinstance(id, str) or id not in nodes:
        id = next(reversed(list(nodes)), None)
    branch = dict[str, Any]()
    while isinstance(id, str) and id in nodes and id not in branch:
        node = nodes[id]
        if not isinstance(node, Mapping):
            yield f"message {id} is damaged"
            break
        branch[id] = node.get("message")
        id = node.get("parent")
    for id, message in reversed(branch.items()):
        if message is not None:
            yield from _chatgpt_message(id, message)


def _chatgpt_message(id: str, message: Any) -> Iterator[_Message | str]:
    try:
        role, content = message["author"]["role"], message["content"]
        kind, at = content.get("content_type"), message.get("create_time")
        hidden = (message.get("metadata") or {}).get("is_visually_hidden_from_conversation")
        recipient = message.get("recipient") or "all"
        parts = content.get("parts") or []
        words = [part if isinstance(part, str) else part.get("text") or "" for part in parts]
        text = "\n".join(words)
    except (AttributeError, KeyError, TypeError):
        yield f"message {id} is damaged"
        return
    if role == "tool":
        yield _Message(id=id, mine=False, text="", at=None, touched=True)
        return
    spoken = kind in ("text", "multimodal_text") and role in ("user", "assistant")
    if spoken and recipient == "all" and not hidden:
        yield _Message(id=id, mine=role == "user", text=text, at=at)


def _claude(conversation: Mapping[str, Any]) -> Iterator[_Message | str]:
    for n, message in enumerate(conversation["chat_messages"], 1):
        try:
            sender, id = message["sender"], str(message["uuid"])
            blocks = message.get("content") or []
            said = [one.get("text") or "" for one in blocks if one.get("type") == "text"]
            text = "\n".join(said) or message.get("text") or ""
            kinds = {one.get("type") for one in blocks}
        except (AttributeError, KeyError, TypeError):
            yield f"message {n} is damaged"
            continue
        if sender not in ("human", "assistant") or not isinstance(text, str):
            yield f"message {n} is by nobody who is known"
            continue
        brought = bool(message.get("attachments") or message.get("files"))
        yield _Message(
            id=id,
            mine=sender == "human",
            text=text,
            at=message.get("created_at"),
            touched=brought or bool(kinds & {"tool_use", "tool_result"}),
        )
