"""The connection to one address. Everything that the HTTP library raises is translated here."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import orjson

from argent_hookspecs import ModelRejected, ModelUnavailable, Secret, SecretError, Secrets
from argent_openai.complaints import Complaint, NoKey, complaint_in, read_complaint
from argent_openai.settings import Endpoint, is_key
from argent_openai.sse import EventParser, EventTooLarge

_CONNECT_SECONDS = 15.0
_CONNECT_HERE_SECONDS = 5.0
_DRAIN_SECONDS = 0.25
_STALE_SECONDS = 2.0
_TRIES = 3
_ONE_PIECE = 1 << 19
_LARGEST_ANSWER = 1 << 26
_LARGEST_COMPLAINT = 1 << 16
_COMPLAINT_SECONDS = 10.0
_SHORTEST_KEY = 8
_STALE = (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED)


class Connection:
    """A pool of connections to one address.

    Args:
        endpoint: The address.
        secrets: Where its key is found.
        proxy: Through which it is reached.
    """

    def __init__(self, endpoint: Endpoint, secrets: Secrets, *, proxy: str | None = None) -> None:
        self._endpoint = endpoint
        self._secrets = secrets
        self._headers: dict[str, str] | None = None
        self.hidden: list[str] = []
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=proxy,
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=_CONNECT_HERE_SECONDS if endpoint.here else _CONNECT_SECONDS,
                sock_read=endpoint.patience,
            ),
            headers={"User-Agent": "argent-openai"},
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def events(
        self, path: str, body: bytes, *, until: Callable[[], bool]
    ) -> AsyncGenerator[list[bytes], None]:
        """Post a request and yield the data of the events of the answer, as they come together.

        An answer that is one JSON document is yielded as one event. An empty list says that
        something came, but no whole event.

        Args:
            until: Says after each of them whether the answer is over; servers need not close then.

        Raises:
            Complaint: The server refused the request.
            ModelUnavailable: It cannot be reached, is silent, or broke off.
            ModelRejected: The address or the key cannot be used.
        """
        async with self._ask("POST", path, body) as response:
            media = response.content_type
            if media.endswith("json") and "ndjson" not in media:
                yield [await _whole(response)]
                return
            if media.endswith("html"):
                raise self._strange(f"it answered with a page ({media})")
            parser = EventParser(_LARGEST_ANSWER)
            async for piece in response.content.iter_any():
                try:
                    found = parser.feed(piece)
                except EventTooLarge:
                    raise self._strange("it sends an event that does not end") from None
                yield found
                if until():
                    await _drain(response)
                    return

    async def document(
        self, method: str, path: str, *, body: bytes | None = None, seconds: float
    ) -> Any:
        """Send a request whose answer is a JSON document. Raises as ``events`` does.

        Args:
            seconds: That it may take.
        """
        try:
            async with asyncio.timeout(seconds), self._ask(method, path, body) as response:
                content = await _whole(response)
        except TimeoutError as error:
            raise ModelUnavailable(
                f"{self._endpoint.id}: {path} of {self._endpoint.shown} took longer than "
                f"{seconds:g} s",
                may_cost=True,
            ) from error
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise self._strange(f"its answer to {path} is not JSON") from error
        if complaint := complaint_in(document):
            raise complaint.without(self.hidden)
        return document

    @asynccontextmanager
    async def _ask(
        self, method: str, path: str, body: bytes | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url, headers = self._endpoint.url(path), await self._all_headers()
        try:
            response = await self._send(method, url, body, headers)
            try:
                if response.status != 200:
                    raise await self._complaint(response)
                yield response
            finally:
                if response.content.at_eof():
                    response.release()
                else:
                    response.close()
        except aiohttp.ClientConnectorError as error:
            raise self._unreachable(error) from error
        except aiohttp.InvalidURL as error:
            raise ModelRejected(
                f"{self._endpoint.id}: {self._endpoint.shown} is no address"
            ) from error
        except aiohttp.ConnectionTimeoutError as error:
            raise self._unreachable("it did not take the connection in time") from error
        except aiohttp.SocketTimeoutError as error:
            raise ModelUnavailable(
                f"{self._endpoint.id}: {self._endpoint.shown} said nothing for "
                f"{self._endpoint.patience:g} s; a larger {self._endpoint.place}.silence helps if "
                "it is only slow",
                may_cost=True,
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            had_it = not isinstance(error, aiohttp.ClientHttpProxyError)
            said = f"{self._endpoint.id}: {_in_words(error)}"
            raise ModelUnavailable(said, may_cost=had_it) from error

    async def _send(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        """Send, again if the server had just closed a connection that we meant to use again."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for tries_left in reversed(range(_TRIES)):
            # Written at once, a large body would hold up the event loop.
            large = body is not None and len(body) > _ONE_PIECE
            data = io.BytesIO(body) if body is not None and large else body
            try:
                return await self._session.request(
                    method, url, data=data, headers=headers, allow_redirects=False
                )
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                late = loop.time() - began > _STALE_SECONDS
                if late or not tries_left or not _was_closed(error):
                    raise
        raise AssertionError("the last try returns or raises")

    async def _all_headers(self) -> dict[str, str]:
        if self._headers is None:
            headers = {"Content-Type": "application/json"}
            if (key := self._endpoint.key) is not None:
                headers["Authorization"] = f"Bearer {await self._reveal(key)}"
            for name, value in self._endpoint.settings.headers.items():
                headers[name] = await self._reveal(value) if isinstance(value, Secret) else value
                if is_key(name, value):
                    self._hide(headers[name])
            for name, value in parse_qsl(urlsplit(self._endpoint.settings.base_url).query):
                if is_key(name, value):
                    self._hide(value)
            self._headers = headers
        return self._headers

    async def _reveal(self, secret: Secret) -> str:
        try:
            value = (await self._secrets.reveal(secret)).strip()
        except SecretError as error:
            endpoint = self._endpoint
            # The settings' own reference is what is to be mended; the usual one may be replaced.
            other = "" if endpoint.settings.api_key else f" Or: {endpoint.how_to_set_the_key}."
            words = f"{endpoint.id} has no key that can be used"
            raise NoKey(words, f"{error}{other}") from error
        if not value.isascii() or not value.isprintable():
            words = f"{self._endpoint.id}: its key has characters that no key has"
            raise NoKey(words, f"Give it another: {self._endpoint.how_to_set_the_key}")
        self._hide(value)
        return value

    def _hide(self, value: str) -> None:
        """Keep a key out of what is shown, also without the name of its kind before it."""
        for part in (value, *(word for word in value.split() if len(word) >= _SHORTEST_KEY)):
            if part and part not in self.hidden:
                self.hidden.append(part)

    async def _complaint(self, response: aiohttp.ClientResponse) -> Complaint:
        if response.status in (401, 403):
            # The next request reads the key anew, in case that it was changed.
            self._headers = None
        body = b""
        # A status says enough, if the rest of it does not come.
        with suppress(TimeoutError, aiohttp.ClientError, OSError):
            async with asyncio.timeout(_COMPLAINT_SECONDS):
                async for piece in response.content.iter_any():
                    body += piece[: _LARGEST_COMPLAINT - len(body)]
                    if len(body) >= _LARGEST_COMPLAINT:
                        break
        for value in self.hidden:
            body = body.replace(value.encode(), b"[key]")
        complaint = read_complaint(response.status, response.headers, body=body)
        return complaint.without(self.hidden)

    def _unreachable(self, reason: object) -> ModelUnavailable:
        start = "is it running, and " if self._endpoint.here else ""
        return ModelUnavailable(
            f"{self._endpoint.id} cannot be reached at {self._endpoint.shown}: "
            f"{start}is {self._endpoint.place}.baseUrl right? ({_in_words(reason)})"
        )

    def _strange(self, what: str) -> ModelUnavailable:
        return ModelUnavailable(
            f"{self._endpoint.id}: {what}; check {self._endpoint.place}.baseUrl, "
            f"{self._endpoint.shown}",
            may_cost=True,
        )


def find_proxy(endpoint: Endpoint) -> str | None:
    """Return the proxy that the environment or the system names. Blocks.

    Raises:
        ModelRejected: It is of a kind that cannot be used.
    """
    address = urlsplit(endpoint.shown)
    # A proxy is for what is elsewhere.
    if endpoint.here or urllib.request.proxy_bypass(address.hostname or ""):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    if proxy and urlsplit(proxy).scheme not in ("http", "https"):
        raise ModelRejected(
            f"{endpoint.id}: the proxy for {address.scheme} addresses is no HTTP proxy; set "
            f"{address.scheme.upper()}_PROXY to one, or NO_PROXY to {address.hostname}"
        )
    return proxy or None


def _was_closed(error: Exception) -> bool:
    """Say whether an error means that the connection was no more when the request was sent."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return False
    return not isinstance(error, OSError) or error.errno is None or error.errno in _STALE


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """Read an answer that is one document."""
    content = bytearray()
    async for piece in response.content.iter_any():
        content += piece
        if len(content) > _LARGEST_ANSWER:
            raise aiohttp.ClientPayloadError("its answer does not end")
    return bytes(content)


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read what little comes after the last event, so that the connection can be used again."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in response.content.iter_any():
                pass
    except (TimeoutError, aiohttp.ClientError):
        response.close()


def _in_words(error: object) -> str:
    """Say what broke, without what only programmers read."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection without an answer"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer was cut off on its way"
    if isinstance(error, aiohttp.ClientResponseError):
        return "what came back is not HTTP"
    if isinstance(error, OSError):
        number = error.errno or 0
        return os.strerror(number) if number in errno.errorcode else error.strerror or str(error)
    return str(error) or type(error).__name__
