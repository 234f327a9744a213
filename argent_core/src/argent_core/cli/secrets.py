"""``argent secrets``: the home's own store of secrets."""

from __future__ import annotations

import sys

import click

from argent_core.cli.context import LazyContext
from argent_core.cli.groups import Group
from argent_core.cli.output import as_json, print_json, print_table
from argent_core.secrets import SecretStore
from argent_core.words import moment
from argent_hookspecs import SecretError


@click.group(cls=Group)
def secrets() -> None:
    """Store and remove secrets. Settings refer to them as store:NAME.

    \b
    argent secrets set telegram-token      asks for the value
    argent config set plugins.telegram.token store:telegram-token
    pass show telegram | argent secrets set telegram-token
    """


@secrets.command("set")
@click.argument("name")
@click.pass_obj
def set_(obj: LazyContext, name: str) -> None:
    """Store a secret. The value is asked for, or read from standard input; never an argument."""
    if sys.stdin.isatty():
        value = click.prompt(f"Value of {name}", hide_input=True, err=True)
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    obj.place.create()
    SecretStore(obj.place).set(name, value)
    click.echo(f"Stored. Refer to it as store:{name}.")


@secrets.command("list")
@as_json
@click.pass_obj
def list_(obj: LazyContext, as_json: bool) -> None:
    """List the names of what is stored, and when each was changed; never the values."""
    entries = SecretStore(obj.place).entries()
    if as_json:
        print_json([{"name": e.name, "changedAt": e.changed_at.isoformat()} for e in entries])
    elif entries:
        rows = [(e.name, moment(e.changed_at.isoformat())) for e in entries]
        print_table(rows, heads=("NAME", "CHANGED"))
    else:
        click.echo("Nothing is stored. Store a secret with `argent secrets set NAME`.")


@secrets.command()
@click.argument("name")
@click.pass_obj
def remove(obj: LazyContext, name: str) -> None:
    """Forget a secret."""
    if not SecretStore(obj.place).remove(name):
        raise SecretError(f'There is no secret "{name}". See `argent secrets list`.')
    click.echo(f"{name} is forgotten.")
