"""The commands ``argent router …``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from argent_hookspecs import CommandContext

_OPENING = 3.0
"""Seconds that an agent which has only just started may take to open this plugin."""
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def router() -> None:
    """Look at the learned router, and teach it."""


@router.command()
@_json_option
@click.pass_obj
def status(home: CommandContext, *, as_json: bool) -> None:
    """Say whether the learned router is in use, and from what it has learned."""
    answer = _ask(home, {"do": "status"})
    _print(answer, as_json=as_json)


@router.command()
@_json_option
@click.pass_obj
def train(home: CommandContext, *, as_json: bool) -> None:
    """Learn now from all outcomes that are known; it does so by itself once in a while."""
    answer = _ask(home, {"do": "train"})
    _print(answer, as_json=as_json)


@router.command()
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Where to draw the curve, as SVG.",
)
@_json_option
@click.pass_obj
def report(home: CommandContext, picture: Path | None, *, as_json: bool) -> None:
    """Show quality over cost, on outcomes that were held back from learning.

    \b
    Examples:
      argent router report
      argent router report --picture router.svg
    """
    from argent_router_learned.picture import svg

    answer = _ask(home, {"do": "report"})
    if picture is not None and answer["curves"]:
        picture.write_text(svg(answer["curves"]), encoding="utf-8")
    _print(answer, as_json=as_json)
    if as_json:
        return
    if not answer["curves"]:
        click.echo("There is no curve yet.")
        return
    _print_curves(answer["curves"])
    if picture is not None:
        click.echo(f"Drawn: {picture}")


@router.command()
@click.argument("word", type=click.Choice(["more", "enough"]))
@click.argument("turn", default="")
@_json_option
@click.pass_obj
def feedback(home: CommandContext, word: str, turn: str, *, as_json: bool) -> None:
    """Say of an answer that it needed a more able model, or that a simple one is enough.

    TURN is the id of a turn, as in argent trace; the last answer, if not given.

    \b
    Examples:
      argent router feedback more
      argent router feedback enough 3f2a
    """
    answer = _ask(home, {"do": "feedback", "word": word, "turn": turn})
    if as_json:
        click.echo(json.dumps(answer))
        return
    click.echo(f"Noted of turn {answer['turn'][:8]}: {' '.join(answer['text'].split())[:60]}")


def _ask(home: CommandContext, request: Mapping[str, Any]) -> dict[str, Any]:
    from argent_hookspecs import ArgentError

    try:
        answer = asyncio.run(_asked(home, request))
    except (ArgentError, ConnectionError) as error:
        raise click.ClickException(str(error)) from error
    if "error" in answer:
        raise click.ClickException(str(answer["error"]))
    return answer


async def _asked(home: CommandContext, request: Mapping[str, Any]) -> dict[str, Any]:
    from argent_hookspecs import ArgentError

    loop = asyncio.get_running_loop()
    async with home.running_kernel():
        began = loop.time()
        while True:
            try:
                async with home.connect("router-learned") as connection:
                    await connection.send(request)
                    async for answer in connection:
                        return dict(answer)
                raise ConnectionError("the agent has ended")
            except ArgentError:
                if loop.time() - began > _OPENING:
                    raise
                await asyncio.sleep(0.05)


def _print(answer: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(answer))
        return
    in_use = "the learned score" if answer["in_use"] else "the table"
    click.echo(f"In use: {in_use} (plugins.router-learned.use is {answer['use']})")
    counts = ", ".join(f"{count} {name}" for name, count in sorted(answer["counts"].items()))
    click.echo(f"Outcomes: {counts or 'none yet'}")
    if answer["learned_at"] is None:
        click.echo("Learned: nothing yet")
        return
    at = datetime.fromtimestamp(answer["learned_at"], UTC).astimezone()
    click.echo(f"Learned: from {answer['learned_from']} outcomes, {at:%Y-%m-%d %H:%M}")
    evidence = answer["evidence"]
    verdict = "proven" if answer["proven"] else "not proven"
    click.echo(
        f"Better than the table: {verdict}; {evidence['better']:+.3f} of gain an outcome,"
        f" surely {evidence['least']:+.3f} ({evidence['gained']} outcomes of"
        f" {evidence['outcomes']} gained by an able model)"
    )


def _print_curves(curves: Mapping[str, Any]) -> None:
    click.echo(f"\n{'strong calls':14}" + "".join(f"{name:>10}" for name in curves))
    for step in range(11):
        row = (_quality(curve["points"], step / 10) for curve in curves.values())
        click.echo(f"{step * 10:11} % " + "".join(f"{quality:10.3f}" for quality in row))
    for figure in ("apgr", "cpt50", "cpt80"):
        row = (curve[figure] for curve in curves.values())
        click.echo(f"{figure:13} " + "".join(f"{value:10.3f}" for value in row))


def _quality(points: list[dict[str, float]], share: float) -> float:
    return float(min(points, key=lambda point: abs(point["share"] - share))["quality"])
