"""The command ``argent chat``."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from argent_hookspecs import CommandContext


@click.command()
@click.option(
    "-m", "--message", help="Say this, print the answer and leave; - reads it from a pipe."
)
@click.option(
    "-c", "--conversation", default="main", show_default=True, help="Which conversation to talk in."
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as one JSON object.")
@click.pass_context
def chat(context: click.Context, message: str | None, conversation: str, as_json: bool) -> None:
    """Talk with the agent.

    At a terminal this is a conversation; /help says what you can do in it. With --message, or with
    text from a pipe, it is one message and one answer.

    Exit codes: 0 answered, 1 no answer, 2 wrong usage, 3 a tool call waits for your word,
    130 interrupted.
    """
    from argent_hookspecs import ArgentError
    from argent_terminal.client import converse
    from argent_terminal.requests import PLACE

    if not PLACE.fullmatch(conversation):
        raise click.BadParameter(
            "a name has 1 to 64 letters, digits and . _ - @", param_hint="--conversation"
        )
    text = _text(message, as_json=as_json)
    home: CommandContext = context.obj
    try:
        code = asyncio.run(converse(home, conversation, text=text, as_json=as_json))
    except KeyboardInterrupt:
        code = 130
    except ArgentError as error:
        raise click.ClickException(str(error)) from error
    context.exit(code)


def _piped() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError("What came through the pipe is not UTF-8 text.") from error


def _text(message: str | None, *, as_json: bool) -> str | None:
    """Return the one message to say, or None for a conversation."""
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if message is None and at_terminal:
        if as_json:
            raise click.UsageError("--json needs --message, or text from a pipe.")
        return None
    if message is None or message == "-":
        message = _piped()
    if not message.strip():
        raise click.UsageError("There is nothing to say: the message is empty.")
    from argent_terminal.requests import LONGEST_TEXT

    message = message.strip()
    if len(message) > LONGEST_TEXT:
        raise click.UsageError(
            f"The message has {len(message):,} characters; at most {LONGEST_TEXT:,} can be said at "
            "once. Say it in parts, or put it into a file and name that."
        )
    return message
