"""A real server, ngircd, on this machine, and people with plain clients."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

NGIRCD = shutil.which("ngircd") or shutil.which("ngircd", path="/usr/sbin:/usr/local/sbin")
PASSWORD = "let-me-in"
_SETTINGS = f"""
[Global]
Name = irc.example.net
Info = a server for tests
AdminInfo1 = nobody
Listen = 127.0.0.1
Ports = %d
Password = {PASSWORD}
[Limits]
MaxConnectionsIP = 0
MaxNickLength = 20
[Options]
DNS = no
Ident = no
PAM = no
"""


@define(eq=False)
class Server:
    """ngircd, which can be stopped and started again on its port."""

    config: Path
    port: int
    _process: subprocess.Popen[str] | None = None
    _draining: threading.Thread | None = None

    def start(self) -> None:
        """Start it, and return when it is ready."""
        assert NGIRCD
        self._process = subprocess.Popen(
            [NGIRCD, "--config", self.config, "--nodaemon"], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        said = []
        for line in self._process.stdout:
            said.append(line)
            if line.endswith("ready.\n"):
                break
        else:
            pytest.fail("".join(said))
        self._draining = threading.Thread(target=deque, args=(self._process.stdout, 0))
        self._draining.start()

    def stop(self) -> None:
        """Stop it."""
        if self._process is None or self._draining is None:
            return
        with self._process:
            self._process.terminate()
            self._draining.join()
        self._process = None

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the plugin's settings for it."""
        password = "env:IRC_PASSWORD"
        known = {"host": "127.0.0.1", "port": self.port, "tls": False, "password": password}
        return {**known, "pace": 0.0, **more}


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Run a server, on a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = Server(folder / "ngircd.conf", probe.getsockname()[1])
    server.config.write_text(_SETTINGS % server.port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that runs."""
    if NGIRCD is None:
        pytest.skip("ngircd is not installed, so the channel was not tried: apt install ngircd")
    monkeypatch.setenv("IRC_PASSWORD", PASSWORD)
    with running(tmp_path) as server:
        yield server


@define(eq=False)
class Person:
    """Somebody with a plain client."""

    name: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    told: list[str] = field(factory=list)
    joined: list[str] = field(factory=list)
    answers: asyncio.Queue[str] = field(factory=asyncio.Queue)

    def send(self, line: str) -> None:
        """Send a line as it is."""
        self.writer.write(f"{line}\r\n".encode())

    async def say(self, to: str, text: str) -> bool:
        """Say something; return whether there was somebody to hear it."""
        self.send(f"PRIVMSG {to} :{text}")
        self.send("PING :said")
        heard = True
        while (answer := await self.answers.get()) != "PONG":
            heard = heard and answer != "401"
        return heard

    async def say_when_there(self, to: str, text: str) -> None:
        """Say something as soon as somebody is there to hear it."""
        while not await self.say(to, text):
            await asyncio.sleep(0.01)

    async def join(self, place: str) -> None:
        """Join a channel, and wait until it is so."""
        self.send(f"JOIN {place}")
        while await self.answers.get() != "366":
            pass

    async def read(self) -> None:
        """Keep what the server says."""
        async for raw in self.reader:
            line = raw.decode().rstrip("\r\n")
            if line.startswith("PING"):
                self.send(line.replace("PING", "PONG", 1))
                continue
            command = line.split(" ")[1]
            if command == "PRIVMSG":
                self.told.append(line.split(" :", 1)[1] if " :" in line else line.split(" ")[3])
            if command == "JOIN":
                self.joined.append(line[1:].partition("!")[0])
            if command in ("001", "366", "401", "PONG"):
                self.answers.put_nowait(command)


@asynccontextmanager
async def somebody(server: Server, name: str) -> AsyncIterator[Person]:
    """Connect as a person."""
    person = Person(name, *await asyncio.open_connection("127.0.0.1", server.port))
    reading = asyncio.create_task(person.read())
    person.send(f"PASS {PASSWORD}")
    person.send(f"NICK {name}")
    person.send(f"USER {name} 0 * :{name}")
    try:
        while await person.answers.get() != "001":
            pass
        yield person
    finally:
        reading.cancel()
        await asyncio.wait({reading})
        person.writer.close()
