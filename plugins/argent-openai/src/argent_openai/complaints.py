"""What a server says is wrong, and what that means to the person and the kernel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from argent_hookspecs import ContextTooLong, ModelError, ModelRejected, ModelUnavailable
from argent_hookspecs.http import retry_after
from argent_openai.settings import Endpoint
from argent_openai.wording import to_json

_PASSING = (408, 409, 425, 429)
_TOO_LONG_CODES = ("context_length_exceeded", "exceed_context_size_error")
_TOO_LONG = re.compile(
    r"(maximum|available|model'?s) context|context (length|window|size)|"
    r"(prompt|input|request|messages?) (is|are) too (long|large)|"
    r"too many (input )?tokens|too large to process|"
    r"reduce the length of the (messages|input|prompt)",
    re.IGNORECASE,
)
_PASSING_KINDS = re.compile(
    r"rate.?limit|overloaded|server_error|server_is_overloaded|timeout|unavailable|internal",
    re.IGNORECASE,
)
_LONGEST = 500
_LONGEST_READ = 8000
_GENERAL = re.compile(
    r"invalid|bad|un(supported|known|recognized|processable)|not|supported|request|body|payload|"
    r"error|internal|value|parameter|argument|type|input|field|content|entity|missing|validation|"
    r"literal|extra|forbidden|[\W\d_]",
    re.IGNORECASE,
)
"""What codes of errors are made of that do not say what is wrong."""


class NoKey(ModelRejected):
    """Report a key that cannot be had, or is not taken.

    Args:
        what: What is wrong.
        remedy: What to do.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.what, self.remedy = what, remedy


class Complaint(Exception):
    """Report what a server said is wrong, in its own words.

    Args:
        message: Its words.
        status: The HTTP status, or the one that a frame of a stream names; 0 if there is none.
        code: Its code, by which programs tell errors apart.
        kind: Its code and type.
        param: The field of the request that it is about.
        retry_after: Seconds after which to ask again.

    Attributes:
        may_cost: Whether it came in an answer that had begun.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        kind: str = "",
        param: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.kind = kind
        self.param = param
        self.retry_after = retry_after
        self.may_cost = False

    def without(self, hidden: Iterable[str]) -> Complaint:
        """Return it in short, without what must not be shown."""
        said = hide(self.message, hidden)
        self.message = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"
        self.args = (self.message,)
        return self

    def blames(self, what: re.Pattern[str], *, where: re.Pattern[str]) -> bool:
        """Say whether it is about a certain thing.

        What the server tells programs goes first; words count where it tells them nothing.

        Args:
            what: Finds the thing in words.
            where: Finds the fields of a request in which it may stand.
        """
        if self.param:
            named = bool(where.search(self.param))
        else:
            named = not _GENERAL.sub("", self.code) or bool(what.search(self.code))
        return named and bool(what.search(f"{self.param} {self.message}"))

    def error(self, endpoint: Endpoint, model: str = "") -> ModelError:
        """Return the same as an error of the contract, with what the person can do."""
        said = f"{endpoint.id}: {self.message}".rstrip(". ")
        status = self.status
        if self._too_long:
            return ContextTooLong(said)
        if status in _PASSING or status >= 500 or not status:
            remedy = ". Look at the plan and the bill of the account" if self._no_money else ""
            return ModelUnavailable(
                f"{said}{remedy}", retry_after=self.retry_after, may_cost=self.may_cost
            )
        if status in (401, 403):
            return NoKey(said, f"Give it a valid key: {endpoint.how_to_set_the_key}")
        if status == 402:
            return ModelRejected(f"{said}. The account must be topped up")
        if status in (404, 405):
            what = f" of the model {model}" if model else ""
            return ModelRejected(
                f"{said}. Check the name{what} (argent models list), and that {endpoint.place}"
                f".baseUrl, {endpoint.shown}, ends as the server's guide says, mostly "
                "in /v1"
            )
        if 300 <= status < 400:
            return ModelRejected(f"{said}. Set {endpoint.place}.baseUrl to the address itself")
        return ModelRejected(said)

    @property
    def _too_long(self) -> bool:
        if self.status in (0, 400, 413, 422, 500) and "rate" not in self.kind:
            known = any(code in self.kind for code in _TOO_LONG_CODES)
            return known or self.status == 413 or bool(_TOO_LONG.search(self.message))
        return False

    @property
    def _no_money(self) -> bool:
        return "insufficient_quota" in self.kind or "credit" in self.message


def read_complaint(status: int, headers: Mapping[str, str], *, body: bytes) -> Complaint:
    """Read the answer to a request that was refused."""
    try:
        document: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    found = complaint_in(document, status=status)
    if found is None:
        empty = document is not None and not document
        page = b"<" in body[:200]
        said = "" if empty or page else body[: _LONGEST - 20].decode(errors="replace").strip()
        # A key may stand in the query.
        location = headers.get("Location", "").partition("?")[0]
        said = said or (f"it sends us on to {location}" if location else "it gave no reason")
        found = Complaint(f"{said} (HTTP {status})", status=status)
    found.retry_after = retry_after(headers, now=datetime.now(UTC))
    return found


def complaint_in(document: Any, *, status: int = 0) -> Complaint | None:
    """Find an error in an answer or in a frame of a stream: each server has a form of its own."""
    if isinstance(document, list):
        document = document[0] if document else None
    if not isinstance(document, dict):
        return None
    error = document.get("error") or document.get("detail")
    if error is None and (status >= 300 or document.get("type") == "error"):
        error = document
    if not error:
        return None
    if not isinstance(error, dict):
        error = {"message": error if isinstance(error, str) else to_json(error).decode()}
    metadata = error.get("metadata")
    inner = metadata.get("raw") if isinstance(metadata, dict) else None
    message = str(error.get("message") or "it gave no reason")
    if isinstance(inner, str) and inner not in message:
        message = f"{message}: {inner}"
    code, kind = error.get("code"), error.get("type")
    return Complaint(
        message[:_LONGEST_READ],
        status=status or _status_of(code, kind),
        code=str(code or ""),
        kind=f"{code or ''} {kind or ''}",
        param=str(error.get("param") or ""),
    )


def _status_of(code: object, kind: object) -> int:
    """Return the status that an error within a stream would have had, had it come earlier."""
    if isinstance(code, str) and code.isdigit():
        code = int(code)
    if isinstance(code, int) and 300 <= code < 600:
        return code
    words = f"{code or ''} {kind or ''}"
    if _PASSING_KINDS.search(words):
        return 503
    return 400 if "invalid" in words or "not_found" in words else 0


def hide(text: str, hidden: Iterable[str]) -> str:
    """Return a text without what must not be shown."""
    for value in hidden:
        text = text.replace(value, "[key]")
    return text
