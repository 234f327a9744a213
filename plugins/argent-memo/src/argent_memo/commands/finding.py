"""``argent memory search``, ``show``, ``timeline`` and ``entities``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from argent_hookspecs import CommandContext
from argent_memo.commands.group import (
    ID,
    TEXT,
    as_json,
    ask,
    ask_how,
    audiences,
    kinds,
    memory,
    since,
    until,
)
from argent_memo.commands.output import (
    counted,
    moment,
    print_json,
    say,
    say_item,
    say_rows,
    short,
)

_DOUBTFUL = 0.15
"""A find that is less sure may have nothing to do with the question."""


@memory.command(short_help="Find what answers a question.")
@click.argument("query", **TEXT)
@click.option(
    "-k", type=click.IntRange(1, 200), default=10, show_default=True, help="Most to show."
)
@audiences
@kinds
@since
@until
@as_json
@click.pass_obj
def search(home: CommandContext, /, as_json: bool, **given: Any) -> None:
    """Find what answers QUERY, best first; any text will do, in any language.

    Where it goes by words alone, that is said: on standard error, and as "by" with --json.

    \b
    argent memory search "where does Ann live"
    argent memory search Ferien -k 3 --since 2026-03-01
    argent memory search key --kind fact --kind decision --json
    """
    found, alone = ask_how(home, "search", **given)
    if as_json:
        by = "words" if alone else "words and meaning"
        print_json([{**item, "by": by} for item in found])
        return
    if alone:
        click.echo(f"Searched {alone}", err=True)
    if found and max(item["sureness"] for item in found) < _DOUBTFUL:
        say("Nothing fits well; this comes nearest:")
    for item in found:
        say_item(item)
        say(f"        found by: {item['why']}")
    if not found:
        say("Nothing is remembered about that.")


@memory.command(short_help="Show all that is known of one.")
@click.argument("id", type=ID)
@as_json
@click.pass_obj
def show(home: CommandContext, id: int, as_json: bool) -> None:
    """Show all that is known of one memory: its history, its source, when it was told.

    \b
    argent memory show 12
    argent memory show 12 --json
    """
    item = ask(home, "show", id=id)
    if as_json:
        print_json(item)
        return
    say_item(item)
    say_rows(
        [
            ("State", item["state"]),
            ("Holds", _span(item)),
            ("Source", item["source"] or "unknown"),
            ("Came by", item["origin"]),
            ("Place", item["place"]),
            ("Importance", f"{item['importance']:g}"),
            ("Kept", moment(item["created_at"])),
            ("Names", ", ".join(item["entities"])),
            ("Vectors", ", ".join(item["vectors"])),
            ("Told", _told(item)),
        ]
    )
    for what, versions in (("Before", item["history"]), ("Later", item["later"])):
        for one in versions:
            say(f"{what}: {one['id']} ({moment(one['created_at'])}) {short(one['text'])}")
    for one in item["sayings"]:
        say(f"Said again: {moment(one['said_at'])}, {one['source'] or 'unknown'}")
    for one in item["links"]:
        say(f"{one['relation'].capitalize()}: {one['id']} {short(one['text'])}")
    for one in item["uses"]:
        mattered = ", and it mattered" if one["mattered"] else ""
        say(f"Told: {moment(one['at'])}, turn {one['turn']}{mattered} ({one['why']})")


@memory.command(short_help="List what was said or happened.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Most to show."
)
@audiences
@kinds
@since
@until
@as_json
@click.pass_obj
def timeline(home: CommandContext, /, as_json: bool, **given: Any) -> None:
    """List what was said or happened, oldest first; where there is more, the newest of it.

    \b
    argent memory timeline
    argent memory timeline --since 2026-03-01 --until 2026-03-31
    argent memory timeline --kind decision --json
    """
    found = ask(home, "timeline", **given)
    if as_json:
        print_json(found)
        return
    for item in found:
        say_item(item)
    if not found:
        dated, chosen = given["since"] or given["until"], given["audiences"] or given["kinds"]
        which = " of that time" if dated else " that fits" if chosen else " yet"
        say(f"Nothing is remembered{which}.")
    elif len(found) == given["limit"]:
        say(f"These are the newest {len(found)}; for more: --limit, or --until")


@memory.command(short_help="List whom and what they name.")
@click.argument("name", required=False, **TEXT)
@click.option(
    "--least",
    type=click.IntRange(1, 1000),
    default=2,
    show_default=True,
    help="How many memories have to name what is no person.",
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Most to show."
)
@as_json
@click.pass_obj
def entities(home: CommandContext, /, as_json: bool, **given: Any) -> None:
    """List the people and things that the memories name, or say what is known of NAME.

    \b
    argent memory entities
    argent memory entities Ann
    """
    found = ask(home, "entities", **given)
    if as_json:
        print_json(found)
        return
    for one in found:
        also = f", also {', '.join(one['aliases'])}" if one["aliases"] else ""
        named = counted(one["items"], "memory", many="memories")
        how = "speaks or is named in" if one["kind"] == "person" else "named in"
        say(f"{one['name']}{also}: {how} {named}, for {one['audience']}", bold=True)
        for line in one["profile"].splitlines() if given["name"] else ():
            say(f"    {line}")
    if not found:
        called = f" called {given['name']}" if given["name"] else " yet"
        say(f"Nobody and nothing{called} is known.")


def _span(item: Mapping[str, Any]) -> str:
    since, until = moment(item["holds_from"]), moment(item["holds_until"])
    return " ".join([*(["from", since] if since else []), *(["until", until] if until else [])])


def _told(item: Mapping[str, Any]) -> str:
    if not item["used"]:
        return ""
    return f"{counted(item['used'], 'time')}; it mattered in {item['mattered']}"
