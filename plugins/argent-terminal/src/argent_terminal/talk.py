"""Carries a message to the agent and stays until there is an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from argent_terminal.exchange import Exchange, Outcome, State
from argent_terminal.link import CUT, INTERRUPT, Link
from argent_terminal.screen import Screen
from argent_terminal.seen import SeenReplies
from argent_terminal.text import budget_text, call_text

GRACE_SECONDS = 2.0
"""How long, after the answer was shown, to wait for the word that it is complete."""

QUIET_SECONDS = (5.0, 30.0)
"""After how long without a word the person is told that an answer is waited for, and told again."""

REQUEST_SECONDS = 30.0
MOST_CUTS = 10
"""How often a connection may be cut before one message is given up."""

Ask = Callable[[Mapping[str, Any]], Awaitable[bool]]


class Talk:
    """Talks with the agent over a link, and shows on a screen what comes.

    Args:
        ask: Asks the person whether a tool call is allowed; without it an exchange that needs
            this ends, waiting.
    """

    def __init__(
        self,
        link: Link,
        screen: Screen,
        seen: SeenReplies,
        *,
        ask: Ask | None = None,
    ) -> None:
        self._link = link
        self._screen = screen
        self._seen = seen
        self._ask = ask
        self._interrupted = False
        self._cuts = 0
        self._forgetful = False
        self._notes: list[str] = []

    async def run(self, exchange: Exchange) -> Outcome:
        """Send the message and show what becomes of it, to the end."""
        self._interrupted, self._cuts = False, 0
        with self._link.interrupts():
            await self._send(exchange)
            while exchange.outcome is None:
                message = await self._next(exchange)
                if message is None:
                    exchange.end_as_it_is()
                else:
                    await self._take(exchange, message)
        self._screen.end_line()
        while self._notes:
            self._screen.note(self._notes.pop(0))
        assert exchange.outcome is not None
        return exchange.outcome

    async def _next(self, exchange: Exchange) -> Mapping[str, Any] | None:
        """Wait for what comes next, aloud if that takes long; None if no more is needed."""
        quiet, waited = QUIET_SECONDS[0], 0.0
        while True:
            try:
                async with asyncio.timeout(GRACE_SECONDS if exchange.nearly_done else quiet):
                    return await self._link.receive()
            except TimeoutError:
                if exchange.nearly_done:
                    return None
            waited += quiet
            quiet = QUIET_SECONDS[1]
            self._screen.wait(waited)

    async def take_beside(self, message: Mapping[str, Any]) -> None:
        """Show what comes while no message is being answered."""
        match message["type"]:
            case "reply":
                await self._show_earlier(message)
            case "approval":
                await self._approve(message)
            case "budget":
                self._screen.note(budget_text(message))
            case "finished" if message["state"] == "dead":
                self._screen.note(f"A turn failed: {message['reason']}")

    async def confirm(self, keys: list[str]) -> None:
        """Tell the agent that replies were shown."""
        for key in keys:
            if key not in self._seen:
                await self._remember(key)
            await self._link.send({"type": "ack", "key": key})

    async def _remember(self, key: str) -> None:
        try:
            await self._seen.add(key)
        except OSError as error:
            if not self._forgetful:
                reason = error.strerror or error
                self._screen.note(f"What was shown is not noted, and may be shown again: {reason}")
            self._forgetful = True

    async def request(self, message: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Ask for something else than an answer; None if the agent is gone or takes too long."""
        await self._link.send(message)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                with self._link.interrupts():
                    return await self._answer_to(message["type"])
        except TimeoutError:
            self._screen.note("The agent does not answer.")
            return None

    async def _answer_to(self, kind: str) -> Mapping[str, Any] | None:
        while True:
            message = await self._link.receive()
            if message["type"] == {"stop": "stopped"}.get(kind, kind):
                return message
            if message is CUT or message is INTERRUPT or message["type"] == "error":
                self._screen.note(message.get("reason", "There is no answer."))
                return None
            await self.take_beside(message)

    async def settle(self, exchange: Exchange) -> None:
        """Wait a little for the agent's word that it knows the answer to be shown."""
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                while not exchange.delivered and self._link.is_open:
                    exchange.take(await self._link.receive())
        except TimeoutError:
            return

    async def _send(self, exchange: Exchange) -> None:
        await self._link.send({"type": "message", "id": exchange.id, "text": exchange.text})

    async def _take(self, exchange: Exchange, message: Mapping[str, Any]) -> None:
        if message is INTERRUPT:
            await self._interrupt(exchange)
        elif message is CUT:
            await self._come_back(exchange)
        elif self._seen_before(exchange, message):
            await self.confirm([message["key"]])
        else:
            exchange.take(message)
            await self._show(exchange, message)

    def _seen_before(self, exchange: Exchange, message: Mapping[str, Any]) -> bool:
        is_own = exchange.turn is not None and message.get("turn") == exchange.turn
        return message["type"] == "reply" and message["key"] in self._seen and not is_own

    async def _show(self, exchange: Exchange, message: Mapping[str, Any]) -> None:
        kind, mine = message["type"], exchange.owns(message)
        if kind == "progress":
            self._screen.progress(message)
        elif kind == "budget":
            self._notes.append(budget_text(message))  # in the middle of an answer it would part it
        elif kind == "draft" and mine:
            self._screen.draft(message["text"])
        elif kind == "tool" and mine:
            self._screen.tool(message["tool"], message["arguments"])
        elif kind == "tool_finished" and mine and message["is_error"]:
            self._screen.note(f"  {message['tool']}: {message['text']}")
        elif kind == "reply" and not mine:
            await self._show_earlier(message)
        elif kind == "reply" and not exchange.held and not exchange.failure:
            self._screen.answer(message["text"])
            await self.confirm([message["key"]])
        elif kind == "approval":
            await self._take_approval(exchange, message, mine=mine)
        elif kind == "finished" and mine and message["state"] == "failed":
            self._screen.retract()
            self._screen.note(f"That did not work ({message['reason']}); trying again.")
        elif kind == "stopped" and message["count"] == 0:
            exchange.end(State.STOPPED, "nothing was being answered; the message stays in line")
        elif kind == "stopped" and (turn := message["turn"]) and not exchange.is_of(turn):
            # The person's own message waited behind it, and can be stopped by itself now.
            self._interrupted = False
            self._screen.note(_stopped_before(turn["asked"]))

    async def _take_approval(
        self, exchange: Exchange, message: Mapping[str, Any], *, mine: bool
    ) -> None:
        if self._ask is not None:
            await self._approve(message)
        elif mine:
            exchange.outcome = exchange.outcome or Outcome(state=State.WAITING, approval=message)
        else:
            call = call_text(message["tool"], message["arguments"])
            allow = f"argent approvals allow {message['id']}"
            self._screen.note(f"Your word is needed before: allow {call}? Answer with: {allow}")

    async def _approve(self, message: Mapping[str, Any]) -> None:
        if self._ask is None:
            return
        self._screen.end_line()
        allow = await self._ask(message)
        await self._link.send({"type": "approve", "id": message["id"], "allow": allow})

    async def _show_earlier(self, message: Mapping[str, Any]) -> None:
        if message["key"] not in self._seen:
            self._screen.note("An earlier answer:\n" + message["text"].strip())
        await self.confirm([message["key"]])

    async def _interrupt(self, exchange: Exchange) -> None:
        if self._interrupted:
            exchange.end(State.STOPPED, "interrupted")
            return
        self._interrupted = True
        self._screen.note("Stopping the answer; press Ctrl-C again to leave at once.")
        await self._link.send({"type": "stop"})

    async def _come_back(self, exchange: Exchange) -> None:
        if exchange.nearly_done:
            exchange.end_as_it_is()
            return
        self._cuts += 1
        if self._cuts > MOST_CUTS:
            exchange.end(State.FAILED, "the connection is cut again and again; see: argent doctor")
            return
        self._screen.retract()
        self._screen.note(
            "The connection to the agent is lost; waiting for it to come back. If it does not by"
            " itself: argent start (Ctrl-C leaves)"
        )
        if await self._link.reopen():
            exchange.resumed = True
            self._screen.note("The agent is back; waiting for its answer.")
            await self._send(exchange)
        else:
            exchange.end(
                State.FAILED,
                "the agent did not come back. Your message is kept if it was taken, and answered"
                " after: argent start",
            )


def _stopped_before(asked: str) -> str:
    to = f', to "{asked}"' if asked else ""
    return f"This was an earlier answer{to}. Yours comes now; Ctrl-C stops that."
