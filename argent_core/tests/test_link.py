from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from argent_core import link
from argent_core.paths import Home
from argent_testing import Argent

TOKEN = "only the kernel knows"


@contextmanager
def pretender(home: Home, *lines: bytes) -> Iterator[list[bytes]]:
    """Listen where a link points to, say some lines, and hang up; yield what is heard."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        home.create()
        facts = {"port": server.getsockname()[1], "token": TOKEN}
        link.link_file(home).write_text(json.dumps(facts))

        def pretend() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(ConnectionError):
                for line in lines:
                    connection.sendall(line)
                connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(4096):
                    heard.append(part)

        thread = threading.Thread(target=pretend)
        thread.start()
        try:
            yield heard
        finally:
            thread.join()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def ask(home: Home, operation: str = "status", **arguments: Any) -> dict[str, Any]:
    return link.ask(home, operation, arguments=arguments)


@pytest.mark.anyio
async def test_the_running_kernel_answers(argent: Argent) -> None:
    async with argent():
        answer = await asyncio.to_thread(ask, argent.home)

    assert answer["result"]["state"] == "idle"


@pytest.mark.anyio
async def test_what_it_cannot_do_is_its_answer(argent: Argent) -> None:
    async with argent():
        answer = await asyncio.to_thread(ask, argent.home, "events.show", id="zz")

    assert answer == {"error": "there is no event 'zz'; see: argent events list"}


@pytest.mark.anyio
async def test_an_answer_may_be_big(argent: Argent) -> None:
    name = "x" * 1_000_000

    async with argent():
        answer = await asyncio.to_thread(ask, argent.home, name)

    assert name in answer["error"]


@pytest.mark.parametrize("text", [None, "", "[]", '{"port": "x"}', '{"port": 1, "token": "t"}'])
def test_without_a_kernel_it_says_how_to_start_one(home: Home, text: str | None) -> None:
    home.create()
    if text is not None:
        link.link_file(home).write_text(text)

    with pytest.raises(link.Unreachable, match="argent start"):
        ask(home)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b"220 mail ready\r\n"],
        [b'["ready"]\n'],
        [b"\xff\xfe\n"],
        [b"[" * 100_000 + b"\n"],
        [b'{"challenge": "c"}\n', b'{"proof": "known to all"}\n', b'{"ready": true}\n'],
        [b'{"challenge": "c"}\n', b'{"proof": 7}\n', b'{"ready": true}\n'],
    ],
    ids=["nothing", "another protocol", "a list", "no text", "too deep", "no proof", "a number"],
)
def test_another_program_on_its_port_is_not_asked(home: Home, lines: list[bytes]) -> None:
    with pretender(home, *lines) as heard, pytest.raises(link.Unreachable, match="not this Argent"):
        ask(home, "secret question")

    said = b"".join(heard)
    assert b"secret question" not in said
    assert TOKEN.encode() not in said
