"""``argent events``: the journal, dead letters included."""

from __future__ import annotations

from typing import Any

import click

from argent_core.cli.context import LazyContext
from argent_core.cli.groups import Group
from argent_core.cli.output import as_json, print_json, print_table
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


@events.command("list")
@click.option("--state", type=click.Choice(EVENT_STATES), help="Only events in this state.")
@click.option("--limit", default=50, show_default=True, help="Most events to list.")
@as_json
@click.pass_obj
def list_(obj: LazyContext, state: str | None, limit: int, as_json: bool) -> None:
    """List events, newest first."""
    found = _do(obj, "events.list", state=state, limit=limit)
    if as_json:
        print_json(found)
    elif not found:
        click.echo("There are none.")
    else:
        print_table(
            (
                (e["id"], e["state"], e["kind"], e["conversation"], e["created_at"], _words(e))
                for e in found
            ),
            heads=("ID", "STATE", "KIND", "CONVERSATION", "CREATED", "WHAT"),
        )


@events.command()
@click.argument("event_id", metavar="ID")
@as_json
@click.pass_obj
def show(obj: LazyContext, event_id: str, as_json: bool) -> None:
    """Show one event; its ID may be cut short."""
    event = _do(obj, "events.show", id=event_id)
    if as_json:
        print_json(event)
        return
    rows = [(name, value) for name, value in event.items() if name != "event" and value]
    print_table([*rows, ("says", _words(event, longest=100_000))])


@events.command()
@click.argument("event_id", metavar="ID")
@as_json
@click.pass_obj
def retry(obj: LazyContext, event_id: str, as_json: bool) -> None:
    """Try a dead or cancelled event again."""
    _changed(_do(obj, "events.retry", id=event_id), as_json=as_json)


@events.command()
@click.argument("event_id", metavar="ID")
@as_json
@click.pass_obj
def drop(obj: LazyContext, event_id: str, as_json: bool) -> None:
    """Give up an event that was not dealt with; it stays on record as cancelled."""
    _changed(_do(obj, "events.drop", id=event_id), as_json=as_json)


def _do(obj: LazyContext, operation: str, **arguments: Any) -> Any:
    result, _ = obj.operate(operation, **arguments)
    return result


def _changed(event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(event)
    else:
        click.echo(f"Event {event['id']} is {event['state']} now.")


def _words(event: dict[str, Any], *, longest: int = 60) -> str:
    said = " ".join(part["text"] for part in event["event"]["content"])
    reason = f"  [{event['reason']}]" if event["reason"] else ""
    return (said if len(said) <= longest else f"{said[:longest]}…") + reason
