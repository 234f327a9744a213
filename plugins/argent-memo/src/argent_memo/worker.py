"""The HTTP worker: the memory for other programs of the same person, on this machine only.

Who asks shows a token, which lies in the plugin's folder where only its owner can read it. What the
worker cannot do at all, such as listen on a port that is taken, degrades the plugin and nothing
else; the kernel has it try again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import importlib
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from argent_hookspecs import Clock, ConfigError, Feed, PluginContext
from argent_memo.memo import Memo, memo_of

HOST = "127.0.0.1"
TOKEN_FILE = "worker.token"

_AT_ONCE = 60.0
_PER_SECOND = 30.0


class Refused(Exception):
    """A request that is not served.

    Args:
        status: Of the response.
        words: What was wrong, and what to do.
    """

    def __init__(self, status: int, words: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(words)
        self.status = status
        self.headers = headers or {}


@define
class Bucket:
    """Requests that may still come: so many at once, and so many each second."""

    clock: Clock
    _left: float = _AT_ONCE
    _at: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._at = self.clock.monotonic()

    def take(self) -> bool:
        """Take one; return whether there was one."""
        now = self.clock.monotonic()
        self._left, self._at = min(_AT_ONCE, self._left + (now - self._at) * _PER_SECOND), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


@frozen(repr=False)
class Door:
    """Who is let in.

    Args:
        bucket: For requests that show the token.
        strangers: For all others, so that they use nothing up of those.
    """

    port: int
    bucket: Bucket
    strangers: Bucket
    _token: str = field(repr=False)

    def check(self, headers: Any, *, open: bool) -> None:
        """Raise ``Refused`` if a request is not to be served.

        Args:
            headers: Of the request.
            open: Whether it may come without the token.
        """
        shown = headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        right = hmac.compare_digest(shown, f"Bearer {self._token}".encode())
        if not (self.bucket if right else self.strangers).take():
            raise Refused(429, "too many requests; wait a moment", headers={"Retry-After": "1"})
        if headers.getall("Host", []) not in ([f"{HOST}:{self.port}"], [f"localhost:{self.port}"]):
            raise Refused(403, f"this is {HOST}:{self.port} and no other host")
        if "Origin" in headers or headers.get("Sec-Fetch-Site", "none") != "none":
            raise Refused(403, "pages in a browser are not served")
        if not open and not right:
            words = f"show the token: Authorization: Bearer … ({TOKEN_FILE} has it)"
            raise Refused(401, words, headers={"WWW-Authenticate": "Bearer"})


@define(eq=False, repr=False)
class Worker:
    """The worker, which runs as the kernel runs what listens; it has no events to tell."""

    ctx: PluginContext

    @property
    def memo(self) -> Memo:
        """The memory that is open."""
        return memo_of(self.ctx)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Worker]:
        """Yield it; it listens when it is told to."""
        yield self

    async def listen(self, feed: Feed) -> None:
        """Serve until cancelled. Raises ``ConfigError`` if the port is taken."""
        port = self.ctx.settings.worker_port
        token = await asyncio.to_thread(token_in, self.ctx.data)
        api = await asyncio.to_thread(importlib.import_module, "argent_memo.worker_api")
        door = Door(port, Bucket(self.ctx.clock), Bucket(self.ctx.clock), token)
        try:
            async with api.serving(self, door):
                self.memo.worker = ""
                await asyncio.get_running_loop().create_future()
        except OSError as error:
            self.memo.worker = (
                f"the memory's HTTP worker cannot listen on {HOST}:{port} ({_why(error)});"
                " end what has the port, or take another: argent config set memory.workerPort"
                f" {port + 1 if port < 65535 else 37778} (0 for none)"
            )
            raise ConfigError(self.memo.worker) from error


def _why(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def token_in(folder: Path) -> str:
    """Return the token; it is made once, and anew where others could have read it."""
    path = folder / TOKEN_FILE
    with contextlib.suppress(FileNotFoundError):
        safe = os.name != "posix" or not path.stat().st_mode & 0o077
        if safe and (token := path.read_text("ascii", "replace").strip()):
            return token
    token, own = secrets.token_urlsafe(32), path.with_name(f".{TOKEN_FILE}.{os.urandom(8).hex()}")
    try:
        with os.fdopen(os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(token)
            file.flush()
            os.fsync(file.fileno())
        own.replace(path)
    finally:
        own.unlink(missing_ok=True)
    return token
