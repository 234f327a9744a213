"""What servers say when they cannot or will not answer, as errors of the contract.

See https://platform.claude.com/docs/en/api/errors.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from attrs import frozen

from argent_anthropic.encoding import decode
from argent_hookspecs import ContextTooLong, ModelError, ModelRejected, ModelUnavailable

SET_KEY = (
    "Store a key with `argent secrets set anthropic-key`, then `argent config set "
    "plugins.anthropic.apiKey store:anthropic-key`"
)
_LIST = "`argent models list` shows those that can be used"
_PASSING = {408, 409, 425, 429}
_NOT_THERE = {404, 405}
_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "exceed_context_size_error": 413,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
# The API has no code for this, and words it in several ways, as do those that imitate it.
_TOO_LONG = re.compile(
    r"(prompt|input|request)[^.]{0,40} too (long|large)"
    r"|exceeds?[^.]{0,40} context|context[^.]{0,20} exceed",
    re.IGNORECASE,
)
_LONGEST = 500


class NotThere(ModelRejected):
    """Report a model, or an address, that the server does not know."""


@frozen(kw_only=True)
class Refusal:
    """What a server said instead of an answer.

    Args:
        server: What it is called.
        status: Of the response; for an error in the middle of a stream, the one it stands for.
        kind: Type of the error, in the words of the API.
        message: Its explanation.
        retry_after: Seconds to wait, if it says so.
    """

    server: str
    status: int
    kind: str = ""
    message: str = ""
    retry_after: float | None = None

    def error(self) -> ModelError:
        """Return the error, which says what to do."""
        said = self.message.strip().rstrip(".")[:_LONGEST] or self.kind or "it gave no reason"
        if self.status in _PASSING or self.status >= 500:
            busy = "is overloaded" if self.status == 529 else "cannot answer now"
            busy = "limits how much is asked of it" if self.status == 429 else busy
            return ModelUnavailable(
                f"{self.server} {busy} ({self.status}: {said}). Try again later",
                retry_after=self.retry_after,
            )
        if self._is_too_long:
            return ContextTooLong(f"the request is too long for {self.server}: {said}")
        kind = NotThere if self.status in _NOT_THERE else ModelRejected
        return kind(f"{self.server} {self._reproach(said)}")

    @property
    def _is_too_long(self) -> bool:
        if self.status == 413 or _STATUS.get(self.kind) == 413:
            return True
        return self.status == 400 and _TOO_LONG.search(self.message) is not None

    def _reproach(self, said: str) -> str:
        if 300 <= self.status < 400:
            return f"sends elsewhere ({self.status}). Correct plugins.anthropic.baseUrl"
        if self.status == 401:
            return f"does not accept the key ({said}). {SET_KEY}"
        if self.status == 402:
            return f"cannot bill this call ({said}). Look at the account's credit and limits"
        if self.status == 403:
            return f"does not allow this to the key ({said}). Use another key or another model"
        if self.status in _NOT_THERE:
            return f"does not know that model or address ({said}). {_LIST}"
        return f"does not accept the request ({self.status} {self.kind}: {said})"


def of_response(
    status: int, body: bytes, *, headers: Mapping[str, str], server: str, now: datetime
) -> Refusal:
    """Read a response that is no answer."""
    kind, message = _kind_and_message(body)
    return Refusal(
        server=server,
        status=status,
        kind=kind,
        message=message,
        retry_after=_wait(headers, now),
    )


def of_event(error: Any, *, server: str) -> Refusal:
    """Read an ``error`` event of a stream."""
    kind, message = _read(error)
    return Refusal(server=server, status=_STATUS.get(kind, 500), kind=kind, message=message)


def _kind_and_message(body: bytes) -> tuple[str, str]:
    try:
        said = decode(body)
    except ValueError:
        return "", ""
    return _read(said.get("error") if isinstance(said, dict) else None)


def _read(error: Any) -> tuple[str, str]:
    if isinstance(error, str):
        return "", error
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("type") or ""), str(error.get("message") or "")


def _wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds to wait.

    The header holds seconds or a date: RFC 9110, section 10.2.3.
    """
    said = headers.get("retry-after", "")
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(said) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
