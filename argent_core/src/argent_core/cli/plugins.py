"""``argent plugins``: what is installed, and how it is."""

from __future__ import annotations

import click

from argent_core.cli.context import LazyContext
from argent_core.cli.groups import Group
from argent_core.cli.output import as_json, print_json, print_table
from argent_core.cli.plugin_audit import approve, audit, lock
from argent_core.cli.plugin_check import check
from argent_core.cli.plugin_new import new


@click.group(cls=Group)
def plugins() -> None:
    """List, switch, audit, check and begin plugins.

    While the agent runs, enabling and disabling take effect at once.

    \b
    argent plugins list
    argent plugins disable terminal
    argent plugins audit
    argent plugins approve telegram
    argent plugins new channel irc
    """


for command in (approve, audit, check, lock, new):
    plugins.add_command(command)


@plugins.command("list")
@as_json
@click.pass_obj
def list_(obj: LazyContext, as_json: bool) -> None:
    """List the installed plugins: in which state each is, and why."""
    found, running = obj.operate("plugins.list", with_plugins=True)
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("No plugin is installed. Begin with: pip install argent-llama argent-terminal")
        return
    if not running:
        click.echo("Argent does not run; this is how they would start.", err=True)
    print_table(
        ((p["name"], p["version"], p["state"], p["reason"] or p["summary"]) for p in found),
        heads=("PLUGIN", "VERSION", "STATE", "WHAT"),
    )


@plugins.command()
@click.argument("name")
@click.pass_obj
def enable(obj: LazyContext, name: str) -> None:
    """Let a plugin run."""
    _switch(obj, "plugins.enable", name)


@plugins.command()
@click.argument("name")
@click.pass_obj
def disable(obj: LazyContext, name: str) -> None:
    """Stop a plugin and keep it from starting."""
    _switch(obj, "plugins.disable", name)


def _switch(obj: LazyContext, operation: str, name: str) -> None:
    plugin, running = obj.operate(operation, with_plugins=True, name=name)
    reason = f": {plugin['reason']}" if plugin["reason"] else ""
    when = "" if running else " (Argent does not run)"
    click.echo(f"{name} is {plugin['state']}{reason}{when}")
