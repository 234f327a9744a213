"""What ``argent chat`` does."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from argent_hookspecs import CommandContext
from argent_terminal.link import Link
from argent_terminal.oneshot import say_once, say_once_in_json
from argent_terminal.screen import Screen
from argent_terminal.seen import SeenReplies, private_file
from argent_terminal.talk import Ask, Talk


async def converse(
    context: CommandContext, conversation: str, *, text: str | None, as_json: bool
) -> int:
    """Talk with the agent, once or at length, and return the exit code.

    Args:
        context: What the command was given.
        conversation: Name of the conversation.
        text: The one message to say; None for a conversation at the terminal.
        as_json: Whether to write the answer as JSON.
    """
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    screen = Screen(sys.stdout, sys.stderr, live=sys.stdout.isatty() and not as_json)
    ask = _ask() if at_terminal and not as_json else None
    link = Link(context, conversation)
    try:
        await link.open()
        seen = SeenReplies(context.home)
        try:
            await seen.load()
        except OSError as error:
            screen.note(f"What was shown before is not known here: {error.strerror or error}")
        talk = Talk(link, screen, seen, ask=ask)
        if text is None:
            return await _at_length(context, link, screen, talk)
        if as_json:
            return await say_once_in_json(link, sys.stdout, talk=talk, text=text)
        return await say_once(link, screen, talk=talk, text=text)
    finally:
        await link.close()


def _ask() -> Ask:
    from argent_terminal.prompts import ask_permission

    return ask_permission


async def _at_length(context: CommandContext, link: Link, screen: Screen, talk: Talk) -> int:
    from argent_terminal.interactive import Interactive
    from argent_terminal.prompts import LinePrompt

    history: Path | None = None
    try:
        history = await asyncio.to_thread(private_file, context.home, "history")
    except OSError as error:
        screen.note(f"What you type is not remembered: {error.strerror or error}")
    return await Interactive(link, screen, talk, LinePrompt(history)).run()
