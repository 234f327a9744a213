"""``argent models``: which models there are, what they cost and how fast they are."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from argent_core.cli.context import LazyContext
from argent_core.cli.groups import Group
from argent_core.cli.output import as_json, print_json, print_line, print_table
from argent_core.money import in_dollars
from argent_core.tier_remarks import meant, remarks

if TYPE_CHECKING:
    from argent_core.local import Tell

_GUESS = " (no known price for {}, so the dearest that is known counts)"
_MANY = 12
_KINDS = {"input": "read", "output": "written", "cache_read": "cached", "cache_write": "to cache"}


@click.group(cls=Group)
def models() -> None:
    """List, fetch, try out and price models.

    \b
    argent models list
    argent models pull llama3.2
    argent models test fast
    argent models price claude-opus-5-5
    """


@models.command("list")
@click.option("--provider", metavar="ID", help="All models of this provider.")
@as_json
@click.pass_obj
def list_(obj: LazyContext, provider: str | None, as_json: bool) -> None:
    """List the tiers and their models, and what each provider has.

    \b
    argent models list
    argent models list --provider ollama
    """
    found, _ = obj.operate("models.list", with_plugins=True)
    if provider is not None:
        found["tiers"] = [tier for tier in found["tiers"] if tier["provider"] == provider]
        found["providers"] = [one for one in found["providers"] if one["provider"] == provider]
        if not found["providers"]:
            raise click.ClickException(
                f'No model provider "{provider}" runs. See `argent models list`.'
            )
    if as_json:
        print_json(found)
        return
    _show_tiers(found["tiers"])
    for one in found["providers"]:
        click.echo()
        _show_provider(one, most=None if provider else _MANY)
    click.echo()
    if found["unapproved"]:
        names = " ".join(found["unapproved"])
        print_line(f"More may come with what waits for you: argent plugins approve {names}")
    print_line(f"Prices are dollars per million tokens; the table is of {found['prices']['date']}.")


@models.command()
@click.argument("model")
@click.option("--provider", default="", metavar="ID", help="Who should fetch it.")
@as_json
@click.pass_obj
def pull(obj: LazyContext, model: str, provider: str, as_json: bool) -> None:
    """Fetch a model to this machine, with a provider that can, such as Ollama.

    \b
    argent models pull llama3.2
    argent models pull qwen3:8b --provider ollama
    """
    meter = _Meter()
    try:
        done = _at_work(obj, "models.pull", tell=meter.tell, model=model, provider=provider)
    finally:
        meter.end()
    if as_json:
        print_json(done)
    else:
        for line in _fetched(done):
            print_line(line)


@models.command()
@click.argument("tier", required=False)
@click.option("--yes", "-y", is_flag=True, help="Do not ask before it costs something.")
@as_json
@click.pass_obj
def test(obj: LazyContext, tier: str | None, yes: bool, as_json: bool) -> None:
    """Ask the model of a tier, or of each, something small; measure speed and cost.

    What costs money is asked about first, and counts in the budget. Exits with 1 if a model does
    not answer, or was not asked.

    \b
    argent models test
    argent models test fast --yes
    """
    found = _test(obj, tiers=[tier] if tier else [], pay=yes)
    dear = [one for one in found if "may_cost" in one]
    if dear and _agreed(dear, as_json=as_json):
        paid = {one["id"]: one for one in _test(obj, only=[one["id"] for one in dear], pay=True)}
        found = [paid.get(one["id"], one) for one in found]
    if as_json:
        print_json(found)
    else:
        for one in found:
            _show_trial(one)
    if any("problem" in one or "may_cost" in one for one in found):
        sys.exit(1)


@models.command()
@click.argument("model")
@click.option("--provider", default="", metavar="ID", help="At this provider.")
@as_json
@click.pass_obj
def price(obj: LazyContext, model: str, provider: str, as_json: bool) -> None:
    """Say what a model costs, in dollars per million tokens, and how that is known.

    \b
    argent models price claude-haiku-5-5
    argent models price gpt-6 --provider openai
    """
    found, _ = obj.operate("models.price", with_plugins=True, model=model, provider=provider)
    if as_json:
        print_json(found)
        return
    for one in found:
        at = f" ({one['provider']})" if one["provider"] else ""
        if not any(one["price"].values()):
            print_line(f"{model}{at} costs nothing.")
            continue
        if one["price_known"]:
            print_line(f"{model}{at}, dollars per million tokens, by {one['price_from']}:")
        else:
            if one["near"]:
                print_line(meant(one["near"]))
            print_line(f"What {model}{at} costs is not known; it counts as {one['price_from']}:")
        _print_price(one["price"])
        if one["price"]["long"]:
            print_line(f"With more than {one['price']['above']:,} tokens of input:")
            _print_price(one["price"]["long"])


def _print_price(price: Mapping[str, Any]) -> None:
    known = ((name, price[kind]) for kind, name in _KINDS.items())
    print_table((name, f"{amount:g}") for name, amount in known if amount is not None)


def _fetched(done: Mapping[str, Any]) -> Iterator[str]:
    """Say where a model is now, and what it takes to be used."""
    yield f"{done['model']} is there, in {done['provider']}."
    if done["serves"]:
        yield f"It serves the tier {' and '.join(done['serves'])}."
    elif done["settings"]:
        yield "To have it answer:"
        for setting in done["settings"]:
            file, _, path = setting.rpartition(": ")
            command = f"argent config set {path} {done['model']}"
            yield f"  {f'name it in {file}, at {path}' if file else command}"
    else:
        yield f"No tier is served by {done['provider']} yet; name one in models.json."


def _test(
    obj: LazyContext, *, tiers: Sequence[str] = (), only: Sequence[str] = (), pay: bool
) -> list[dict[str, Any]]:
    async def tell(progress: Mapping[str, Any]) -> None:
        click.echo(f"asking {progress['tier']}: {progress['model']} ...", err=True)

    found: list[dict[str, Any]] = _at_work(
        obj, "models.test", tell=tell, tiers=tiers, only=only, pay=pay
    )
    return found


def _at_work(obj: LazyContext, operation: str, *, tell: Tell, **arguments: Any) -> Any:
    """Have an agent that works do it: it may take long, and people can talk to it meanwhile."""

    async def work() -> Any:
        async with obj.local.running_kernel():
            return await obj.local.call(operation, tell=tell, **arguments)

    return asyncio.run(work())


def _agreed(dear: Sequence[Mapping[str, Any]], *, as_json: bool) -> bool:
    """Ask whether it may cost something; where nobody can be asked, it may not."""
    most = in_dollars(sum(one["may_cost"] for one in dear))
    guessed = ", ".join(one["model"] for one in dear if not one["price_known"])
    guess = _GUESS.format(guessed) if guessed else ""
    names = ", ".join(f"{one['tier']} ({one['model']})" for one in dear)
    if as_json or not sys.stdin.isatty():
        click.echo(f"{names}: may cost up to {most}{guess}; to try it: --yes", err=True)
        return False
    return click.confirm(f"{names}: this may cost up to {most}{guess}. Go on?", err=True)


def _show_tiers(tiers: Sequence[Mapping[str, Any]]) -> None:
    if not tiers:
        print_line(
            "There is no tier. Begin with: pip install argent-llama; or with a tier for the "
            "provider that you have: pip install argent-tier-local, or models.json"
        )
        return
    rows = [
        (
            tier["tier"],
            tier["model"],
            tier["provider"],
            "yes" if tier.get("local") else "",
            tier.get("context_window"),
            _short_price(tier),
            "; ".join(remarks(tier)) or tier["advice"],
        )
        for tier in tiers
    ]
    print_table(rows, heads=("TIER", "MODEL", "PROVIDER", "LOCAL", "WINDOW", "PRICE", ""))


def _show_provider(one: Mapping[str, Any], *, most: int | None) -> None:
    words = ["on this machine" if one["local"] else "elsewhere"]
    words += ["fetches models"] if one.get("pulls") else []
    words += ["makes vectors"] if one.get("embeds") else []
    print_line(f"{one['provider']} ({', '.join(words)})")
    if "problem" in one:
        print_line(f"  ! {one['problem']}")
    elif not one["lists"]:
        print_line("  does not list its models")
    elif not one["models"]:
        print_line("  has no model")
    rows = one["models"][:most]
    print_table(
        (f"  {m['model']}", m["context_window"], _short_price(m), m["good_for"]) for m in rows
    )
    if len(rows) < len(one["models"]):
        left = len(one["models"]) - len(rows)
        print_line(f"  … and {left} more: argent models list --provider {one['provider']}")


def _show_trial(one: Mapping[str, Any]) -> None:
    print_line(f"{one['tier']}: {one['model']} ({one['provider']})")
    if "problem" in one:
        print_line(f"  ! {one['problem']}")
    elif "may_cost" in one:
        guess = "" if one["price_known"] else _GUESS.format("it")
        print_line(f"  not asked; it may cost up to {in_dollars(one['may_cost'])}{guess}")
    else:
        speed = one["tokens_per_second"]
        print_line(f"  said: {' '.join(one['answer'].split())[:100]}")
        print_line(
            f"  first word after {one['first_word_seconds']:.2f} s, all after "
            f"{one['seconds']:.2f} s{f', {speed:g} tokens/s' if speed else ''}"
        )
        guess = "" if one["price_known"] else _GUESS.format("it")
        print_line(
            f"  {one['input_tokens']} tokens read, {one['output_tokens']} written, "
            f"{in_dollars(one['cost'])}{guess}"
        )


def _short_price(one: Mapping[str, Any]) -> str:
    price = one.get("price")
    if price is None:
        return ""
    if not one["price_known"]:
        return "unknown"
    if not price["input"] and not price["output"]:
        return "free"
    return f"{price['input']:g} / {price['output']:g}"


class _Meter:
    """Shows how far a download is: in place at a terminal, a line for each stage elsewhere."""

    def __init__(self) -> None:
        self._at_terminal = sys.stderr.isatty()
        self._said = ""

    async def tell(self, progress: Mapping[str, Any]) -> None:
        """Show it."""
        status, total = str(progress["status"]), progress["total"]
        if not self._at_terminal:
            if status != self._said:
                click.echo(_plain(status), err=True)
            self._said = status
            return
        done = f"  {progress['done'] / 1e6:,.0f} of {total / 1e6:,.0f} MB" if total else ""
        line = _plain(f"{status}{done}")[:100]
        click.echo(f"\r{line.ljust(len(self._said))}", nl=False, err=True)
        self._said = line

    def end(self) -> None:
        """Leave the line."""
        if self._at_terminal and self._said:
            click.echo(err=True)


def _plain(text: Iterable[str]) -> str:
    return "".join(c for c in text if c.isprintable())
