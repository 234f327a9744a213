"""Reading from a person at a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.key_processor import KeyPress

from argent_terminal.text import call_text

PROMPT = "› "
CONTINUATION = "… "
ANSWERS = {"y": True, "yes": True, "n": False, "no": False, "": False}


class Interrupted(Exception):
    """Report that the person pressed Ctrl-C at the prompt.

    ``KeyboardInterrupt`` itself would leave the task that reads, and end the event loop.
    """


class _LastingHistory(FileHistory):
    def store_string(self, string: str) -> None:
        # A message is to be sent even where it cannot be kept.
        with suppress(OSError):
            super().store_string(string)


class LinePrompt:
    """Reads messages, of one line or several.

    Args:
        history: File that keeps what was typed; without one it is kept until the end only.
    """

    def __init__(self, history: Path | None) -> None:
        self._session: PromptSession[str] = PromptSession(
            PROMPT,
            history=InMemoryHistory() if history is None else _LastingHistory(history),
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
    """Ask whether a tool call may be run, until the answer is yes or no; Enter is no.

    Ctrl-C and Ctrl-D are no as well. What was typed before the question was on the screen is not
    taken for an answer: it is kept for the next prompt.
    """
    question = f"Allow {call_text(approval['tool'], approval['arguments'])}? [y/N] "
    session = PromptSession[str]()
    earlier = _typed_ahead(session.input)
    try:
        while True:
            # The handler of whoever waits for the answer to this call must survive the question;
            # at the question itself Ctrl-C comes as a key.
            answer = (await session.prompt_async(question, handle_sigint=False)).strip().lower()
            if answer in ANSWERS:
                return ANSWERS[answer]
    except (KeyboardInterrupt, EOFError):
        return False
    finally:
        store_typeahead(session.input, [*earlier, *get_typeahead(session.input)])


def _typed_ahead(keyboard: Input) -> list[KeyPress]:
    """Take away what was typed and not read yet."""
    keys = get_typeahead(keyboard)
    with keyboard.raw_mode():
        while more := keyboard.read_keys():
            keys += more
    return keys + keyboard.flush_keys()


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
