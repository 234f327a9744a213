"""The group of the commands, and how they reach the memory of the agent."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import click

from argent_hookspecs import ArgentError, CommandContext, MemoryKind
from argent_memo import spans

OPENING = 3.0
"""Seconds that an agent which has only just started may take to open the memory."""
_ANSWER = "The agent has ended in the middle of it. Look at its log, and try again."
_DAYS_AGO = {"today": 0, "yesterday": 1}
LARGEST = (1 << 63) - 1
LONGEST = 10_000


@click.group()
def memory() -> None:
    """Search what the agent remembers, add to it, correct it, forget it.

    \b
    argent memory search "where does Ann live"
    argent memory add "The spare key lies under the blue pot." --kind fact
    argent memory forget 12
    argent memory stats

    They work with the agent that runs, and without one. Exit codes: 0 done, 1 not done or something
    is wrong, 2 wrong usage, 130 interrupted.
    """


def _moment(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return a date in ISO 8601, with the zone of this machine; of two, the first is earlier."""
    if value is None:
        return None
    is_end, ago = param.name == "until", _DAYS_AGO.get(value.strip().casefold())
    day = value if ago is None else f"{datetime.now().astimezone() - timedelta(ago):%Y-%m-%d}"
    try:
        found = spans.moment(day, end=is_end, local=True)
    except (ValueError, OverflowError) as error:
        words = f"{value!r} is no date; write it as 2026-03-01, 2026-03-01T14:30, or yesterday"
        raise click.BadParameter(words, ctx, param) from error
    given = ctx.params.get("since" if is_end else "until")
    other = given and datetime.fromisoformat(given)
    if other and (spans.is_reversed(other, found) if is_end else spans.is_reversed(found, other)):
        words = "the span ends before it begins: --since is the earlier one, --until the later"
        raise click.BadParameter(words, ctx, param)
    return found.isoformat()


def _words(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return a text that is given without the space around it; there is something in it."""
    text = "" if value is None else value.strip()
    if value is not None and not text:
        raise click.BadParameter("there is nothing in it", ctx, param)
    if len(text) > LONGEST:
        said = f"it has {len(text):,} characters; at most {LONGEST:,} go at once"
        raise click.BadParameter(said, ctx, param)
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise click.BadParameter("it is not UTF-8", ctx, param)
    return text or None


def _number(ctx: click.Context, param: click.Parameter, value: float) -> float:
    """Return a number; what is none, and yet in every range, is refused."""
    if math.isnan(value):
        raise click.BadParameter("nan is no number", ctx, param)
    return value


class _Id(click.IntRange):
    """What a memory is called by."""

    name = "number of a memory"


SHARE: Mapping[str, Any] = {"type": click.FloatRange(0, 1), "callback": _number}
"""What an option is given that takes a share."""
TEXT: Mapping[str, Any] = {"callback": _words}
"""What an argument or an option is given that takes text."""
ID = _Id(1, LARGEST)
KINDS = click.Choice([str(kind) for kind in MemoryKind])
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
since = click.option(
    "--since", metavar="DATE", callback=_moment, help="Only what was said then or later."
)
until = click.option(
    "--until", metavar="DATE", callback=_moment, help="Only what was said by then; a day is whole."
)
audiences = click.option(
    "--audience",
    "audiences",
    multiple=True,
    help="Only what may come up there: owner, everyone, or a conversation. Can be given again.",
)
kinds = click.option("--kind", "kinds", multiple=True, type=KINDS, help="Only these kinds.")


def ask(home: CommandContext, do: str, **given: Any) -> Any:
    """Have the memory do something; every error on purpose becomes a clear message."""
    return ask_how(home, do, **given)[0]


def ask_how(home: CommandContext, do: str, **given: Any) -> tuple[Any, str]:
    """Do the same; return also what there is to remark of how it was done."""
    try:
        answer = asyncio.run(_asked(home, {"do": do, **given}))
    except (ArgentError, ConnectionError) as error:
        raise click.ClickException(str(error)) from error
    if "error" in answer:
        raise click.ClickException(str(answer["error"]))
    return answer["result"], answer["remark"]


async def _asked(home: CommandContext, request: Mapping[str, Any]) -> Mapping[str, Any]:
    async with home.running_kernel():
        return await asked(home, request)


async def asked(home: CommandContext, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask the memory of the agent that runs; wait a little for one that is just starting."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        try:
            async with home.connect("memo") as connection:
                await connection.send(request)
                began = -OPENING  # from here on an error is an answer
                async for answer in connection:
                    if "progress" not in answer:
                        return answer
                    _show(answer["progress"])
            raise ConnectionError(_ANSWER)
        except ArgentError:
            if loop.time() - began > OPENING:
                raise
            await asyncio.sleep(0.05)


def _show(progress: Mapping[str, Any]) -> None:
    """Tell a person at a terminal how far it is."""
    if not sys.stderr.isatty():
        return
    of = f" of {progress['total']:,}" if progress["total"] else ""
    click.echo(f"\r\x1b[K{progress['done']:,}{of}", err=True, nl=False)
    if progress["done"] == progress["total"]:
        click.echo("\r\x1b[K", err=True, nl=False)
