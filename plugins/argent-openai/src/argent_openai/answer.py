"""An answer in the making: what is the same in both APIs."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from attrs import define, field

from argent_hookspecs import (
    Finish,
    FinishReason,
    ModelPart,
    ModelUnavailable,
    TextDelta,
    ToolCall,
    Usage,
)
from argent_openai.thoughts import Thoughts
from argent_openai.wording import from_json, join_halves

NO_OBJECT = "(not a JSON object)"
"""Where the arguments of a call are that are none. No tool takes this, so the model is told."""


@define
class CallInTheMaking:
    """A tool call whose arguments come in pieces.

    Args:
        replay: What the server wants to be told again with it.
    """

    id: str = ""
    name: str = ""
    pieces: list[str] = field(factory=list)
    replay: str = ""

    def finished(self) -> ToolCall:
        """Return the call. Arguments that are no object are passed on under ``NO_OBJECT``."""
        arguments = self.arguments
        if arguments is None:
            arguments = {NO_OBJECT: self._written}
        return ToolCall(self.id or f"call_{uuid.uuid4().hex}", self.name, arguments, self.replay)

    @property
    def is_whole(self) -> bool:
        """Whether its arguments are there, and whole: what comes next belongs to another call."""
        return bool(self._written.strip()) and self.arguments is not None

    @property
    def arguments(self) -> dict[str, Any] | None:
        """The arguments, or None if they are no JSON object."""
        try:
            found = from_json(self._written.strip() or "{}")
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    @property
    def _written(self) -> str:
        return "".join(join_halves("".join(self.pieces)))


class AnswerReader(Protocol):
    """Reads the documents of an answer in the form of one API."""

    @property
    def answer(self) -> Answer:
        """What was read so far."""
        ...

    def take(self, document: Any) -> Sequence[ModelPart]:
        """Take the next document of the stream and return the parts that are whole.

        Raises:
            Complaint: It says that the server failed.
        """
        ...

    def end(self) -> list[ModelPart]:
        """Return the last parts. Raises ``ModelUnavailable`` if the answer is not whole."""
        ...


class Answer:
    """An answer in the making, in the form of neither API.

    Args:
        provider: Id of the provider.
    """

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.reason: FinishReason | None = None
        self.usage: Usage | None = None
        self.early_usage: Usage | None = None
        self.calls: list[CallInTheMaking] = []
        self.thoughts = Thoughts(provider)
        self.refused = False
        self.halved = False
        self.over = False
        self._half = ""
        self._called = False
        self._sure = 0.0
        self._tokens = 0

    def done(self) -> None:
        """Take in that the server has said all. Some give no reason, but say this."""
        self.reason = self.reason or FinishReason.STOP
        self.over = True

    def say(self, text: str) -> list[ModelPart]:
        """Return words, behind the thoughts that led to them."""
        if self.halved:
            text, self._half = join_halves(self._half + text)
        return [*self.thoughts.end(), TextDelta(text)] if text else []

    def call(self, call: CallInTheMaking) -> list[ModelPart]:
        """Return a call that is whole, behind the thoughts that led to it."""
        self._called = True
        return [*self.thoughts.end(), call.finished()]

    def weigh(self, logprobs: Iterable[Any]) -> None:
        """Take in how likely the tokens were."""
        for token in logprobs:
            likely = token["logprob"]
            if isinstance(likely, int | float):
                self._sure += min(1.0, math.exp(likely))
                self._tokens += 1

    def end(self) -> list[ModelPart]:
        """Return the last parts. Raises ``ModelUnavailable`` if the answer is not whole."""
        if self.reason is None:
            raise ModelUnavailable(
                f"{self.provider}: the answer was cut off on its way", may_cost=True
            )
        calls = [call for call in self.calls if call.name]
        if self.reason is FinishReason.LENGTH:
            calls = [call for call in calls if call.arguments is not None]
        elif (calls or self._called) and self.reason is FinishReason.STOP:
            self.reason = FinishReason.TOOL_CALLS
        sure = self._sure / self._tokens if self._tokens else None
        finish = Finish(reason=self.reason, usage=self._counted(), confidence=sure)
        return [*self.thoughts.end(), *(call.finished() for call in calls), finish]

    def _counted(self) -> Usage:
        """Return what the server counted; nothing, if the last count may have been cut off."""
        return self.usage or (self.early_usage if self.over else None) or Usage()


def count(figures: dict[str, Any], *names: str) -> int:
    """Return the first of the figures that is there; what is no whole number counts as 0."""
    for name in names:
        value = figures.get(name)
        if type(value) is int and value >= 0:
            return value
    return 0
