"""One message of the person and what becomes of it."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen


class State(enum.StrEnum):
    """How an exchange ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    STOPPED = "stopped"
    WAITING = "waiting"
    """For a person's word on a tool call."""


@frozen(kw_only=True)
class Outcome:
    """The end of an exchange."""

    state: State
    reason: str = ""
    approval: Mapping[str, Any] | None = None


@define
class Exchange:
    """A message, the turn that deals with it, and the answer.

    Fed with everything that the agent says; picks out what belongs to this message.

    Args:
        text: What the person said.
        held: Whether the answer is complete before its delivery is confirmed.
        id: The same for every try of sending it, so that it is taken once.
        accepted: Whether the agent has it.
        resumed: Whether the connection was cut since it was first sent, so that something may have
            been missed.
    """

    text: str
    held: bool = field(default=False, kw_only=True)
    id: str = field(factory=lambda: uuid.uuid4().hex)
    accepted: bool = False
    resumed: bool = False
    turn: str | None = None
    tools: list[str] = field(factory=list)
    replies: dict[str, str] = field(factory=dict)
    sent: set[str] = field(factory=set)
    outcome: Outcome | None = None
    failure: str = ""
    """Why there is no answer. What is delivered then is the agent's own word of that."""
    _finished: bool = False
    _others: set[str] = field(factory=set)

    @property
    def answer(self) -> str:
        """The text of the answer."""
        return "\n".join(self.replies.values())

    @property
    def delivered(self) -> bool:
        """Whether the agent knows that every part of the answer was shown."""
        return self.replies.keys() <= self.sent

    @property
    def nearly_done(self) -> bool:
        """Whether the answer, or the failure, is known and only its completion is awaited."""
        return bool(self.replies or self.failure)

    def owns(self, message: Mapping[str, Any]) -> bool:
        """Whether something that happened in a turn belongs to this message.

        The turn is named by ``turn``, which says for which message it began. Where that was missed
        because the connection was cut, it is the first turn that is not known to be another's.
        """
        turn = message.get("turn")
        if self.turn is None and self.resumed and turn is not None and turn not in self._others:
            self.turn = turn
        return self.turn is not None and turn == self.turn

    def is_of(self, turn: Mapping[str, Any]) -> bool:
        """Whether a turn that the agent tells of deals with this message."""
        return bool(turn["turn"] == self.turn or turn["message"] == self.id)

    def take(self, message: Mapping[str, Any]) -> None:
        """Note what the agent said."""
        match message["type"]:
            case "accepted" if message["id"] == self.id:
                self.accepted = True
                self.resumed = self.resumed or message["duplicate"]
            case "refused" if message["id"] == self.id:
                self.end(State.FAILED, message["reason"])
            case "error" if message["request"] == "message":
                self.end(State.FAILED, message["reason"])
            case "turn":
                self._take_turn(message)
            case "tool" if self.owns(message):
                self.tools.append(message["tool"])
            case "reply" if self.owns(message):
                self.replies[message["key"]] = message["text"]
                self._conclude()
            case "delivery" if self.owns(message):
                self._take_delivery(message)
            case "finished" if self.owns(message):
                self._take_finished(message)

    def end_as_it_is(self) -> None:
        """End it with what is known, once it is nearly done."""
        if self.failure:
            self.end(State.FAILED, self.failure)
        else:
            self.end(State.ANSWERED)

    def end(self, state: State, reason: str = "") -> None:
        """End it, unless it has ended."""
        self.outcome = self.outcome or Outcome(state=state, reason=reason)

    def _take_turn(self, message: Mapping[str, Any]) -> None:
        if message["message"] == self.id:
            self.turn = message["turn"]
            self.accepted = True
        else:
            self._others.add(message["turn"])

    def _take_delivery(self, message: Mapping[str, Any]) -> None:
        if message["state"] == "sent":
            self.sent.add(message["key"])
            self._conclude()
        elif message["state"] in ("dead", "expired", "held"):
            reason = message["reason"] or "no reason was given"
            self.end(
                State.FAILED,
                self.failure or f"the answer was not delivered ({message['state']}): {reason}",
            )

    def _take_finished(self, message: Mapping[str, Any]) -> None:
        match message["state"]:
            case "done" if message["reason"]:
                self.failure = message["reason"]  # a command that could not be carried out
                self._conclude()
            case "done":
                self._finished = True
                if not message["text"].strip():
                    self.end(State.ANSWERED, "the agent had nothing to say")
                self._conclude()
            case "dead":
                self.failure = message["reason"] or "the turn failed"
                self._conclude()
            case "cancelled":
                self.end(State.STOPPED, message["reason"])

    def _conclude(self) -> None:
        if not self.replies:
            return
        if self.failure or (self._finished and (self.held or self.delivered)):
            self.end_as_it_is()
