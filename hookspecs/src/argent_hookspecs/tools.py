"""Tools: what the agent can do."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from attrs import field, frozen
from attrs.validators import deep_iterable, instance_of, matches_re, max_len

from argent_hookspecs.attachments import File
from argent_hookspecs.trust import Trust

if TYPE_CHECKING:
    from argent_hookspecs.events import Event


class Effect(enum.StrEnum):
    """What running a tool a second time would mean, after a crash in the middle of the first."""

    IDEMPOTENT = "idempotent"
    """Run again with the same key: no harm."""
    QUERYABLE = "queryable"
    """``Tool.check`` can tell whether it happened."""
    BLIND = "blind"
    """Never run again by itself; the model and the person are told that the outcome is unknown."""


class Permission(enum.StrEnum):
    """Whether a tool may be used."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


def _arguments(value: Mapping[str, Any]) -> Mapping[str, Any]:
    given: object = value
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise TypeError(f"the arguments of a tool call have names, unlike {value!r:.80}")
    return value


@frozen
class ToolCall:
    """A model's wish to use a tool.

    Args:
        id: Unique within the turn.
        name: Name of the tool.
        arguments: By parameter name, as the model gave them, not yet validated.
        replay: The model provider's own record of the call, told to it again unchanged within the
            turn.
    """

    id: str
    name: str = field(validator=instance_of(str))
    arguments: Mapping[str, Any] = field(converter=_arguments, factory=dict)
    replay: str = field(default="", validator=instance_of(str), repr=False)


@frozen
class ToolResult:
    """What came of a tool call.

    Args:
        call_id: Id of the call.
        name: Name of the tool.
        text: The result, for the model to read.
        is_error: Whether the tool failed; ``text`` then says why.
        outside: Whether content from outside is in it; ``text`` says so to the model.
        files: What goes with the answer; ``text`` names them to the model.
    """

    call_id: str
    name: str
    text: str
    is_error: bool = False
    outside: bool = field(default=False, kw_only=True)
    files: tuple[File, ...] = field(default=(), kw_only=True)


class FromOutside(str):
    """What a tool returns when some of it is content from outside, though not always.

    The model is told so, and the rest of the turn counts as touched by it.
    """

    __slots__ = ()


def _in_order(files: Iterable[File]) -> tuple[File, ...]:
    return tuple(files)


@frozen
class WithFiles:
    """What a tool returns whose result is more than words: files go with the answer.

    The model is told their names, types and sizes.

    Args:
        text: The result, for the model to read; ``FromOutside``, where some of it is.
        files: Up to ten, as ``ctx.files.add`` has returned them.
    """

    text: str = field(validator=instance_of(str))
    files: Sequence[File] = field(
        converter=_in_order, validator=[deep_iterable(instance_of(File)), max_len(10)]
    )


@frozen(kw_only=True)
class ToolRun:
    """What a tool may know about the call that it serves, if its function has a parameter for it.

    Args:
        key: The same for every try of this call: give it to the other side for de-duplication.
        conversation: Where the call came up.
        event: What the turn deals with; None only outside of a turn.
        trust: The least that anything told in the turn so far is trusted.
        private: Whether the turn is for models of this machine only.
        turn: The turn's id, if there is one.
    """

    key: str
    conversation: str
    event: Event | None = None
    trust: Trust = Trust.OWNER
    private: bool = False
    turn: str = ""


@frozen(kw_only=True)
class Tool:
    """A typed function that the model may call.

    The JSON schema is made from the function's signature: every parameter needs a type that JSON
    can express, and ``Annotated[int, "how many"]`` documents it. A parameter of type ``ToolRun`` is
    filled in by the kernel and not shown to the model. The function returns text, or a value that
    JSON can express; it raises ``ToolError`` to tell the model what went wrong.

    Args:
        id: Name shown to the model: lower case letters, digits and ``_``.
        description: What it does, for the model.
        run: The function.
        effect: What a second run would mean.
        permission: Unless the person's policy says otherwise.
        check: For queryable tools: takes the key of the call and returns the result that it had,
            or None if it never happened.
        hints: Words in a message that make a need for this tool likely; used for routing.
        timeout: Seconds that one run may take.
        order: Rank among the tools, lower first.
        outside: Whether what it returns is content from outside, such as a page or a letter. The
            model is told so, and the rest of the turn counts as touched by it.
    """

    id: str = field(validator=matches_re(r"[a-z][a-z0-9_]{0,63}"))
    description: str
    run: Callable[..., Awaitable[Any]]
    effect: Effect = field(converter=Effect, default=Effect.BLIND)
    permission: Permission = field(converter=Permission, default=Permission.ALLOW)
    check: Callable[[str], Awaitable[str | None]] | None = None
    hints: tuple[str, ...] = ()
    timeout: float = 60.0
    order: int = 0
    outside: bool = False


ToolFunction = Callable[..., Awaitable[Any]]


@overload
def tool(function: ToolFunction, /) -> Tool: ...
@overload
def tool(
    *,
    effect: Effect = ...,
    permission: Permission = ...,
    hints: tuple[str, ...] = ...,
    timeout: float = ...,
    outside: bool = ...,
) -> Callable[[ToolFunction], Tool]: ...
def tool(
    function: ToolFunction | None = None,
    /,
    *,
    effect: Effect = Effect.BLIND,
    permission: Permission = Permission.ALLOW,
    hints: tuple[str, ...] = (),
    timeout: float = 60.0,
    outside: bool = False,
) -> Tool | Callable[[ToolFunction], Tool]:
    """Make a tool of an async function: its name is the id, its docstring the description.

    >>> @tool(effect=Effect.IDEMPOTENT)
    ... async def shout(text: str) -> str:
    ...     "Return the text in capitals."
    ...     return text.upper()
    >>> shout.id, shout.description
    ('shout', 'Return the text in capitals.')
    """

    def make(target: ToolFunction) -> Tool:
        return Tool(
            id=target.__name__,
            description=(target.__doc__ or "").strip(),
            run=target,
            effect=effect,
            permission=permission,
            hints=hints,
            timeout=timeout,
            outside=outside,
        )

    return make if function is None else make(function)


@frozen
class ToolSpec:
    """A tool as a model sees it: name, description, and JSON schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]
