"""``argent plugins check``: how good a plugin is, by the rules of the author's kit."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from argent_core.cli.kit import part_of_kit
from argent_core.cli.output import as_json, print_json, print_line

LEVELS = ("bronze", "silver", "gold")


@click.command()
@click.argument("package")
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    default="bronze",
    show_default=True,
    help="The least that it should reach; below it, the exit code is 1.",
)
@click.option("--settings", default="{}", help="Its settings, as JSON, if it needs some.")
@click.option("--table", is_flag=True, help="Only print the table of settings for its README.")
@as_json
def check(package: str, *, level: str, settings: str, table: bool, as_json: bool) -> None:
    """Check a plugin that is installed, by its name or by the folder of its project.

    \b
    bronze: it does no harm
      entry-point   it can be found and loaded; its hooks are known ones
      import-time   importing it takes at most 100 ms more than the contract
      own-imports   it imports neither the kernel nor another plugin
      metadata      licence, requires-python, the version of the contract
      records       ids are usable and unique, timeouts make sense
      secrets       settings such as tokens and passwords are Secrets
    \b
    silver: others can rely on it
      top-imports   finding it imports no library besides the contract
      settings      each is documented and of a type that settings can have
      contracts     all that it brings is under a contract class in its tests
      typed         py.typed, and every function is annotated
    \b
    gold: it is as ours are
      readme        the table of settings in its README is right
      mypy          mypy --strict finds nothing

    A level asks for everything of those before it.

    \b
    argent plugins check argent-weather
    argent plugins check . --level gold
    argent plugins check weather --table
    """
    section = _section(settings)
    if table:
        click.echo(part_of_kit("table")(package))
        return
    report = part_of_kit("check")(package, section)
    if as_json:
        print_json(report.as_json())
    else:
        _show(report)
    if not report.reaches(level):
        sys.exit(1)


def _section(text: str) -> dict[str, Any]:
    try:
        section = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"this is not JSON: {error}", param_hint="--settings") from error
    if not isinstance(section, dict):
        raise click.BadParameter("settings stand between { and }", param_hint="--settings")
    return section


def _show(report: Any) -> None:
    print_line(f"{report.name} {report.version}")
    for verdict in report.verdicts:
        mark = "ok" if verdict.ok else "!!"
        print_line(f"{mark} {verdict.level:6} {verdict.rule:11} {verdict.seen or verdict.about}")
        for problem in verdict.problems:
            print_line(f"     {problem}")
    missing = ", ".join(verdict.rule for verdict in report.verdicts if not verdict.ok)
    reached = f"is {report.level}" if report.level else "is not bronze yet"
    print_line(f"{report.name} {reached}{f'; it fails: {missing}' if missing else ''}.")
