"""What a terminal may ask, and the answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from attrs import frozen

from argent_hookspecs import (
    Address,
    Approval,
    ArgentError,
    Connection,
    Event,
    EventRefused,
    Feed,
    PluginContext,
    Trust,
)
from argent_terminal.sessions import CHANNEL, Json, Session, Sessions, conversation_of

PLACE = re.compile(r"[\w.@-]{1,64}")
LONGEST_TEXT = 1_000_000
AT_ONCE = 20


async def attend(
    connection: Connection, sessions: Sessions, *, ctx: PluginContext, feed: Feed
) -> None:
    """Serve one terminal until it goes away."""
    session = Session(connection)
    desk = _Desk(session, sessions, ctx, feed)
    try:
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(session.write())
            reading = group.create_task(desk.read(connection))
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
            writing.cancel()
            reading.cancel()
    finally:
        sessions.leave(session)


@frozen
class _Request:
    """One request, whose fields are checked as they are taken."""

    fields: Json

    def take(self, name: str, kind: type[Any], *, default: Any = None) -> Any:
        value = self.fields.get(name, default)
        if not isinstance(value, kind):
            raise _Malformed(f"{name!r} should be of type {kind.__name__}")
        return value


class _Malformed(ArgentError):
    """Report a request that is not of the form agreed."""


class _Desk:
    """Answers one terminal. Messages are taken in order, anything else beside them."""

    def __init__(
        self, session: Session, sessions: Sessions, ctx: PluginContext, feed: Feed
    ) -> None:
        self._session = session
        self._sessions = sessions
        self._ctx = ctx
        self._feed = feed
        self._in_order = asyncio.Lock()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._answers: dict[str, Callable[[_Request], Awaitable[None]]] = {
            "message": self._message,
            "stop": self._stop,
            "status": self._status,
            "trace": self._trace,
            "history": self._history,
            "approve": self._approve,
        }

    async def read(self, connection: Connection) -> None:
        """Take requests until the terminal goes away."""
        async with asyncio.TaskGroup() as group:
            try:
                async for fields in connection:
                    request = _Request(fields)
                    if not self._session.place or fields.get("type") == "hello":
                        await self._answer(request, self._hello)
                    elif fields.get("type") == "ack":
                        await self._answer(request, self._ack)
                    else:
                        await self._room.acquire()
                        group.create_task(self._answer_beside(request))
            except ConnectionError:
                return

    async def _answer_beside(self, request: _Request) -> None:
        try:
            kind = request.fields.get("type")
            await self._answer(request, self._answers.get(str(kind), self._unknown))
        finally:
            self._room.release()

    async def _answer(
        self, request: _Request, answer: Callable[[_Request], Awaitable[None]]
    ) -> None:
        try:
            await answer(request)
        except ArgentError as error:
            kind = str(request.fields.get("type"))
            self._session.post({"type": "error", "request": kind, "reason": str(error)})

    async def _unknown(self, request: _Request) -> None:
        raise _Malformed("the agent does not know this request; is it of another version?")

    async def _hello(self, request: _Request) -> None:
        place = request.take("conversation", str, default="")
        if request.fields.get("type") != "hello" or not PLACE.fullmatch(place):
            raise _Malformed("say hello first, with the name of a conversation")
        self._sessions.leave(self._session)
        self._session.place = place
        self._session.post({"type": "welcome", "conversation": conversation_of(place)})
        self._sessions.join(self._session)
        for approval in await self._ctx.agent.approvals(conversation_of(place)):
            self._session.post(approval_message(approval))

    async def _ack(self, request: _Request) -> None:
        self._sessions.confirm(request.take("key", str))

    async def _message(self, request: _Request) -> None:
        identity, text = request.take("id", str), request.take("text", str)
        if not text.strip() or len(text) > LONGEST_TEXT or not identity:
            raise _Malformed(f"a message has an id and 1 to {LONGEST_TEXT:,} characters")
        place = self._session.place
        event = Event(
            conversation=conversation_of(place),
            content=text,
            sender="owner",
            trust=Trust.OWNER,
            dedupe_key=f"{CHANNEL}:{identity}",
            reply_to=Address(CHANNEL, place),
            occurred_at=self._ctx.clock.now(),
            data={"message": identity},
        )
        async with self._in_order:
            try:
                stored = await self._feed.emit(event)
            except EventRefused as error:
                self._session.post({"type": "refused", "id": identity, "reason": str(error)})
                return
        self._session.post(
            {"type": "accepted", "id": identity, "event": stored, "duplicate": stored is None}
        )

    async def _stop(self, request: _Request) -> None:
        place = self._session.place
        turn = self._sessions.turn(place)
        count = await self._ctx.agent.stop(conversation_of(place))
        self._session.post({"type": "stopped", "count": count, "turn": turn})

    async def _status(self, request: _Request) -> None:
        status = await self._ctx.agent.status(deep=request.take("deep", bool, default=False))
        self._session.post({"type": "status", "status": dict(status)})

    async def _trace(self, request: _Request) -> None:
        trace = await self._ctx.agent.trace(conversation_of(self._session.place))
        self._session.post({"type": "trace", "trace": None if trace is None else dict(trace)})

    async def _history(self, request: _Request) -> None:
        limit = min(max(request.take("limit", int, default=20), 1), 1000)
        history = await self._ctx.agent.history(conversation_of(self._session.place), limit)
        self._session.post({"type": "history", "exchanges": [dict(one) for one in history]})

    async def _approve(self, request: _Request) -> None:
        approval, allow = request.take("id", str), request.take("allow", bool)
        was_open = await self._ctx.agent.answer(approval, allow=allow, by="owner (terminal)")
        self._session.post({"type": "approved", "id": approval, "allow": allow, "open": was_open})


def approval_message(approval: Approval) -> Json:
    """Return the question whether a tool call may be run."""
    return {
        "type": "approval",
        "id": approval.id,
        "turn": approval.turn,
        "tool": approval.tool,
        "arguments": dict(approval.arguments),
        "expires_at": approval.expires_at.isoformat(),
    }
