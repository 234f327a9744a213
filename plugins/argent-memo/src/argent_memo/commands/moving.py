"""``argent memory export`` and ``import``."""

from __future__ import annotations

from pathlib import Path

import click

from argent_hookspecs import CommandContext
from argent_memo.commands.group import as_json, ask, memory
from argent_memo.commands.output import counted, print_json, say

_BY_ENDING = {"": "markdown", ".jsonl": "jsonl"}
_FORMS = ("openclaw", "chatgpt", "claude", "markdown", "jsonl")
_NOTHING = (
    "Nothing was found there that can be taken in: is it what you mean, and of a form that is known"
    f" ({', '.join(_FORMS)})? --form says which, if it was guessed wrong."
)


@memory.command("export", short_help="Write all that is remembered to files.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--form",
    "--format",
    "form",
    type=click.Choice(["markdown", "jsonl"]),
    help="markdown: a folder to read, of what holds now; jsonl: a file with all of it. Told by the"
    " ending of PATH, if it is .jsonl or there is none.",
)
@as_json
@click.pass_obj
def export(home: CommandContext, path: Path, form: str | None, as_json: bool) -> None:
    """Write all that is remembered to PATH, private memories too.

    \b
    argent memory export ./memories               a folder of Markdown
    argent memory export memories.jsonl           all of it, for another memory to take in
    """
    form = form or _BY_ENDING.get(path.suffix.lower())
    if form is None:
        raise click.UsageError(
            f"{path.name} may be either: say --form markdown for a folder, or --form jsonl for a"
            " file, which is called .jsonl as a rule."
        )
    done = ask(home, "export", path=str(path.absolute()), form=form)
    if as_json:
        print_json(done)
    else:
        say(f"{counted(done['items'], 'memory', many='memories')} written to {done['path']}")


@memory.command("import", short_help="Take in what another program kept.")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--form",
    "--format",
    "form",
    type=click.Choice(_FORMS),
    help="What it is; found out, if not given.",
)
@click.option(
    "--audience",
    default="owner",
    show_default=True,
    help="Where it may come up: owner for your own chats, everyone, or a conversation.",
)
@as_json
@click.pass_context
def import_(ctx: click.Context, path: Path, form: str | None, audience: str, as_json: bool) -> None:
    """Take in what another program kept, or what was exported here; each thing once.

    PATH is the workspace folder of OpenClaw, an export of ChatGPT or Claude (conversations.json, or
    the zip that it came in), a folder of Markdown, or a .jsonl of: argent memory export

    \b
    argent memory import ~/.openclaw/workspace
    argent memory import chatgpt-export.zip
    argent memory import ~/notes --form markdown
    """
    home: CommandContext = ctx.obj
    done = ask(home, "import", path=str(path.absolute()), form=form, audience=audience)
    if as_json:
        print_json(done)
    else:
        say(f"{counted(done['items'], 'memory', many='memories')} taken in.")
        if done["skipped"]:
            say(f"Known already: {done['skipped']:,}")
        if done["left_out"]:
            say(f"Left out or cut, for they tell keys or passwords: {done['left_out']:,}")
        for secret in done["secrets"]:
            say(f"    {secret}")
        if done["broken"]:
            say(f"Not taken in: {done['broken']:,}")
        for error in done["errors"]:
            say(f"    {error}")
    seen = sum(done[what] for what in ("items", "skipped", "left_out", "broken"))
    if not seen and path.suffix != ".jsonl":
        click.echo(_NOTHING, err=True)
        ctx.exit(1)
    if done["broken"]:
        ctx.exit(1)
