"""The command: ``python -m tests.crash``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from tests.crash.campaign import Campaign
from tests.crash.mutants import survivor
from tests.crash.way import Way, open_way

_SAY_EVERY = 5.0
_MOST_FINDINGS = 20
_EPILOG = """
\b
Examples:
  uv run python -m tests.crash --kills 100 --seed 1
  uv run python -m tests.crash --kills 10000 --seed 7 --json
  uv run python -m tests.crash --channel telegram --kills 200 --seed 1
  uv run python -m tests.crash --memory --kills 200 --seed 1
  uv run python -m tests.crash --mutants --seeds 5
  uv run python -m tests.crash --replay /tmp/argent-crash-x/plan.json

\b
Figures:
  kills           lives that ended by SIGKILL
  lost            messages without any outcome; tool calls said to be done that were not
  doubled         second answers on a channel that drops the same key twice
  unsafe_doubled  second answers on one that does not; blind tool calls run twice
  repaid          model calls that were finished and made again
  unknown         replies and tool calls of which the kernel says that it does not know
  memories_lost     with --memory: messages that were dealt with and are not remembered
  memories_doubled  messages that are remembered twice, and what should not be at all
"""


@click.command(epilog=_EPILOG)
@click.option("--kills", default=100, show_default=True, help="How many lives end by SIGKILL.")
@click.option(
    "--seed",
    default="1",
    show_default=True,
    help="What is sent, and where kills come, is drawn from it. When exactly a kill comes also "
    "depends on the machine.",
)
@click.option(
    "--channel",
    type=click.Choice(["own", "telegram"]),
    default="own",
    show_default=True,
    help="Channels that the world itself plays, or argent-telegram with a Bot API server that is "
    "never killed.",
)
@click.option(
    "--memory",
    is_flag=True,
    help="With argent-memo in the kernel: what it remembers is judged too.",
)
@click.option(
    "--mutants",
    is_flag=True,
    help="Make the kernel worse in five ways, one at a time, and see whether that is noticed; "
    "with --channel telegram or --memory the plugin. Counts mutants times seeds.",
)
@click.option("--seeds", default=3, show_default=True, help="With --mutants: seeds for each.")
@click.option(
    "--replay",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Do again what a failing run did to one home. Where a kill came at a random moment it may "
    "take several tries.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object, last.")
def main(
    *,
    kills: int,
    seed: str,
    channel: str,
    memory: bool,
    mutants: bool,
    seeds: int,
    replay: Path | None,
    as_json: bool,
) -> None:
    """Kill a kernel again and again, and see whether it keeps its promises.

    The code is 1 if one was broken, or if a mutant was not caught.
    """
    if memory and channel != "own":
        raise click.UsageError("--memory goes with the world's own channels; leave --channel out")
    with open_way("memory" if memory else channel) as way:
        if mutants:
            figures, good = _try_mutants(seed, seeds, way)
        else:
            figures, good = _kill(Campaign(seed, kills, way, progress=_Progress()), replay)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        click.echo(", ".join(f"{name} {number}" for name, number in figures.items()))
    sys.exit(0 if good else 1)


def _kill(campaign: Campaign, replay: Path | None) -> tuple[dict[str, int], bool]:
    figures = campaign.replay(replay) if replay else campaign.run()
    seconds = time.monotonic() - campaign.began
    points = campaign.coverage.points()
    hit = sum(campaign.coverage.hits[point] > 0 for point in points)
    firsts = [point for point in points if point.nth == 1]
    first_hit = sum(campaign.coverage.hits[point] > 0 for point in firsts)
    _say(f"{seconds:.1f} s, {campaign.done / seconds:.1f} kills a second")
    _say(
        f"{campaign.homes} homes and {campaign.messages} messages, {campaign.steered} of them taken"
        f" into a turn under way, {campaign.dead} put aside with an apology"
    )
    _say(
        f"failpoints hit: {first_hit} of {len(firsts)} places, {hit} of {len(points)} if counted;"
        f" {campaign.idle} lives had nothing more to do before they came to theirs"
    )
    if campaign.beside:
        _say(
            f"{campaign.beside} drafts stand beside the answers that they became: the kernel died "
            "before it could keep their numbers, and Telegram does not tell them again"
        )
    missed = [str(point) for point in firsts if not campaign.coverage.hits[point]]
    if missed and not replay:
        _say(f"not hit: {', '.join(missed)}")
    _tell_failures(campaign)
    return figures, not any(figures[fault] for fault in campaign.way.faults)


def _tell_failures(campaign: Campaign) -> None:
    findings = [(failure, found) for failure in campaign.failures for found in failure.findings]
    for failure, found in findings[:_MOST_FINDINGS]:
        _say(f"{found.figure}: seed {campaign.seed}, home {failure.number}: {found.words}")
    if len(findings) > _MOST_FINDINGS:
        _say(f"… and {len(findings) - _MOST_FINDINGS} more")
    for failure in campaign.failures:
        _say(f"the lives of home {failure.number} ended: {'; '.join(failure.ends)}")
        _say(f"home {failure.number} is kept in {failure.folder}; what was done to it, again:")
        way = campaign.way.option
        _say(f"  uv run python -m tests.crash{way} --seed {campaign.seed} --replay {failure.plan}")


def _try_mutants(first_seed: str, seeds: int, way: Way) -> tuple[dict[str, int], bool]:
    caught, mutants = 0, way.mutants()
    for number in range(seeds):
        seed = first_seed if number == 0 else f"{first_seed}.{number}"
        for mutant in mutants:
            began = time.monotonic()
            reason = survivor(mutant, seed, way)
            caught += reason is None
            fate = "caught" if reason is None else f"NOT CAUGHT: {reason}"
            _say(f"seed {seed}: {mutant.name}: {fate} ({time.monotonic() - began:.1f} s)")
    of = seeds * len(mutants)
    return {"caught": caught, "of": of}, caught == of


class _Progress:
    """Says now and then how far it is."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, campaign: Campaign) -> None:
        if time.monotonic() - self._said > _SAY_EVERY:
            self._said = time.monotonic()
            broken = sum(campaign.figures[fault] for fault in campaign.way.faults)
            _say(f"{campaign.done} of {campaign.kills} kills, {broken} promises broken")


def _say(words: str) -> None:
    click.echo(words, err=True)
