"""What servers say when they cannot or will not answer, as errors of the contract.

See https://platform.claude.com/docs/en/api/errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from argent_anthropic.encoding import decode
from argent_hookspecs import ContextTooLong, ModelError, ModelRejected, ModelUnavailable
from argent_hookspecs.http import retry_after

SET_KEY = (
    "store a key with `argent secrets set anthropic-key`, then `argent config set "
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
# Gateways tell a wrong key of their own, too.
_LIKE_A_KEY = re.compile(r"\b(?:sk|pk|rk|xai|gsk)[-_][\w.*-]{6,}|\bBearer\s+\S+", re.IGNORECASE)
_HIDDEN = "..."
_LONGEST = 500


class NoKey(ModelRejected):
    """Report a key that is not there, or is none.

    Args:
        what: What is wrong.
        remedy: What to do.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what, self.remedy = what, remedy


class NotThere(ModelRejected):
    """Report a model, or an address, that the server does not know."""


class WrongForm(ModelRejected):
    """Report a request whose form the server did not take; nothing of it was answered."""


@frozen(kw_only=True)
class Refusal:
    """What a server said instead of an answer.

    Args:
        server: What it is called.
        status: Of the response; for an error in the middle of a stream, the one it stands for.
        kind: Type of the error, in the words of the API.
        message: Its explanation.
        retry_after: Seconds to wait, if it says so.
        is_late: Whether an answer had begun before.
    """

    server: str
    status: int
    kind: str = ""
    message: str = ""
    retry_after: float | None = None
    is_late: bool = False

    def error(self) -> ModelError:
        """Return the error, which says what to do."""
        said = self.message.strip().rstrip(".")[:_LONGEST] or self.kind or "it gave no reason"
        if self.status in _PASSING or self.status >= 500:
            busy = "is overloaded" if self.status == 529 else "cannot answer now"
            busy = "limits how much is asked of it" if self.status == 429 else busy
            return ModelUnavailable(
                f"{self.server} {busy} ({self.status}: {said}). Try again later",
                retry_after=self.retry_after,
                may_cost=self.is_late,
            )
        if self._is_too_long:
            return ContextTooLong(f"the request is too long for {self.server}: {said}")
        return self._kind(f"{self.server} {self._reproach(said)}")

    @property
    def _kind(self) -> type[ModelRejected]:
        if self.status in _NOT_THERE:
            return NotThere
        return WrongForm if self.status == 400 and not self.is_late else ModelRejected

    @property
    def _is_too_long(self) -> bool:
        if self.status == 413 or _STATUS.get(self.kind) == 413:
            return True
        return self.status == 400 and _TOO_LONG.search(self.message) is not None

    def _reproach(self, said: str) -> str:
        if 300 <= self.status < 400:
            return f"sends elsewhere ({self.status}). Correct plugins.anthropic.baseUrl"
        if self.status == 401:
            return f"does not accept the key ({said}); {SET_KEY}"
        if self.status == 402:
            return f"cannot bill this call ({said}). Look at the account's credit and limits"
        if self.status == 403:
            return f"does not allow this to the key ({said}). Use another key or another model"
        if self.status in _NOT_THERE:
            return f"does not know that model or address ({said}). {_LIST}"
        return f"does not accept the request ({self.status} {self.kind}: {said})"


@frozen
class Reader:
    """Reads what a server says instead of an answer.

    Args:
        server: What it is called.
        key: That was sent; it is in no error.
    """

    server: str
    key: str | None = field(repr=False)

    def response(
        self, status: int, body: bytes, *, headers: Mapping[str, str], now: datetime
    ) -> ModelError:
        """Return the error that a response is that is no answer."""
        kind, message = self._kind_and_message(body)
        refusal = Refusal(
            server=self.server,
            status=status,
            kind=kind,
            message=message,
            retry_after=retry_after(headers, now=now),
        )
        return refusal.error()

    def event(self, error: Any, *, is_late: bool) -> ModelError:
        """Return the error that an ``error`` event of a stream reports.

        Args:
            is_late: Whether the answer had begun.
        """
        kind, message = self._read(error)
        refusal = Refusal(
            server=self.server,
            status=_STATUS.get(kind, 500),
            kind=kind,
            message=message,
            is_late=is_late,
        )
        return refusal.error()

    def _kind_and_message(self, body: bytes) -> tuple[str, str]:
        try:
            said = decode(body)
        except ValueError:
            return "", ""
        return self._read(said.get("error") if isinstance(said, dict) else None)

    def _read(self, error: Any) -> tuple[str, str]:
        if isinstance(error, str):
            return "", self._without_keys(error)
        if not isinstance(error, dict):
            return "", ""
        kind, message = (str(error.get(name) or "") for name in ("type", "message"))
        return self._without_keys(kind), self._without_keys(message)

    def _without_keys(self, said: str) -> str:
        said = said.replace(self.key, _HIDDEN) if self.key else said
        return _LIKE_A_KEY.sub(_HIDDEN, said)
