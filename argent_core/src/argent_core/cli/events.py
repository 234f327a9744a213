"""``argent events``: the journal, dead letters included."""

from __future__ import annotations

import click

from argent_core.cli.groups import Group
from argent_core.cli.records import Kind, Row, add_commands
from argent_core.schema import EVENT_STATES


@click.group(cls=Group)
def events() -> None:
    """List, read, retry and drop events.

    \b
    argent events list --state dead
    argent events show 3f9a
    argent events retry 3f9a
    argent events drop 3f9a
    """


def _said(event: Row) -> str:
    return " ".join(part["text"] for part in event["event"]["content"])


add_commands(
    events,
    Kind(
        one="event",
        many="events",
        key="id",
        columns={"KIND": "kind", "CONVERSATION": "conversation"},
        states=EVENT_STATES,
        said=_said,
        hidden="event",
        retry="Try a dead or cancelled event again.",
        drop="Give up an event that was not dealt with; it stays on record as cancelled.",
    ),
)
