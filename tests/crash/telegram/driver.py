"""Inside a life: the library's calls pass failpoints, and time goes quickly."""

from __future__ import annotations

import asyncio
import json
import selectors
from collections.abc import Mapping
from typing import Any

from telegram.request import HTTPXRequest, RequestData

from tests.crash.failpoints import AFTER, BEFORE
from tests.crash.way import Inside
from tests.crash.world import TELEGRAM

_FASTER = 10.0


class _QuickSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type, unused-ignore]
    def select(self, timeout: float | None = None) -> Any:
        return super().select(None if timeout is None else timeout / _FASTER)


class QuickLoop(asyncio.SelectorEventLoop):
    """A loop by whose clock ten seconds pass in one: a second between messages is long here."""

    def __init__(self) -> None:
        super().__init__(_QuickSelector())

    def time(self) -> float:
        """Return its time."""
        return super().time() * _FASTER


def watch_library(inside: Inside) -> None:
    """Let each request of python-telegram-bot in this process pass the failpoints."""
    ask = HTTPXRequest.do_request

    async def do_request(
        self: HTTPXRequest,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        **timeouts: Any,
    ) -> tuple[int, bytes]:
        what = url.rpartition("/")[2]
        given = request_data.parameters if request_data is not None else {}
        inside.points.passing(BEFORE, f"call {what}")
        if what == "getUpdates":
            # With this the platform is told what was taken; the kernel may have done it all.
            newest = int(str(given.get("offset") or 0)) - 1
            inside.acknowledged[TELEGRAM.name] = max(0, newest)
            inside.looked()
        code, payload = await ask(self, url, method, request_data, **timeouts)
        if code == 200:
            inside.line.tell("called", what=what, facts=_facts(given, payload))
        inside.points.passing(AFTER, f"call {what}")
        return code, payload

    HTTPXRequest.do_request = do_request  # type: ignore[method-assign, assignment]


def _facts(given: Mapping[str, Any], payload: bytes) -> dict[str, Any]:
    result = json.loads(payload)["result"]
    facts: dict[str, Any] = {"offset": int(str(given.get("offset") or 0))}
    if isinstance(result, dict) and "message_id" in result:
        facts |= {"chat": result["chat"]["id"], "message": result["message_id"]}
    return facts
