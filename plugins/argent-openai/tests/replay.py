"""A server with one address of an API, which answers as it is told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field

from argent_testing import Asked, ModelServer, PlayedReply, json_reply
from argent_testing.wire.chat import chunk, events, usage


@define(eq=False)
class Replay(ModelServer):
    """``replies`` are given in turn to what is posted, the last one again and again, unless
    ``choose`` finds one by the body.
    """

    base: str = "/v1"
    replies: list[PlayedReply] = field(factory=list)
    choose: Callable[[Any], PlayedReply] | None = None
    models: PlayedReply | None = None

    @property
    def posted(self) -> list[Asked]:
        """What was posted."""
        return self.asked_at("")

    def by_itself(self, asked: Asked) -> PlayedReply:
        """Return the next reply."""
        if asked.method == "GET":
            return self.models or json_reply({}, status=404)
        if self.choose is not None:
            return self.choose(asked.body)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def replaying(*replies: PlayedReply, models: PlayedReply | None = None) -> Replay:
    """Return a server to run for a block."""
    return Replay(replies=list(replies), models=models)


HELLO = (
    chunk(role="assistant", content=""),
    chunk(content="Hel"),
    chunk(content="lo, wörld 🙂"),
    chunk(finish="stop"),
    usage(),
)
"""The chunks of a short answer."""


def hello() -> PlayedReply:
    """Return a short answer."""
    return PlayedReply(pieces=events(*HELLO))


def refusal(status: int, error: Any, **headers: str) -> PlayedReply:
    """Return an error of the usual form."""
    return json_reply({"error": error}, status=status, **headers)
