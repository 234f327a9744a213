"""What came of a question to a model, beside what should have come of it."""

from __future__ import annotations

from attrs import define, field

from argent_hookspecs import Finish, FinishReason, ModelError, ModelPart, ToolCall, Usage
from argent_testing.answers import calls, thoughts, words


@define(eq=False)
class Heard:
    """What came of a question: the parts, and the error that ended them, if one did."""

    parts: list[ModelPart] = field(factory=list)
    error: ModelError | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it has its end."""
        return any(isinstance(part, Finish) for part in self.parts)

    @property
    def words(self) -> str:
        """What was said."""
        return words(self.parts)

    @property
    def thoughts(self) -> str:
        """What was thought."""
        return "".join(thought.text for thought in thoughts(self.parts))

    @property
    def calls(self) -> list[ToolCall]:
        """What was called."""
        return calls(self.parts)

    @property
    def reasons(self) -> list[FinishReason]:
        """Why it ended."""
        return [part.reason for part in self.parts if isinstance(part, Finish)]


def assert_begins(heard: Heard, whole: Heard, *, what: str) -> None:
    """Check that what was heard is a beginning of the whole answer."""
    assert whole.words.startswith(heard.words), f"{what}: it said {heard.words!r}"
    assert whole.thoughts.startswith(heard.thoughts), f"{what}: it thought {heard.thoughts!r}"
    assert heard.calls == whole.calls[: len(heard.calls)], f"{what}: it called {heard.calls!r}"


def assert_same(heard: Heard, whole: Heard, *, what: str, cut: bool = False) -> None:
    """Check that all was heard, and was counted.

    Args:
        cut: Whether the count may have been cut off; then all of it is missing, not a part.
    """
    assert heard.error is None, f"{what}: {heard.error!r}"
    assert (heard.words, heard.thoughts) == (whole.words, whole.thoughts), what
    assert (heard.calls, heard.reasons) == (whole.calls, whole.reasons), what
    (end,) = (part for part in heard.parts if isinstance(part, Finish))
    if cut and end.usage == Usage():
        return
    assert end.usage.input_tokens > 0, f"{what}: nothing was counted"
    assert end.usage.output_tokens > 0, f"{what}: nothing was counted"
