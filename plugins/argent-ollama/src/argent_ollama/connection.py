"""The connection to the server: the only file that knows its library.

Importing the library takes a third of a second, so this file is imported in a thread.
The API: https://docs.ollama.com/api
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from ollama import AsyncClient

from argent_hookspecs import ModelUnavailable
from argent_ollama.failures import failure, not_running, strange
from argent_ollama.settings import OllamaSettings

_CONNECT_SECONDS = 5.0
_LONGEST_ERROR = 1 << 16
_LONGEST_LINE = 64 << 20


class Connection(AsyncClient):
    """Ollama's own client, with documents that are passed on whole.

    Its typed methods drop what their version does not know: parts of a tool's schema, ids of
    calls, what a model can do. And they cut a line where a model writes one of the rarer line
    ends of Unicode.

    Args:
        settings: Address and patience.
        key: The key; empty without one.
    """

    def __init__(self, settings: OllamaSettings, key: str) -> None:
        super().__init__(
            settings.address,
            headers={"Authorization": f"Bearer {key}"} if key else None,
            timeout=httpx.Timeout(settings.silence, connect=_CONNECT_SECONDS, pool=None),
            limits=httpx.Limits(max_connections=None),
            trust_env=not settings.is_here,
        )
        if not key:
            # The library takes the key for ollama.com from the environment, wherever it connects.
            self._client.headers.pop("Authorization", None)
        self._address = settings.address

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
            return _read(await response.aread())

    async def documents(
        self, path: str, body: Mapping[str, Any], *, model: str
    ) -> AsyncGenerator[dict[str, Any]]:
        """Ask for a stream of documents, one a line. Raises ``ModelError``."""
        async with self._response("POST", path, body=body, model=model) as response:
            rest = b""
            async for piece in response.aiter_bytes():
                *lines, rest = (rest + piece).split(b"\n")
                if len(rest) > _LONGEST_LINE:
                    raise strange("a line without an end")
                for line in lines:
                    if line.strip():
                        yield _sound(line, model)
            if rest.strip():
                yield _sound(rest, model)

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
        content = None if body is None else json.dumps(body, default=dict).encode()
        waits = timeout or self._client.timeout
        try:
            async with self._client.stream(
                method, path, content=content, timeout=waits
            ) as response:
                if not response.is_success:
                    said = (await response.aread())[:_LONGEST_ERROR].decode(errors="replace")
                    wait = response.headers.get("Retry-After")
                    raise failure(response.status_code, said, model=model, retry_after=wait)
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise not_running(self._address) from error
        except httpx.TimeoutException as error:
            raise ModelUnavailable(f"Ollama was silent for {waits.read:g} s") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            words = str(error) or type(error).__name__
            raise ModelUnavailable(f"the connection to Ollama was cut: {words}") from error


def _sound(line: bytes, model: str) -> dict[str, Any]:
    document = _read(line)
    if error := document.get("error"):
        status = document.get("status_code")
        raise failure(status if isinstance(status, int) else 0, str(error), model=model)
    return document


def _read(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise strange(f"what cannot be read: {text[:80]!r}") from error
    if not isinstance(found, dict):
        raise strange(f"what is no object: {text[:80]!r}")
    return found
