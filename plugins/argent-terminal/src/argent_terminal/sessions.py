"""The terminals that are open, and the replies that wait for one.

What both sides say, each an object with a ``type``:

from the terminal
    ``hello`` (conversation) first; then ``message`` (id, text), ``stop``, ``status`` (deep),
    ``trace``, ``history`` (limit), ``approve`` (id, allow), ``ack`` (key of a reply shown)
to the terminal
    ``welcome``; ``accepted`` (id, event, duplicate) or ``refused`` (id, reason); ``turn`` (turn,
    message, asked), ``draft``, ``tool``, ``tool_finished``, ``approval``, ``finished``,
    ``delivery``, ``progress`` and ``budget`` as they happen; ``reply`` (key, turn, text);
    ``stopped`` (count, and the turn that went on), ``status``, ``trace``, ``history``,
    ``approved`` as answers; ``error`` (request, reason)
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

from argent_hookspecs import Connection, Reply, ServiceKey

CHANNEL = "terminal"
MAILBOX = 1000
KEPT_REPLIES = 200
KEPT_KEYS = 1000
_ENDED = ("done", "dead", "cancelled")
_REPLACED_BY_NEWER = ("draft", "progress")

Json = Mapping[str, Any]


def conversation_of(place: str) -> str:
    """Return the conversation that is held at a place of this channel."""
    return f"{CHANNEL}:{place}"


class Session:
    """One connected terminal.

    What is posted waits in a mailbox of its own, so that a terminal that does not read (it is
    suspended, say) holds up nobody; when it is full the oldest is dropped. A reply dropped so is
    not confirmed, and comes again.
    """

    def __init__(self, connection: Connection) -> None:
        self.place = ""
        self._connection = connection
        self._mail: deque[Json] = deque(maxlen=MAILBOX)
        self._posted = asyncio.Event()

    def post(self, message: Json) -> None:
        """Send soon, without waiting. A newer draft takes the place of one not yet sent."""
        kind = message["type"]
        if kind in _REPLACED_BY_NEWER and self._mail and self._mail[-1]["type"] == kind:
            self._mail.pop()
        self._mail.append(message)
        self._posted.set()

    async def write(self) -> None:
        """Send what is posted, until the terminal is gone."""
        while True:
            await self._posted.wait()
            self._posted.clear()
            while self._mail:
                try:
                    await self._connection.send(self._mail.popleft())
                except ConnectionError:
                    return


class Sessions:
    """All open terminals, by place, and the replies that no terminal has confirmed."""

    def __init__(self) -> None:
        self._open: list[Session] = []
        self._unconfirmed: dict[str, Reply] = {}
        self._confirmed: dict[str, None] = {}
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._progress: dict[tuple[str, str], Json] = {}
        self._turns: dict[str, Json] = {}

    def join(self, session: Session) -> None:
        """Add a terminal, and show it what waits for it."""
        self._open.append(session)
        for message in self._progress.values():
            session.post(message)
        if turn := self._turns.get(session.place):
            session.post(turn)
        for reply in self._unconfirmed.values():
            if reply.to.chat == session.place:
                session.post(_reply_message(reply))

    def leave(self, session: Session) -> None:
        """Remove a terminal. Who waits for the last one of a place to confirm waits no longer."""
        if session in self._open:
            self._open.remove(session)
        if self.has(session.place):
            return
        for key, confirmation in self._waiting.items():
            if self._unconfirmed[key].to.chat == session.place and not confirmation.done():
                error = ConnectionError("the terminal went away before it confirmed the reply")
                confirmation.set_exception(error)

    def turn(self, place: str) -> Json | None:
        """Return what was told of the turn that goes on there, if one does."""
        return self._turns.get(place)

    def has(self, place: str) -> bool:
        """Whether a terminal is open there."""
        return any(session.place == place for session in self._open)

    def tell(self, place: str, message: Json) -> None:
        """Post to the terminals of a place; those that come later hear which turn goes on."""
        if message["type"] == "turn":
            self._turns[place] = message
        elif message["type"] == "finished" and message["state"] in _ENDED:
            self._turns.pop(place, None)
        for session in self._open:
            if session.place == place:
                session.post(message)

    def tell_progress(self, message: Json) -> None:
        """Post to all terminals, and to those that come while the work goes on."""
        work = (message["plugin"], message["activity"])
        self._progress.pop(work, None)
        total = message["total"]
        if total is None or message["done"] < total:
            self._progress[work] = message
        while len(self._progress) > 10:
            self._progress.pop(next(iter(self._progress)))
        self.tell_all(message)

    def tell_all(self, message: Json) -> None:
        """Post to all terminals."""
        for session in self._open:
            session.post(message)

    def keep(self, reply: Reply) -> bool:
        """Remember a reply until it is confirmed; False if it has been already."""
        if reply.key in self._confirmed:
            return False
        self._unconfirmed[reply.key] = reply
        if len(self._unconfirmed) > KEPT_REPLIES:
            self.forget(next(iter(self._unconfirmed)))
        return True

    async def show(self, reply: Reply, seconds: float) -> None:
        """Show a kept reply where it belongs, and wait until a terminal confirms it.

        Raises:
            ConnectionError: The last terminal of that place went away first.
            TimeoutError: None confirmed it in time.
        """
        confirmation = asyncio.get_running_loop().create_future()
        self._waiting[reply.key] = confirmation
        self.tell(reply.to.chat, _reply_message(reply))
        try:
            async with asyncio.timeout(seconds):
                await confirmation
        finally:
            del self._waiting[reply.key]

    def confirm(self, key: str) -> None:
        """Note that a terminal has shown a reply."""
        if self._unconfirmed.get(key) is None:
            return
        if (waiting := self._waiting.get(key)) and not waiting.done():
            waiting.set_result(None)
        del self._unconfirmed[key]
        self._confirmed[key] = None
        while len(self._confirmed) > KEPT_KEYS:
            del self._confirmed[next(iter(self._confirmed))]

    def forget(self, key: str) -> None:
        """Stop showing a reply that is not to be delivered any more."""
        if key not in self._waiting:
            self._unconfirmed.pop(key, None)


SESSIONS: ServiceKey[Sessions] = ServiceKey("terminal_sessions", Sessions)
"""Where the parts of this plugin meet."""


def _reply_message(reply: Reply) -> Json:
    return {"type": "reply", "key": reply.key, "turn": reply.turn, "text": reply.text}
