"""``argent memory add``, ``edit`` and ``forget``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from argent_hookspecs import CommandContext
from argent_memo.commands.group import ID, KINDS, SHARE, TEXT, as_json, ask, memory
from argent_memo.commands.output import counted, print_json, say, say_item, short

_NOTHING = "Nothing is remembered about that; nothing is deleted."


@memory.command()
@click.argument("text", **TEXT)
@click.option("--kind", type=KINDS, default="fact", show_default=True, help="What it is.")
@click.option(
    "--importance",
    **SHARE,
    default=0.7,
    show_default=True,
    help="How much it matters, from 0 to 1.",
)
@click.option(
    "--audience",
    default="owner",
    show_default=True,
    help="Where it may come up: owner for your own chats, everyone, or a conversation.",
)
@click.option("--private", is_flag=True, help="Only models of this machine are told it.")
@click.option("--speaker", default="", help="Who says it; you, if not given.")
@as_json
@click.pass_obj
def add(home: CommandContext, /, as_json: bool, **given: Any) -> None:
    """Have the agent remember TEXT, as your own word.

    \b
    argent memory add "The spare key lies under the blue pot."
    argent memory add "Bins go out on Tuesdays." --kind procedural --importance 0.9
    argent memory add "The club meets at eight." --audience telegram:-100123
    """
    kept = ask(home, "add", **given)
    if as_json:
        print_json(kept)
    elif kept["count"] > 1:
        say(f"Memory {kept['id']} says that already; it was said {kept['count']} times now.")
    else:
        say(f"Kept as memory {kept['id']}.")


@memory.command(short_help="Correct a memory.")
@click.argument("id", type=ID)
@click.argument("text", **TEXT)
@as_json
@click.pass_obj
def edit(home: CommandContext, id: int, text: str, as_json: bool) -> None:
    """Put TEXT in the place of memory ID; what it said before is kept as its history.

    \b
    argent memory edit 12 "Ann lives in Basel."
    argent memory show 12
    """
    kept = ask(home, "edit", id=id, text=text)
    if as_json:
        print_json(kept)
    elif kept["said_already"]:
        say(f"Memory {kept['id']} says that already; it takes the place of memory {id}.")
    else:
        say(f"Memory {id} is corrected by memory {kept['id']}.")


@memory.command(short_help="Delete memories for good.")
@click.argument("ids", type=ID, nargs=-1)
@click.option("--query", help="What is found so.", **TEXT)
@click.option("-k", type=click.IntRange(1, 200), default=10, show_default=True, help="Most of it.")
@click.option("--source", help="All that came of one event, turn or file.", **TEXT)
@click.option("--broken-file", is_flag=True, help="The file too that a repair has kept.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and let it stay.")
@as_json
@click.pass_obj
def forget(
    home: CommandContext,
    /,
    ids: Sequence[int],
    yes: bool,
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Delete memories for good, with their history and all that was made of them.

    By their IDS they go at once. With --query and --source you see first what would go, and are
    asked. By --query goes only what has the words itself, or clearly means the same; what may be
    meant besides is listed and stays, to be forgotten by its number. The source of a memory stands
    in: argent memory show ID. What was said elsewhere too stays as said there, but for what came
    from outside. Where a repair has kept a broken file, what is forgotten still stands in it; it
    can only go as a whole.

    \b
    argent memory forget 12 13
    argent memory forget --query "my old flat"
    argent memory forget --source 0197a3c2 --dry-run
    argent memory forget --query "my old flat" -k 1 --yes
    argent memory forget --broken-file
    """
    broken_file = given.pop("broken_file")
    named = sum([bool(ids), bool(given["query"]), bool(given["source"])])
    if not named and broken_file and not dry_run:
        done = ask(home, "forget", ids=[], broken_file=True)
        if not done["files"] and not as_json:
            say("No repair has kept anything.")
            return
        _done([], done, as_json=as_json)
        return
    if named != 1:
        how = " in one way, and not in several" if named else ""
        raise click.UsageError(f"Say what to forget{how}: IDs, or --query, or --source.")
    found = ask(home, "going", ids=ids, **given)
    going, not_taken = found["items"], found["not_taken"]
    surely = yes or bool(ids)
    if not as_json and not (surely and not dry_run):
        _preview(going)
    if dry_run:
        _would(going, not_taken, as_json=as_json)
        return
    if going and not surely:
        if as_json or not sys.stdin.isatty():
            raise click.UsageError("Nobody can be asked here: add --yes, or look with --dry-run.")
        click.confirm(f"Delete {_memories(len(going))} for good?", abort=True)
    # What goes with them is found again: it may be more by now, or have been said elsewhere too.
    asked = [item["id"] for item in going if not item["because"]]
    done = ask(home, "forget", ids=asked, source=given["source"], broken_file=broken_file)
    _done(going, {**done, "not_taken": not_taken}, as_json=as_json)


def _preview(going: Sequence[dict[str, Any]]) -> None:
    for item in going:
        say_item(item)
        if item["because"]:
            say(f"        goes too: {item['because']}")


def _would(
    going: Sequence[dict[str, Any]], not_taken: Sequence[dict[str, Any]], *, as_json: bool
) -> None:
    if as_json:
        print_json({"deleted": False, "items": list(going), "not_taken": list(not_taken)})
        return
    if going:
        say(f"{_memories(len(going))} would go; nothing is deleted.")
    else:
        say(_NOTHING)
    _not_taken(not_taken)


def _not_taken(items: Sequence[dict[str, Any]]) -> None:
    """List what may be meant as well, but not so surely that it goes."""
    if items:
        say("This may be meant too, and stays; by its number it goes: argent memory forget ID")
    for item in items:
        say(f"{item['id']:>6}  {short(item['text'])} ({item['sureness']:.0%} sure)")


def _done(going: Sequence[dict[str, Any]], done: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        told = {name: done.get(name, []) for name in ("files", "left", "not_taken")}
        print_json({"deleted": bool(going or done["files"]), "items": list(going), **told})
        return
    if going:
        say(f"{_memories(len(going))} deleted:")
    elif not done["files"]:
        say(_NOTHING)
    for item in going:
        because = f" ({item['because']})" if item["because"] else ""
        say(f"{item['id']:>6}  {short(item['text'])}{because}")
    for file in done["files"]:
        say(f"{file} is deleted.")
    if done["left"]:
        say(done["left"])
    _not_taken(done.get("not_taken", ()))


def _memories(n: int) -> str:
    return counted(n, "memory", many="memories")
