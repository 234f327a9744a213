"""The connection with an IRC server (RFC 2812, with the account tag of IRCv3)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import Sequence

from argent_hookspecs import DeliveryRefused
from attrs import define, field
from irctokens.line import Line, build, tokenise

from argent_irc.settings import Settings
from argent_irc.words import fold

SILENCE = 300.0
"""Seconds without a word after which a server counts as gone; servers ask for a sign of life."""
_REGISTERING = 30.0
_PARTING = 2.0
_ENDS = {ord(end): None for end in "\r\n\0"}
_WELCOME = "001"
_NICKNAME_TAKEN = "433"
_REFUSALS = frozenset({"401", "403", "404", "407", "411", "412", "413", "414", "415", "442"})


class IrcError(ConnectionError):
    """Report a server that cannot be reached, or does not want us."""


@define(eq=False)
class Wire:
    """An open connection.

    Args:
        settings: Where it goes, and how fast it may be written to.
        nickname: What the agent is called there.
        reader: From the server.
        writer: To the server.
    """

    settings: Settings
    nickname: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    _room: float = field(init=False)
    _counted_at: float = 0.0
    _pings: dict[str, asyncio.Future[None]] = field(factory=dict)
    _told: str = ""
    _refused: list[str] = field(factory=list)

    @_room.default
    def _all_room(self) -> float:
        return float(self.settings.burst)

    async def register(self, password: str | None) -> None:
        """Say who we are, and join the channels. Raises ``IrcError``."""
        if password:
            self.write("PASS", password)
        self.write("CAP", "REQ", "account-tag")
        self.write("NICK", self.nickname)
        self.write("USER", "argent", "0", "*", "Argent")
        self.write("CAP", "END")
        while (line := await self.read()).command != _WELCOME:
            if line.command == _NICKNAME_TAKEN:
                self.nickname = f"{self.settings.nickname}{secrets.randbelow(1000)}"
                self.write("NICK", self.nickname)
            elif line.command[0] in "45" and line.command not in ("410", "421"):
                raise IrcError(f"{self.settings.host}: {line.params[-1]}")
        self.nickname = line.params[0]
        for channel in self.settings.channels:
            self.write("JOIN", channel)

    async def read(self) -> Line:
        """Return the next line, its signs of life answered. Raises ``IrcError``."""
        line = None
        while line is None:
            try:
                async with asyncio.timeout(SILENCE):
                    raw = await self.reader.readline()
            except (OSError, ValueError) as error:
                raise IrcError(f"{self.settings.host} is gone: {error}") from error
            if not raw:
                raise IrcError(f"{self.settings.host} has closed the connection")
            line = parsed(raw)
        if line.command == "ERROR":
            raise IrcError(f"{self.settings.host}: {' '.join(line.params)}")
        self._heed(line)
        return line

    def _heed(self, line: Line) -> None:
        """Do what a line asks of the connection itself."""
        if line.command == "PING":
            self.write("PONG", *line.params)
        elif line.command == "PONG":
            asked = self._pings.get(line.params[-1])
            if asked and not asked.done():
                asked.set_result(None)
        elif line.command in _REFUSALS and fold(line.params[1]) == self._told:
            self._refused.append(line.params[-1])
        elif line.command == "NICK" and line.source and line.hostmask.nickname == self.nickname:
            self.nickname = line.params[0]

    async def say(self, to: str, lines: Sequence[str]) -> str:
        """Send lines, at the server's pace, and return once the server has taken them.

        IRC acknowledges nothing, but a server deals with one line after another: what it answers
        to a sign of life comes after its complaints.

        Raises:
            DeliveryRefused: It took none of them.
            IrcError: It is unknown which it took.
        """
        self._told = fold(to)
        self._refused.clear()
        for line in lines:
            await self._make_room()
            self.write("PRIVMSG", to, line)
            await self.writer.drain()
        mark = secrets.token_hex(8)
        self._pings[mark] = asyncio.get_running_loop().create_future()
        try:
            self.write("PING", mark)
            await self._pings[mark]
        finally:
            del self._pings[mark]
        if self._refused and len(self._refused) >= len(lines):
            raise DeliveryRefused(f"{to}: {self._refused[-1]}")
        if self._refused:
            raise IrcError(f"{to} got only a part: {self._refused[-1]}")
        return mark

    def end(self, reason: str) -> None:
        """Let nobody wait for an answer that will not come."""
        for asked in self._pings.values():
            if not asked.done():
                asked.set_exception(IrcError(reason))

    def write(self, command: str, *params: str) -> None:
        """Send one line, now."""
        line = build(command, list(params)).format().translate(_ENDS)
        self.writer.write(f"{line}\r\n".encode())

    async def close(self) -> None:
        """Take leave, so that the nickname is free again."""
        with contextlib.suppress(OSError):
            self.write("QUIT")
            async with asyncio.timeout(_PARTING):
                while await self.reader.read(4096):
                    pass
        self.writer.close()

    async def _make_room(self) -> None:
        """Wait until another line may be sent: servers throw out whoever floods them."""
        loop = asyncio.get_running_loop()
        pace = self.settings.pace
        if pace:
            passed = loop.time() - self._counted_at
            self._room = min(self.settings.burst, self._room + passed / pace)
            self._counted_at = loop.time()
            if self._room < 1:
                await asyncio.sleep((1 - self._room) * pace)
                self._room, self._counted_at = 1.0, loop.time()
            self._room -= 1


def parsed(raw: bytes) -> Line | None:
    """Return a line of the server's, or None if it says nothing that can be understood."""
    try:
        line = tokenise(raw.rstrip(b"\r\n"))
    except (ValueError, IndexError):
        return None
    needed = {"NICK": 1, "PING": 1, "PONG": 1, "PRIVMSG": 2}
    least = 2 if line.command.isdigit() else needed.get(line.command, 0)
    return line if len(line.params) >= least else None


async def connect(settings: Settings, password: str | None) -> Wire:
    """Connect and register. Raises ``OSError``, of which ``IrcError`` is one."""
    secure = await asyncio.to_thread(ssl.create_default_context) if settings.tls else None
    async with asyncio.timeout(_REGISTERING):
        reader, writer = await asyncio.open_connection(settings.host, settings.port, ssl=secure)
        wire = Wire(settings, settings.nickname, reader, writer)
        registered = False
        try:
            await wire.register(password)
            registered = True
        finally:
            if not registered:
                writer.close()
    return wire
