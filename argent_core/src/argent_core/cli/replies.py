"""``argent replies``: what goes out, and what did not get there."""

from __future__ import annotations

from typing import Any

import click

from argent_core.cli.context import LazyContext
from argent_core.cli.groups import Group
from argent_core.cli.output import as_json, print_json, print_table
from argent_core.schema import REPLY_STATES

_LONGEST = 60


@click.group(cls=Group)
def replies() -> None:
    """List, read, send again and drop replies.

    \b
    argent replies list --state held
    argent replies show 3f9a
    argent replies retry 3f9a
    argent replies drop 3f9a
    """


@replies.command("list")
@click.option("--state", type=click.Choice(REPLY_STATES), help="Only replies in this state.")
@click.option("--limit", default=50, show_default=True, help="Most replies to list.")
@as_json
@click.pass_obj
def list_(obj: LazyContext, state: str | None, limit: int, as_json: bool) -> None:
    """List replies, newest first."""
    found = _do(obj, "replies.list", state=state, limit=limit)
    if as_json:
        print_json(found)
    elif not found:
        click.echo("There are none.")
    else:
        print_table(
            ((r["key"], r["state"], r["channel"], r["created_at"], _words(r)) for r in found),
            heads=("KEY", "STATE", "CHANNEL", "CREATED", "WHAT"),
        )


@replies.command()
@click.argument("key")
@as_json
@click.pass_obj
def show(obj: LazyContext, key: str, as_json: bool) -> None:
    """Show one reply; its KEY may be cut short."""
    reply = _do(obj, "replies.show", key=key)
    if as_json:
        print_json(reply)
    else:
        print_table([(name, value) for name, value in reply.items() if value])


@replies.command()
@click.argument("key")
@as_json
@click.pass_obj
def retry(obj: LazyContext, key: str, as_json: bool) -> None:
    """Send a reply after all: one that is held, unknown, dead or expired.

    One that a filter held back is sent as it is: it is your decision then.
    """
    _changed(_do(obj, "replies.retry", key=key), as_json=as_json)


@replies.command()
@click.argument("key")
@as_json
@click.pass_obj
def drop(obj: LazyContext, key: str, as_json: bool) -> None:
    """Give up a reply that was not sent; it stays on record as dead."""
    _changed(_do(obj, "replies.drop", key=key), as_json=as_json)


def _do(obj: LazyContext, operation: str, **arguments: Any) -> Any:
    result, _ = obj.operate(operation, **arguments)
    return result


def _changed(reply: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(reply)
    else:
        click.echo(f"Reply {reply['key']} is {reply['state']} now.")


def _words(reply: dict[str, Any]) -> str:
    said = reply["text"]
    reason = f"  [{reply['reason']}]" if reply["reason"] else ""
    return (said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…") + reason
