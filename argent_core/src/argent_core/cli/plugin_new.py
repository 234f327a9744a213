"""``argent plugins new``: a project to begin a plugin with."""

from __future__ import annotations

from pathlib import Path

import click

from argent_core.cli.kit import part_of_kit
from argent_core.cli.output import as_json, print_json

KINDS = (
    "channel",
    "context-provider",
    "event-source",
    "model-provider",
    "output-handler",
    "service",
    "tool",
)
"""What a project can be begun for."""


@click.command("new")
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="Folder in which the project gets a folder of its own; this one, if not given.",
)
@as_json
def new(kind: str, name: str, into: Path, as_json: bool) -> None:
    """Write the project of a new plugin, argent-NAME.

    KIND is channel, context-provider, event-source, model-provider, output-handler, service or
    tool. The project can be installed as it is; its tests say what to fill in next, and where.
    Nothing is ever overwritten.

    \b
    argent plugins new channel irc
    argent plugins new tool dice --into ~/projects
    """
    project = part_of_kit("new")(kind, name, into=into)
    if as_json:
        print_json(project.as_json())
        return
    click.echo(f"{project.folder} is the project of a new {kind.replace('-', ' ')}. In it:")
    for path in project.files:
        click.echo(f"  {path}")
    click.echo("Next:")
    for command in project.commands:
        click.echo(f"  {command}")
