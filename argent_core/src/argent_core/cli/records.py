"""The commands for what is on record: list it, show it, try it again, give it up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import click

from argent_core.cli.context import LazyContext
from argent_core.cli.output import as_json, print_json, print_table
from argent_core.words import moment

Row = Mapping[str, Any]

_LONGEST = 60
_TIMES = ("created_at", "available_at", "finished_at")


class Kind(NamedTuple):
    """What events and replies differ in.

    Args:
        one: What one of them is called.
        many: What several are called, as in the names of the operations.
        key: What its name is kept under.
        columns: What a list shows besides, by the heads of the columns.
        states: In which they can be.
        said: Returns its words.
        hidden: What is not shown of one, as its words are.
        retry: Help for trying it again.
        drop: Help for giving it up.
    """

    one: str
    many: str
    key: str
    columns: Mapping[str, str]
    states: Sequence[str]
    said: Callable[[Row], str]
    hidden: str
    retry: str
    drop: str

    def ask(self, obj: LazyContext, operation: str, **arguments: Any) -> Any:
        """Have something done, or looked up."""
        result, _ = obj.operate(f"{self.many}.{operation}", **arguments)
        return result

    def words(self, row: Row, *, longest: int = _LONGEST) -> str:
        """Return what it says, and why it is where it is."""
        said = self.said(row)
        reason = f"  [{row['reason']}]" if row["reason"] else ""
        return (said if len(said) <= longest else f"{said[:longest]}…") + reason


def add_commands(group: click.Group, kind: Kind) -> None:
    """Put the four commands into a group."""
    group.add_command(_listing(kind))
    group.add_command(_showing(kind))
    group.add_command(_changing(kind, "retry", help=kind.retry))
    group.add_command(_changing(kind, "drop", help=kind.drop))


def _listing(kind: Kind) -> click.Command:
    @click.command("list", help=f"List {kind.many}, newest first.")
    @click.option(
        "--state", type=click.Choice(kind.states), help=f"Only {kind.many} in this state."
    )
    @click.option("--limit", default=50, show_default=True, help=f"Most {kind.many} to list.")
    @as_json
    @click.pass_obj
    def list_(obj: LazyContext, state: str | None, limit: int, as_json: bool) -> None:
        found = kind.ask(obj, "list", state=state, limit=limit)
        if as_json:
            print_json(found)
        elif not found:
            click.echo("There are none.")
        else:
            columns = (kind.key, "state", *kind.columns.values())
            print_table(
                (
                    (*(row[name] for name in columns), moment(row["created_at"]), kind.words(row))
                    for row in found
                ),
                heads=(kind.key.upper(), "STATE", *kind.columns, "CREATED", "WHAT"),
            )

    return list_


def _showing(kind: Kind) -> click.Command:
    @click.command(help=f"Show one {kind.one}; its {kind.key.upper()} may be cut short.")
    @click.argument("key", metavar=kind.key.upper())
    @as_json
    @click.pass_obj
    def show(obj: LazyContext, key: str, as_json: bool) -> None:
        row = kind.ask(obj, "show", **{kind.key: key})
        if as_json:
            print_json(row)
            return
        shown = {name: value for name, value in row.items() if value and name != kind.hidden}
        times = {name: moment(shown[name]) for name in _TIMES if name in shown}
        said = ("says", kind.words(row, longest=100_000))
        print_table([*{**shown, **times}.items(), said])

    return show


def _changing(kind: Kind, name: str, *, help: str) -> click.Command:
    @click.command(name, help=help)
    @click.argument("key", metavar=kind.key.upper())
    @as_json
    @click.pass_obj
    def change(obj: LazyContext, key: str, as_json: bool) -> None:
        row = kind.ask(obj, name, **{kind.key: key})
        if as_json:
            print_json(row)
        else:
            click.echo(f"{kind.one.capitalize()} {row[kind.key]} is {row['state']} now.")

    return change
