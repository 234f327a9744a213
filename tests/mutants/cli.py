"""The command: ``python -m tests.mutants``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from tests.mutants.campaign import Outcome, run

_EPILOG = """
\b
Examples:
  uv run python -m tests.mutants
  uv run python -m tests.mutants --only ChannelContract
  uv run python -m tests.mutants --json

\b
Figures, in all and for each contract:
  caught  mutants that their contract caught, by the right test and in the right words
  of      mutants
  right   whether the right plugins beside them pass
"""


@click.command(epilog=_EPILOG)
@click.option("--only", default="", metavar="CONTRACT", help="Only mutants of this contract.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")
def main(only: str, as_json: bool) -> None:
    """Try out plugins that are wrong in one way each, under the contract that must notice.

    Exits with 1 if one survives, or if a right plugin fails.
    """
    began = time.monotonic()
    outcomes = run(only, say=lambda line: click.echo(line, err=True))
    if not outcomes:
        raise click.UsageError(f"there are no mutants of {only!r}")
    wrong = [outcome for outcome in outcomes if not outcome.is_as_it_should]
    for outcome in wrong:
        click.echo(f"WRONG {outcome.story}", err=True)
    figures = _figures(outcomes, seconds=round(time.monotonic() - began, 1))
    click.echo(json.dumps(figures) if as_json else _table(figures))
    sys.exit(1 if wrong else 0)


def _figures(outcomes: Sequence[Outcome], *, seconds: float) -> dict[str, Any]:
    contracts = sorted({outcome.contract for outcome in outcomes})
    each = {name: _count([o for o in outcomes if o.contract == name]) for name in contracts}
    survived = [o.name for o in outcomes if o.expected is not None and not o.is_as_it_should]
    return {**_count(outcomes), "contracts": each, "survived": survived, "seconds": seconds}


def _count(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    mutants = [outcome for outcome in outcomes if outcome.expected is not None]
    right = [outcome for outcome in outcomes if outcome.expected is None]
    return {
        "caught": sum(outcome.is_as_it_should for outcome in mutants),
        "of": len(mutants),
        "right": bool(right) and all(outcome.is_as_it_should for outcome in right),
    }


def _table(figures: dict[str, Any]) -> str:
    rows = [*figures["contracts"].items(), ("in all", figures)]
    return "\n".join(
        f"{name:24} {count['caught']:4} of {count['of']:4}"
        + ("" if count["right"] else "   a right plugin fails")
        for name, count in rows
    )
