"""A conversation at a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from argent_terminal.exchange import Exchange, State
from argent_terminal.link import CUT, Link
from argent_terminal.prompts import PROMPT, Interrupted, LinePrompt
from argent_terminal.screen import Screen
from argent_terminal.summary import history_text, status_text, stopped_text, trace_text
from argent_terminal.talk import Talk

HELP = """\
/status   how the agent is            /trace    why it answered as it did
/history  what was said before        /stop     stop what it is doing here
/model    which model answers here; /model powerful, /model auto
/new      begin a new conversation    /help     this
/quit     leave (also Ctrl-D)
@powerful at the beginning chooses the model of one message.
Enter sends. Alt-Enter, or \\ at the end of a line, begins another line; pasted lines stay together.
Ctrl-C while the agent answers stops the answer, not the agent."""


_AGENTS_OWN = ("/model", "/new")
"""What looks like a command of the terminal, but is the agent's own and goes there as a message."""


class Interactive:
    """Reads messages and commands until the person leaves."""

    def __init__(self, link: Link, screen: Screen, talk: Talk, prompt: LinePrompt) -> None:
        self._link = link
        self._screen = screen
        self._talk = talk
        self._prompt = prompt
        self._leaving = False
        self._unasked: list[Any] = []
        self._commands: dict[str, Callable[[], Awaitable[None]]] = {
            "/help": self._help,
            "/history": self._history,
            "/status": self._status,
            "/stop": self._stop,
            "/trace": self._trace,
        }

    async def run(self) -> int:
        """Converse; return the exit code."""
        self._screen.note(f"Conversation {self._link.conversation!r}. /help says what you can do.")
        # Whatever waited for a terminal is sent before this is answered.
        await self._talk.request({"type": "history", "limit": 1})
        while (text := await self._read()) is not None:
            command = text.split()[0] if text.startswith("/") and "\n" not in text else ""
            if command in ("/quit", "/exit"):
                return 0
            if command != "/help" and not self._link.is_open and not await self._is_back():
                self._screen.note(
                    "The agent is still gone, and this was not said. Start it with: argent start"
                )
            elif not command or command in _AGENTS_OWN:
                await self._say(text)
            else:
                await self._commands.get(command, self._unknown)()
        return 0

    async def _is_back(self) -> bool:
        with self._link.interrupts():
            self._screen.note("Looking for the agent; Ctrl-C ends that.")
            return await self._link.reopen()

    async def _say(self, text: str) -> None:
        exchange = Exchange(text)
        outcome = await self._talk.run(exchange)
        match outcome.state:
            case State.FAILED:
                self._screen.note(f"No answer: {outcome.reason}")
                await self._talk.confirm(list(exchange.replies))
            case State.STOPPED:
                self._screen.note(stopped_text(outcome.reason))

    async def _read(self) -> str | None:
        """Return what the person says, or None to leave; show meanwhile what the agent says."""
        typed = ""
        while True:
            reading = asyncio.create_task(self._prompt.read(typed))
            try:
                message = await self._first_of(reading)
                if message is None:
                    text = (await reading).strip()
                    self._leaving, typed = False, ""
                    await self._ask_now()
                    if text:
                        return text
                    continue
                typed = self._prompt.typed
                await self._take_beside(message)
            except EOFError:
                return None
            except Interrupted:
                if self._prompt.typed:
                    typed = ""
                elif self._leaving:
                    return None
                else:
                    self._leaving = True
                    self._screen.note("Press Ctrl-C again, or Ctrl-D, to leave.")

    async def _first_of(self, reading: asyncio.Task[str]) -> Any:
        """Wait for the person, then None, or for a message that the person should see at once."""
        while True:
            receiving = asyncio.create_task(self._link.receive())
            await asyncio.wait({reading, receiving}, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                receiving.cancel()
                await asyncio.wait({receiving})
                return None
            message = receiving.result()
            if _matters(message) and not reading.done():
                reading.cancel()
                await asyncio.wait({reading})
                return message
            if _matters(message):
                await self._take_beside(message)
            if reading.done():
                return None

    async def _take_beside(self, message: Any) -> None:
        if message is CUT:
            self._screen.note("The connection to the agent is lost; your next message looks again.")
        elif message["type"] == "approval" and self._prompt.typed:
            # Whoever is typing must not answer a question by accident.
            self._screen.note("Your word is needed. You are asked when this line is finished.")
            self._unasked.append(message)
        else:
            await self._talk.take_beside(message)

    async def _ask_now(self) -> None:
        unasked, self._unasked = self._unasked, []
        for approval in unasked:
            await self._talk.take_beside(approval)

    async def _help(self) -> None:
        self._screen.fact(HELP)

    async def _unknown(self) -> None:
        self._screen.note("There is no such command; /help lists them.")

    async def _status(self) -> None:
        if answer := await self._talk.request({"type": "status"}):
            self._screen.fact(status_text(answer["status"]))

    async def _trace(self) -> None:
        if answer := await self._talk.request({"type": "trace"}):
            trace = answer["trace"]
            words = trace_text(trace) if trace else "Nothing has been answered here yet."
            self._screen.fact(words)

    async def _history(self) -> None:
        if answer := await self._talk.request({"type": "history", "limit": 10}):
            said = history_text(answer["exchanges"], PROMPT)
            self._screen.fact(said or "Nothing has been said here yet.")

    async def _stop(self) -> None:
        if answer := await self._talk.request({"type": "stop"}):
            self._screen.note("Stopped." if answer["count"] else "Nothing is being answered here.")


def _matters(message: Any) -> bool:
    """Whether a person who is typing should see this at once."""
    return message["type"] in ("reply", "approval", "budget", "cut") or (
        message["type"] == "finished" and message["state"] == "dead"
    )
