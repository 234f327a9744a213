"""``argent approvals``: tool calls that wait for a person's word."""

from __future__ import annotations

import json

import click

from argent_core.cli.context import LazyContext
from argent_core.cli.groups import Group
from argent_core.cli.output import as_json, print_json, print_table
from argent_core.cli.user import user_name
from argent_core.words import moment


@click.group(cls=Group)
def approvals() -> None:
    """Answer tool calls that wait for you.

    \b
    argent approvals list
    argent approvals allow 1a2b3c4d
    argent approvals deny 1a2b3c4d
    """


@approvals.command("list")
@as_json
@click.pass_obj
def list_(obj: LazyContext, as_json: bool) -> None:
    """List what waits for an answer."""
    found, _ = obj.operate("approvals.list")
    if as_json:
        print_json(found)
    elif not found:
        click.echo("Nothing waits for you.")
    else:
        print_table(
            (
                (a["id"], a["tool"], json.dumps(a["arguments"]), moment(a["expires_at"]))
                for a in found
            ),
            heads=("ID", "TOOL", "ARGUMENTS", "EXPIRES"),
        )


@approvals.command()
@click.argument("approval_id", metavar="ID")
@click.pass_obj
def allow(obj: LazyContext, approval_id: str) -> None:
    """Let a tool call be made: this one, once."""
    _answer(obj, approval_id, allow=True)


@approvals.command()
@click.argument("approval_id", metavar="ID")
@click.pass_obj
def deny(obj: LazyContext, approval_id: str) -> None:
    """Have a tool call not made."""
    _answer(obj, approval_id, allow=False)


def _answer(obj: LazyContext, approval_id: str, *, allow: bool) -> None:
    by = user_name()
    settled, _ = obj.operate("approvals.answer", approval=approval_id, allow=allow, by=by)
    if not settled:
        raise click.ClickException(
            f"There is no open approval {approval_id!r}. See: argent approvals list"
        )
    click.echo("Allowed." if allow else "Denied.")
