"""How fast one may write: https://core.telegram.org/bots/faq#broadcasting-to-users.

Not more than one message a second in a chat, twenty a minute in a group, thirty a second in all; a
little less is done, since what is sent evenly does not arrive so.
"""

from __future__ import annotations

import asyncio
from collections import deque

from attrs import define, field

_IN_ALL_SECONDS = 1 / 25
_CHAT_SECONDS = 1.01
_GROUP_MESSAGES = 20
_GROUP_SECONDS = 61.0
_MOST_CHATS = 10_000


@define(eq=False, repr=False)
class _Chat:
    """When one may write to a chat."""

    free_at: float = 0.0
    shut_until: float = 0.0
    sent: deque[float] = field(factory=lambda: deque(maxlen=_GROUP_MESSAGES))


@define(eq=False, repr=False)
class Pace:
    """Keeps a bot within its limits; one chat's limit holds no other."""

    _free_at: float = 0.0
    _chats: dict[str, _Chat] = field(factory=dict)

    def wait(self, chat: str) -> float:
        """Return the seconds until one may write to a chat."""
        return max(0.0, self._due(chat) - _now())

    async def turn(self, chat: str) -> None:
        """Wait until it is one's turn, in the chat and then among all."""
        known, due = self._known(chat), self._due(chat)
        known.free_at = due + _CHAT_SECONDS
        known.sent.append(due)
        await asyncio.sleep(due - _now())
        mine = max(_now(), self._free_at)
        self._free_at = mine + _IN_ALL_SECONDS
        await asyncio.sleep(mine - _now())

    def arrived(self, chat: str) -> None:
        """Count from now on: what was sent is there only now, however long it was on its way."""
        known = self._known(chat)
        known.free_at = max(known.free_at, _now() + _CHAT_SECONDS)

    def shut(self, chat: str, seconds: float) -> None:
        """Write nothing to a chat for some seconds: Telegram asked for it."""
        self._known(chat).shut_until = _now() + seconds

    def _due(self, chat: str) -> float:
        known, now = self._known(chat), _now()
        due = max(now, known.free_at, known.shut_until)
        if is_group(chat) and len(known.sent) == _GROUP_MESSAGES:
            due = max(due, known.sent[0] + _GROUP_SECONDS)
        return due

    def _known(self, chat: str) -> _Chat:
        if len(self._chats) >= _MOST_CHATS and chat not in self._chats:
            now = _now() - _GROUP_SECONDS
            busy = {k: v for k, v in self._chats.items() if max(v.free_at, v.shut_until) > now}
            self._chats = busy
        return self._chats.setdefault(chat, _Chat())


def is_group(chat: str) -> bool:
    """Say whether an id is that of a group: those are negative.

    >>> is_group("-100123"), is_group("42")
    (True, False)
    """
    return chat.startswith("-")


def _now() -> float:
    return asyncio.get_running_loop().time()
