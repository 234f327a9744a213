"""The connection to the server: the only file that knows its library.

Importing the library takes a third of a second, so this file is imported in a thread.
The API: https://docs.ollama.com/api
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
from ollama import AsyncClient

from argent_hookspecs import ModelRejected, ModelUnavailable
from argent_hookspecs.http import retry_after
from argent_ollama.failures import failure, hide, not_running, strange
from argent_ollama.settings import OllamaSettings

_CONNECT_SECONDS = 5.0
_LONGEST_ERROR = 1 << 16
_LONGEST = 64 << 20
_HEARD_OF = (httpx.ReadError, httpx.RemoteProtocolError, httpx.DecodingError, httpx.StreamError)


class Connection(AsyncClient):
    """Ollama's own client, with documents that are passed on whole.

    Its typed methods drop what their version does not know: parts of a tool's schema, ids of
    calls, what a model can do. And they cut a line where a model writes one of the rarer line
    ends of Unicode. It would also follow a server that sends it elsewhere, with all that was said.

    Args:
        settings: Address and patience.
        key: The key; empty without one.
        now: Tells the time.
    """

    def __init__(self, settings: OllamaSettings, key: str, now: Callable[[], datetime]) -> None:
        super().__init__(
            settings.address,
            follow_redirects=False,
            headers={"Authorization": f"Bearer {key}"} if key else None,
            timeout=httpx.Timeout(settings.silence, connect=_CONNECT_SECONDS, pool=None),
            limits=httpx.Limits(max_connections=None),
            trust_env=not settings.is_own,
        )
        if not key:
            # The library takes the key for ollama.com from the environment, wherever it connects.
            self._client.headers.pop("Authorization", None)
        self._address = settings.address
        self._key = key
        self._now = now

    async def disconnect(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def document(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        seconds: float,
        model: str = "",
    ) -> dict[str, Any]:
        """Ask for one document. Raises ``ModelError``."""
        timeout = httpx.Timeout(seconds, connect=_CONNECT_SECONDS)
        async with self._response(
            method, path, body=body, model=model, timeout=timeout
        ) as response:
            whole = await _beginning(response, _LONGEST + 1)
            if len(whole) > _LONGEST:
                raise strange("a document without an end")
            return self._read(whole)

    async def documents(
        self, path: str, body: Mapping[str, Any], *, model: str
    ) -> AsyncGenerator[dict[str, Any]]:
        """Ask for a stream of documents, one a line. Raises ``ModelError``."""
        async with self._response("POST", path, body=body, model=model) as response:
            async for line in _lines(response):
                document = self._read(line)
                if error := document.get("error"):
                    status = document.get("status_code")
                    raise failure(
                        status if isinstance(status, int) else 0,
                        error if isinstance(error, str) else json.dumps(error),
                        model=model,
                        hidden=self._key,
                    )
                yield document

    def strange(self, what: str, seen: object) -> ModelUnavailable:
        """Return the error for an answer that is not as agreed, without the key."""
        try:
            shown = str(seen)
        except RecursionError:
            shown = ""
        return strange(what, shown, hidden=self._key)

    def _read(self, text: bytes) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            seen = text.decode(errors="replace")
            raise self.strange("what cannot be read", seen) from error
        if not isinstance(found, dict):
            raise self.strange("what is no object", found)
        return found

    @asynccontextmanager
    async def _response(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None,
        model: str,
        timeout: httpx.Timeout | None = None,
    ) -> AsyncIterator[httpx.Response]:
        content = None if body is None else _written(body)
        waits = timeout or self._client.timeout
        try:
            async with self._client.stream(
                method, path, content=content, timeout=waits
            ) as response:
                if not response.is_success:
                    said = await _beginning(response, _LONGEST_ERROR)
                    raise failure(
                        response.status_code,
                        said.decode(errors="replace"),
                        model=model,
                        hidden=self._key,
                        wait=retry_after(response.headers, now=self._now()),
                    )
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise not_running(self._address) from error
        except httpx.TimeoutException as error:
            raise ModelUnavailable(
                f"Ollama was silent for {waits.read:g} s",
                may_cost=isinstance(error, httpx.ReadTimeout),
            ) from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            words = hide(str(error), self._key) or type(error).__name__
            raise ModelUnavailable(
                f"the connection to Ollama was cut: {words}",
                may_cost=isinstance(error, _HEARD_OF),
            ) from error


def _written(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, default=dict).encode()
    except RecursionError as error:
        raise ModelRejected("Ollama: the request is nested too deeply to be sent") from error


async def _beginning(response: httpx.Response, most: int) -> bytes:
    """Return the body, or as much of it as may be."""
    read, size = [], 0
    async for piece in response.aiter_bytes():
        read.append(piece)
        size += len(piece)
        if size >= most:
            break
    return b"".join(read)[:most]


async def _lines(response: httpx.Response) -> AsyncGenerator[bytes]:
    """Yield the lines that are not empty, the last one with or without its end."""
    rest, size = list[bytes](), 0
    async for piece in response.aiter_bytes():
        first, *more = piece.split(b"\n")
        rest.append(first)
        size += len(first)
        for begun in more:
            if (line := b"".join(rest)).strip():
                yield line
            rest, size = [begun], len(begun)
        if size > _LONGEST:
            raise strange("a line without an end")
    if (line := b"".join(rest)).strip():
        yield line
