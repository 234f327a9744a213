"""Refusals: what the Bot API answers instead of a result."""

from __future__ import annotations

from functools import partial
from typing import Any

from attrs import frozen


@frozen(eq=False)
class Refusal(Exception):
    """An answer that is not ``ok``.

    Args:
        code: As the status of the response, too.
        description: Telegram's words.
        retry_after: Seconds to wait, for 429.
        migrate_to: The group's new id, for one that has become a supergroup.
    """

    code: int
    description: str
    retry_after: int | None = None
    migrate_to: int | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The answer on the wire."""
        body: dict[str, Any] = {
            "ok": False,
            "error_code": self.code,
            "description": self.description,
        }
        if self.retry_after is not None:
            body["parameters"] = {"retry_after": self.retry_after}
        if self.migrate_to is not None:
            body["parameters"] = {"migrate_to_chat_id": self.migrate_to}
        return body


def bad_request(words: str) -> Refusal:
    """Refuse what was asked for."""
    return Refusal(400, f"Bad Request: {words}")


def too_many(retry_after: int) -> Refusal:
    """Ask to wait."""
    return Refusal(429, f"Too Many Requests: retry after {retry_after}", retry_after)


UNAUTHORIZED = partial(Refusal, 401, "Unauthorized")
NOT_FOUND = partial(Refusal, 404, "Not Found")
BLOCKED = partial(Refusal, 403, "Forbidden: bot was blocked by the user")
CHAT_NOT_FOUND = partial(bad_request, "chat not found")
NOT_MODIFIED = partial(
    bad_request,
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message",
)
OTHER_POLL = partial(
    Refusal,
    409,
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is "
    "running",
)
WEBHOOK_ACTIVE = partial(
    Refusal,
    409,
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete "
    "the webhook first",
)
