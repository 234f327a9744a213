"""``argent status``: which model answers, and is all well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from argent_core.absences import missing_channel, missing_model, next_step
from argent_core.cli import index
from argent_core.cli.context import LazyContext
from argent_core.cli.output import as_json, print_json, print_line
from argent_core.money import in_dollars, of_limit
from argent_core.tier_remarks import remarks


@click.command()
@click.option("--deep", is_flag=True, help="Ask every plugin whether it is well, too.")
@as_json
@click.pass_obj
def status(obj: LazyContext, deep: bool, as_json: bool) -> None:
    """Say how the agent is: which model answers, what waits, what needs you.

    \b
    argent status
    argent status --deep
    argent status --json
    """
    if not obj.home.is_dir():
        just = ", or just: argent chat" if next_step(index.commands(), []) == "argent chat" else ""
        raise click.ClickException(
            f"There is no agent in {obj.home} yet. Begin with: argent init{just}"
        )
    found, running = obj.operate("status", with_plugins=True, deep=deep)
    if as_json:
        stopped = {} if running else {"pid": None, "state": "stopped"}
        print_json({"running": running, "home": str(obj.home), **found, **stopped})
        return
    for line in _lines(found, running=running):
        print_line(line)


def _lines(found: Mapping[str, Any], *, running: bool) -> Iterator[str]:
    state = f"is {found['state']} (process {found['pid']})" if running else "does not run"
    yield f"{found['agent']} {state}."
    if found["refusing"]:
        yield f"  ! {found['refusing']}"
    yield "Models:"
    for model in found["models"]:
        yield from _model(model)
    if (absent := missing_model(found)) is not None:
        yield f"  {absent.what}. What to do: {absent.remedy}"
    yield f"Channels: {', '.join(found['channels']) or 'none'}"
    if (absent := missing_channel(found)) is not None:
        yield f"  what to do: {absent.remedy}"
    yield f"Tools: {', '.join(found['tools']) or 'none'}"
    yield "Plugins:" if running else "Plugins, as they would start:"
    for plugin in found["plugins"]:
        reason = f": {plugin['reason']}" if plugin["reason"] else ""
        yield f"  {plugin['name']} {plugin['version']} {plugin['state']}{reason}"
    for drift in found["drift"]:
        yield f"  ! {drift}"
    if found["drift"]:
        yield "  changed since they were approved; see: argent plugins audit"
    yield from _attention(found)
    for health in found.get("health", ()):
        mark = "ok" if health["ok"] else "!!"
        yield f"  {mark} {health['plugin']}/{health['check']}: {health['summary']}"
        if not health["ok"]:
            yield f"     {health['remedy']}"


def _model(model: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {model['tier']}: {model['model']} ({model['provider']})"
    for remark in remarks(model):
        yield f"    ! {remark}"
    if model.get("good_for"):
        yield f"    good for: {model['good_for']}"
    if model.get("advice"):
        yield f"    better: {model['advice']}"


def _attention(found: Mapping[str, Any]) -> Iterator[str]:
    """Say what waits and what needs the person."""
    events, replies = found["events"], found["replies"]
    waiting = events["ready"] + events["leased"] + events["waiting"]
    yield f"Events: {waiting} under way or waiting, {events['dead']} dead"
    if events["dead"]:
        yield "  see them with: argent events list --state dead"
    if found["approvals"]:
        yield f"Approvals: {found['approvals']} wait for you; see: argent approvals list"
    spent, limit = found["spending"]["spent"], found["spending"]["limit"]
    used = in_dollars(spent) if limit is None else of_limit(spent, limit)
    yield f"Spent today: {used}; see: argent cost"
    trouble = {state: n for state, n in replies.items() if n and state != "pending"}
    if trouble or replies["pending"]:
        shown = ", ".join(f"{n} {state}" for state, n in replies.items() if n)
        yield f"Replies: {shown}"
    if trouble:
        yield "  see them with: argent replies list"
