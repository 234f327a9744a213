"""Reading from a person at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from argent_terminal.text import call_text

PROMPT = "› "
CONTINUATION = "… "


class Interrupted(Exception):
    """Report that the person pressed Ctrl-C at the prompt.

    ``KeyboardInterrupt`` itself would leave the task that reads, and end the event loop.
    """


class LinePrompt:
    """Reads messages, of one line or several, with a history that is kept."""

    def __init__(self, history: Path) -> None:
        self._session: PromptSession[str] = PromptSession(
            PROMPT,
            history=FileHistory(history),
            key_bindings=_key_bindings(),
            multiline=True,
            prompt_continuation=CONTINUATION,
        )

    @property
    def typed(self) -> str:
        """What stands at the prompt."""
        return self._session.default_buffer.text

    async def read(self, typed: str = "") -> str:
        """Return a message. Raises ``Interrupted`` at Ctrl-C, ``EOFError`` at Ctrl-D."""
        try:
            return await self._session.prompt_async(default=typed)
        except KeyboardInterrupt as error:
            raise Interrupted from error


async def ask_permission(approval: Mapping[str, Any]) -> bool:
    """Ask whether a tool call may be run; anything but yes is no."""
    question = f"Allow {call_text(approval['tool'], approval['arguments'])}? [y/N] "
    try:
        answer = await PromptSession[str]().prompt_async(question)
    except (KeyboardInterrupt, EOFError):
        return False
    return answer.strip().lower() in ("y", "yes")


def _key_bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.text_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.newline(copy_margin=False)
        else:
            buffer.validate_and_handle()

    @bindings.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    return bindings
