"""``argent plugins audit``, ``approve`` and ``lock``: what plugins bring, and which may load."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from argent_core.cli.context import LazyContext
from argent_core.cli.output import as_json, print_json, print_line, print_table

if TYPE_CHECKING:
    from argent_core.plugin_trust.audit import Audit, Audited

_MOST_SHOWN = 5


@click.command()
@click.argument("names", nargs=-1, metavar="[PLUGIN]...")
@click.option("--verify", is_flag=True, help="Compare each file with the hash in its list.")
@click.option("--accept", is_flag=True, help="Take what has changed as it is now.")
@as_json
@click.pass_obj
def audit(obj: LazyContext, /, names: tuple[str, ...], verify: bool, **flags: bool) -> None:
    """Say what plugins, and all that they need, bring to this machine.

    What stands outside of their packages is listed: scripts, single modules, data, and .pth files,
    which run whenever Python starts; and compiled parts, which nobody can read. What is not as it
    was when it was approved is said; then, and when a file is not as its list says, the exit code
    is 1.

    A plugin runs within the agent and may do whatever the agent may. An audit shows what is there;
    it does not say whether it is good.

    \b
    argent plugins audit
    argent plugins audit telegram --verify
    argent plugins audit --accept
    """
    from argent_core.plugin_trust.audit import audit as look

    if flags["accept"]:
        _accept(obj, as_json=flags["as_json"])
        return
    found = look(obj.place, names, verify=verify)
    if flags["as_json"]:
        print_json(
            {
                "well": found.is_well,
                "distributions": [one.as_json() for one in found.distributions],
                "drift": [str(drift) for drift in found.drift],
                "unapproved": list(found.unapproved),
                "problem": found.problem or None,
            }
        )
    else:
        _show(found, verified=verify)
    if not found.is_well:
        sys.exit(1)


@click.command()
@as_json
@click.pass_obj
def lock(obj: LazyContext, as_json: bool) -> None:
    """Write down what the approved plugins bring, as it is now; the same as audit --accept.

    The lock is data/plugins.lock.json in the home: name, version and hash of the list of files of
    each distribution. Every start compares with it.

    \b
    argent plugins lock
    """
    _accept(obj, as_json=as_json)


@click.command()
@click.argument("names", nargs=-1, metavar="[PLUGIN]...")
@click.option("--all", "everything", is_flag=True, help="All that are installed, as they are.")
@as_json
@click.pass_obj
def approve(obj: LazyContext, names: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Let plugins load that were installed after this agent was set up.

    Those that were there at its first start are approved, and so are those that agent.plugins
    names, and those that argent init sets up. Look first at what they bring.

    \b
    argent plugins approve telegram
    argent plugins approve --all
    """
    if bool(names) == everything:
        raise click.UsageError("Name the plugins, or say --all.")
    states, running = _approve(obj, names)
    if as_json:
        print_json({"approved": list(states), "running": running})
        return
    for name, state in states.items():
        at_once = f"; it is {state}" if state else "; it loads at the next start"
        click.echo(f"{name} is approved{at_once}")
    for name in names:
        if name not in states:
            click.echo(f"{name} was approved already")


def _approve(obj: LazyContext, names: Sequence[str]) -> tuple[dict[str, str], bool]:
    from argent_core.link import Unreachable
    from argent_core.plugin_trust.approval import PluginTrust

    try:
        return dict(obj.ask("plugins.approve", names=list(names))), True
    except Unreachable:
        obj.place.create()
        return dict.fromkeys(PluginTrust(obj.place).approve(names), ""), False


def _accept(obj: LazyContext, *, as_json: bool) -> None:
    from argent_core.link import Unreachable
    from argent_core.plugin_trust.approval import PluginTrust

    try:
        changed: list[Any] = obj.ask("plugins.accept")
    except Unreachable:
        obj.place.create()
        changed = [str(drift) for drift in PluginTrust(obj.place).accept()]
    if as_json:
        print_json({"accepted": changed})
        return
    for line in changed:
        print_line(f"accepted: {line}")
    if not changed:
        click.echo("Nothing had changed; it is locked as it is.")


def _show(found: Audit, *, verified: bool) -> None:
    if not found.distributions:
        click.echo("No plugin is installed.")
        return
    rows = (
        (one.name, one.version, _few(one.plugins, most=2), _size(one.brings.bytes), one.locked)
        for one in found.distributions
    )
    print_table(rows, heads=("DISTRIBUTION", "VERSION", "PLUGINS", "SIZE", "LOCK"))
    for one in found.distributions:
        for line in _remarks(one):
            print_line(f"{one.name}: {line}")
    for name in found.unapproved:
        print_line(f"{name} may not load yet; if it should: argent plugins approve {name}")
    if found.problem:
        print_line(f"! {found.problem}")
    for drift in found.drift:
        print_line(f"! {drift}")
    if found.drift:
        click.echo("Changed since it was approved. If that is well: argent plugins audit --accept")
    elif verified and found.is_well:
        click.echo("All files that are listed are as they were installed.")


def _remarks(one: Audited) -> Iterator[str]:
    """Say what of a distribution a person should know."""
    brings = one.brings
    if brings.startup:
        yield f"runs whenever Python starts: {_few(brings.startup)}"
    if brings.paths:
        yield f"adds folders to import from: {_few(brings.paths)}"
    if brings.scripts:
        yield f"scripts: {_few(brings.scripts)}"
    if brings.modules:
        yield f"modules outside of a package: {_few(brings.modules)}"
    if brings.data:
        yield f"files elsewhere: {_few(brings.data)}"
    for folder, others in brings.shared.items():
        yield f"writes into {folder}/, as do {', '.join(others)}"
    if brings.compiled:
        yield f"compiled: {_few(brings.compiled)}"
    if one.wrong:
        yield f"! {_few(one.wrong)}"


def _few(names: Sequence[str], most: int = _MOST_SHOWN) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{size / 2**10:.0f} kB"
