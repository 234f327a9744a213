"""The connection to a server that speaks the Messages API."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from argent_anthropic.encoding import decode
from argent_anthropic.failures import SET_KEY, NoKey, Reader
from argent_anthropic.settings import AnthropicSettings
from argent_hookspecs import ModelUnavailable, PluginContext, SecretError

if TYPE_CHECKING:
    import httpx2

_CONNECT = 10.0
_LONGEST_LIST = 1 << 24
_LONGEST_ERROR = 1 << 16
_LONGEST_EVENT = 1 << 25
_LAST_CHANCE = 0.25


class Connection:
    """Asks the server; what goes wrong becomes an error of the contract.

    Args:
        ctx: Settings, secrets, clock and log of the plugin.
    """

    def __init__(self, ctx: PluginContext) -> None:
        self._ctx = ctx
        self.settings: AnthropicSettings = ctx.settings
        self._client: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """The plugin's log."""
        return self._ctx.log

    async def key(self) -> str | None:
        """Return the key; None if there is none in the settings. Raises ``ModelRejected``."""
        settings = self.settings
        if settings.key is None:
            return None
        try:
            key = (await self._ctx.secrets.reveal(settings.key)).strip()
        except SecretError as error:
            # The settings' own reference is what is to be mended; the usual one may be replaced.
            remedy = str(error) if settings.api_key else f"{error} Or {SET_KEY}."
            raise NoKey(f"{settings.server} needs a key", remedy) from error
        if not key.isascii() or not key.isprintable() or " " in key:
            remedy = f"{SET_KEY[0].upper()}{SET_KEY[1:]}."
            raise NoKey(f"the key for {settings.server} is not one", remedy)
        return key

    async def get(self, path: str, *, patience: float) -> dict[str, Any]:
        """Return the JSON object that is to be had at a path.

        Args:
            patience: Seconds that it may take.

        Raises:
            ModelError: It is not to be had.
        """
        try:
            async with asyncio.timeout(patience), self._response("GET", path) as (response, _):
                body = await _beginning(response, _LONGEST_LIST)
        except TimeoutError as error:
            raise self._silence(patience) from error
        if len(body) > _LONGEST_LIST:
            raise self._garbled("more than can be read")
        try:
            found = decode(body)
        except ValueError as error:
            raise self._garbled("no JSON") from error
        if not isinstance(found, dict):
            raise self._garbled("no JSON object")
        return found

    async def events(self, body: bytes) -> AsyncGenerator[dict[str, Any], None]:
        """Send a request for a message and yield the events of its stream.

        Closing the iterator closes the connection. Raises ``ModelError``.
        """
        async with self._response("POST", "/v1/messages", body) as (response, reader):
            import httpx2

            begun = False
            source = httpx2.EventSource(response, max_event_size=_LONGEST_EVENT)
            async with aclosing(aiter(source)) as frames:  # type: ignore[type-var]
                async for frame in frames:
                    event = self._event(frame.event, frame.data)
                    if event.get("type") == "error":
                        raise reader.event(event.get("error"), is_late=begun)
                    begun = begun or event.get("type") != "ping"
                    if event.get("type") == "message_stop":
                        await _drain(frames)
                    yield event

    @asynccontextmanager
    async def _response(
        self, method: str, path: str, asked: bytes | None = None
    ) -> AsyncIterator[tuple[httpx2.Response, Reader]]:
        http, key = await self._http(), await self.key()
        url, headers = self.settings.root + path, self._headers(key)
        reader = Reader(self.settings.server, key)
        with self._in_words():
            async with http.stream(method, url, content=asked, headers=headers) as response:
                if response.status_code != 200:
                    raise reader.response(
                        response.status_code,
                        await _beginning(response, _LONGEST_ERROR),
                        headers=response.headers,
                        now=self._ctx.clock.now(),
                    )
                # It may begin with a mark of the order of bytes.
                response.encoding = "utf-8-sig"
                yield response, reader

    def _event(self, name: str, data: str) -> dict[str, Any]:
        try:
            event = decode(data or "{}")
        except ValueError as error:
            raise self._garbled("an event that is no JSON") from error
        if not isinstance(event, dict):
            raise self._garbled("an event that is no JSON object")
        return {"type": "error" if "error" in event else name, **event}

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _http(self) -> httpx2.AsyncClient:
        async with self._opening:
            if self._client is None:
                # It imports modules and reads certificates.
                self._client = await asyncio.to_thread(_make_client, self.settings)
        return self._client

    def _headers(self, key: str | None) -> dict[str, str]:
        headers = {
            "anthropic-version": self.settings.version,
            "content-type": "application/json",
            "user-agent": "argent-anthropic",
        }
        if key and self.settings.auth == "authorization":
            headers["authorization"] = f"Bearer {key}"
        elif key:
            headers["x-api-key"] = key
        return headers

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        import httpx2

        server = self.settings.server
        try:
            yield
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
            raise ModelUnavailable(
                f"{server} cannot be reached ({_reason(error)}). Check the network, and "
                "plugins.anthropic.baseUrl"
            ) from error
        except httpx2.TimeoutException as error:
            raise self._silence(self.settings.timeout) from error
        except httpx2.SSEError as error:
            raise self._garbled(_reason(error)) from error
        except httpx2.HTTPError as error:
            raise ModelUnavailable(
                f"the connection to {server} broke off ({_reason(error)}). Try again",
                may_cost=True,
            ) from error

    def _silence(self, seconds: float) -> ModelUnavailable:
        return ModelUnavailable(
            f"{self.settings.server} was silent for {seconds:g} s. Try again later", may_cost=True
        )

    def _garbled(self, what: str) -> ModelUnavailable:
        return ModelUnavailable(
            f"{self.settings.server} sent something that is not of the Messages API ({what}). "
            "Try again, or correct plugins.anthropic.baseUrl",
            may_cost=True,
        )


def _make_client(settings: AnthropicSettings) -> httpx2.AsyncClient:
    import httpx2

    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(settings.timeout, connect=_CONNECT),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=8),
        # A proxy for the world outside does not lead to this machine.
        trust_env=not settings.is_here,
    )


async def _beginning(response: httpx2.Response, most: int) -> bytes:
    """Read a body; of one that is longer than so many bytes, not much more than those."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > most:
            break
    return bytes(body)


async def _drain(frames: AsyncIterator[Any]) -> None:
    """Read what follows the last event, which is nothing, so that the connection serves again."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_CHANCE):
            async for _ in frames:
                pass


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
