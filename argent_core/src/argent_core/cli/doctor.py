"""``argent doctor``: finds what is wrong, and mends what it can."""

from __future__ import annotations

import asyncio
import sys

import attrs
import click

from argent_core.cli.context import LazyContext
from argent_core.cli.output import as_json, print_json, print_line
from argent_core.doctor import Finding, examine


@click.command()
@click.option("--fix", is_flag=True, help="Mend what can be mended, without asking.")
@as_json
@click.pass_obj
def doctor(obj: LazyContext, fix: bool, as_json: bool) -> None:
    """Find what is wrong with this agent, and offer to mend it. Exits with 1 if something is.

    \b
    argent doctor
    argent doctor --fix
    """
    found = asyncio.run(examine(obj.place))
    if as_json:
        hidden = attrs.filters.exclude(attrs.fields(Finding).mend)
        print_json([attrs.asdict(finding, filter=hidden) for finding in found])
    else:
        for finding in found:
            print_line(f"{'ok' if finding.ok else '!!'} {finding.check}: {finding.summary}")
            if not finding.ok:
                click.echo(f"   what to do: {finding.remedy}")
    left = [finding for finding in found if not finding.ok and not _mended(finding, fix=fix)]
    if left:
        sys.exit(1)


def _mended(finding: Finding, *, fix: bool) -> bool:
    """Mend what a program can, if the person wants that."""
    if finding.mend is None:
        return False
    if not fix and not (sys.stdin.isatty() and click.confirm("   mend it now?", err=True)):
        return False
    finding.mend()
    click.echo(f"   mended: {finding.check}", err=True)
    return True
