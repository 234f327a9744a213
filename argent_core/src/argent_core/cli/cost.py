"""``argent cost``: what models have cost, and what they still may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from argent_core.cli.context import LazyContext
from argent_core.cli.output import as_json, print_json, print_line, print_table
from argent_core.money import SPENT_BY, in_dollars, of_limit

_TOKENS = {
    "input": "TOKENS READ",
    "cache_read": "FROM CACHE",
    "cache_write": "INTO CACHE",
    "output": "WRITTEN",
}


@click.command()
@click.option(
    "--by",
    type=click.Choice(list(SPENT_BY)),
    default="day",
    show_default=True,
    help="What to list it by.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3660),
    default=30,
    show_default=True,
    help="How many days back, today included.",
)
@as_json
@click.pass_obj
def cost(obj: LazyContext, by: str, days: int, as_json: bool) -> None:
    """Say what models cost: what was spent, how far each cap is used, and a forecast.

    What is set aside is for calls under way, and for those that broke off, whose cost nobody knows:
    they count with the most that it may be.

    \b
    argent cost
    argent cost --by model --days 7
    argent cost --by conversation
    argent config set budget.perDay 2
    """
    found, _ = obj.operate("cost", by=by, days=days)
    if as_json:
        print_json(found)
        return
    if found["rows"]:
        _print_rows(found)
    else:
        print_line(f"No model was called since {found['since']}.")
    for line in _lines(found):
        print_line(line)


def _print_rows(found: Mapping[str, Any]) -> None:
    by = found["by"]
    rows = [(row[by], row) for row in found["rows"]]
    print_table(
        (
            (
                name,
                row["calls"],
                row["failed"] or "",
                in_dollars(row["spent"]),
                in_dollars(row["reserved"]) if row["reserved"] else "",
                *(f"{row[f'{kind}_tokens']:,}" for kind in _TOKENS),
            )
            for name, row in [*rows, ("total", found["total"])]
        ),
        heads=(by.upper(), "CALLS", "FAILED", "SPENT", "SET ASIDE", *_TOKENS.values()),
    )


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    for cap in found["caps"]:
        yield f"Budget for {cap['cap']}: {of_limit(cap['used'], cap['limit'])}"
    if not found["caps"]:
        yield "There is no budget. Set one with: argent config set budget.perDay DOLLARS"
    forecast = found["forecast"]
    yield (
        f"Forecast for {forecast['month']}: {in_dollars(forecast['total'])}, if the rest is like"
        f" the last days ({in_dollars(forecast['a_day'])} a day)"
    )
    if found["unknown_prices"]:
        models = ", ".join(found["unknown_prices"])
        yield f"Prices unknown, so counted as the dearest that is known: {models}"
    yield f"Prices are of {found['prices_of']}."
