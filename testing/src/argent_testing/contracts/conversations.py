"""What a model is told in a turn with tools, and whether it was told."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen

from argent_hookspecs import (
    ContextBlock,
    Message,
    ModelRequest,
    Role,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
)

COIN = ToolSpec(
    "coin",
    "Toss a coin some times.",
    {
        "type": "object",
        "properties": {"times": {"type": "integer", "description": "how often"}},
        "required": ["times"],
        "additionalProperties": False,
    },
)
_ANYWHERE = {
    "system-one": "the first block of system",
    "system-two": "the second block of system",
    "Toss a coin": "the tool",
    "times": "the parameters of the tool",
}
_IN_ORDER = {
    "asked-first": "the first question",
    "answered-first": "the first answer",
    "asked-then": "the second question",
    "result-early": "the result of a call",
    "asked-last": "the last question",
}


def a_conversation(model: str) -> ModelRequest:
    """Return a request with all that one can hold: system, history, a call, its result, tools."""
    call = ToolCall("c1", "coin", {"times": 1})
    return ModelRequest(
        model=model,
        system=(
            ContextBlock(text="You answer in English. system-one", source="a", stable=True),
            ContextBlock(text="You are friendly. system-two", source="b", stable=True),
        ),
        messages=(
            Message(Role.USER, "Hello, asked-first."),
            Message(Role.ASSISTANT, "Hello, answered-first."),
            Message(Role.USER, "Toss it, asked-then."),
            Message(Role.ASSISTANT, (Text("I toss it."), call)),
            Message(Role.USER, (ToolResult("c1", "coin", "result-early: heads"),)),
            Message(Role.ASSISTANT, "It shows heads."),
            Message(Role.USER, "And again, asked-last?"),
        ),
        tools=(COIN,),
        max_output_tokens=64,
        key="contract",
    )


def with_results(request: ModelRequest, calls: Sequence[ToolCall]) -> ModelRequest:
    """Return the next request of the turn: the calls, and what came of them, the last one a fault.

    The kernel gives calls ids of its own.
    """
    named = [evolve(call, id=f"k{number}") for number, call in enumerate(calls)]
    results = tuple(
        ToolResult(call.id, call.name, f"result-{n}: tails", is_error=n == len(named) - 1)
        for n, call in enumerate(named)
    )
    made = Message(Role.ASSISTANT, (Text("Let me see."), *named))
    return evolve(request, messages=(*request.messages, made, Message(Role.USER, results)))


@frozen
class Told:
    """What a model was told, to be looked through."""

    model: str
    text: str

    def check(self) -> None:
        """Check that nothing is missing and the order is kept. Raises ``AssertionError``."""
        for mark, what in (_ANYWHERE | _IN_ORDER).items():
            assert mark in self.text, f"{self.model} was not told {what}: {mark!r} is missing"
        places = {mark: self.text.index(mark) for mark in _IN_ORDER}
        order = sorted(places, key=lambda mark: places[mark])
        assert order == list(_IN_ORDER), f"{self.model} was told the history out of order: {order}"
