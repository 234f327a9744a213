"""``argent replies``: what goes out, and what did not get there."""

from __future__ import annotations

import click

from argent_core.cli.groups import Group
from argent_core.cli.records import Kind, add_commands
from argent_core.schema import REPLY_STATES

_RETRY = """
Send a reply after all: one that is held, unknown, dead or expired.

One that a filter held back is sent as it is: it is your decision then.
"""


@click.group(cls=Group)
def replies() -> None:
    """List, read, send again and drop replies.

    \b
    argent replies list --state held
    argent replies show 3f9a
    argent replies retry 3f9a
    argent replies drop 3f9a
    """


add_commands(
    replies,
    Kind(
        one="reply",
        many="replies",
        key="key",
        columns={"CHANNEL": "channel"},
        states=REPLY_STATES,
        said=lambda reply: str(reply["text"]),
        hidden="text",
        retry=_RETRY,
        drop="Give up a reply that was not sent; it stays on record as dead.",
    ),
)
