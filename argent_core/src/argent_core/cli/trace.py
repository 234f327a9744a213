"""``argent trace``: why an answer is what it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from argent_core.cli.context import LazyContext
from argent_core.cli.output import as_json, print_json, print_line, print_table
from argent_core.money import in_dollars
from argent_core.words import moment

_LONGEST = 300


@click.command()
@click.argument("turn_id", metavar="[ID]", required=False)
@click.option("--last", is_flag=True, help="Explain the newest answer of a model.")
@click.option("--limit", default=20, show_default=True, help="Most turns to list.")
@as_json
@click.pass_obj
def trace(obj: LazyContext, turn_id: str | None, last: bool, limit: int, as_json: bool) -> None:
    """List the newest turns, or explain one: what came in, what the model was told, which model
    was chosen and why, which tools ran, what it cost, what went out.

    \b
    argent trace
    argent trace --last
    argent trace 3f9a
    """
    if turn_id is None and not last:
        turns, _ = obj.operate("trace.list", limit=limit)
        _print_list(turns, as_json=as_json)
        return
    found, _ = obj.operate("trace.show", id=turn_id) if turn_id else obj.operate("trace.last")
    if found is None:
        raise click.ClickException("There is no such turn. See: argent trace")
    if as_json:
        print_json(found)
        return
    for line in explain(found):
        print_line(line)


def _print_list(turns: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(turns)
    elif not turns:
        click.echo("There are no turns yet. Begin with: argent chat")
    else:
        for turn in turns:
            turn["started_at"] = moment(turn["started_at"])
        names = ("turn", "state", "conversation", "started_at", "model", "answer")
        print_table(
            ([turn[name] for name in names] for turn in turns),
            heads=("TURN", "STATE", "CONVERSATION", "STARTED", "MODEL", "ANSWER"),
        )


def explain(turn: Mapping[str, Any]) -> Iterator[str]:
    """Write a turn out for a person."""
    state = f"{turn['state']} {turn['reason']}".rstrip()
    yield f"Turn {turn['turn']} in {turn['conversation']}: {state}"
    ended = moment(turn["finished_at"]) if turn["finished_at"] else "now"
    yield f"  {moment(turn['started_at'])} to {ended}"
    yield "Came in:"
    for event in turn["events"]:
        said = " ".join(part["text"] for part in event["event"]["content"])
        yield f"  {event['kind']} from {event['source']}, {event['event']['trust']}: {_short(said)}"
    yield "Context:"
    for block in turn["context"]:
        left_out = f", left out: {block['left_out']}" if block["left_out"] else ""
        kind = "stable" if block["stable"] else "volatile"
        facts = f"{block['provider']}, {block['trust']}, {kind}, about {block['tokens']} tokens"
        yield f"  {block['source']} ({facts}{left_out})"
    yield from _route(turn["route"])
    yield "Steps:"
    for step in turn["steps"]:
        yield from _step(step)
    yield from _calls(turn["calls"])
    usage = turn["usage"]
    cost = in_dollars(usage["cost"] or 0)
    yield f"Used: {usage['input_tokens']} tokens in, {usage['output_tokens']} out, {cost}"
    for approval in turn["approvals"]:
        yield f"Approval {approval['id']}: {approval['call']['name']} {approval['state']}"
    yield f"Answer: {_short(turn['answer'])}"
    for reply in turn["replies"]:
        receipt = f", receipt {reply['receipt']}" if reply["receipt"] else ""
        reason = f", {reply['reason']}" if reply["reason"] else ""
        yield f"Reply to {reply['channel']}: {reply['state']}{receipt}{reason}"


def _route(route: Mapping[str, Any]) -> Iterator[str]:
    if route["model"] is None:
        yield "Route: none was chosen"
        return
    factors = {name: value for name, value in route["factors"].items() if value}
    shown = ", ".join(f"{name} {value}" for name, value in factors.items()) or "nothing"
    yield f"Route: score {route['score']} ({shown})"
    why = f" ({_short(route['why'])})" if route["why"] else ""
    yield f"  tier {route['tier']}: {route['model']} of {route['provider']}{why}"


def _calls(calls: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say which calls brought no answer so far, and of which it is not known what they cost."""
    for call in calls:
        name = f"{call['model']} of {call['provider']}"
        if call["error"]:
            yield f"Failed: {name}: {_short(call['error'])}"
        if call["under_way"]:
            yield f"Under way: {name} may cost up to {in_dollars(call['reserved'])}"
        elif call["spent"] is None:
            yield f"Broken off: {name} may have cost up to {in_dollars(call['reserved'])}"
        elif not call["price_known"]:
            yield f"Price unknown, so counted as the dearest that is known: {name}"


def _step(step: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {step['n']} {step['kind']} {step['name']} {step['state']}".rstrip()
    if step["kind"] == "tool":
        yield f"    {json.dumps(step['request']['arguments'])}"
        if step["result"]:
            yield f"    → {_short(step['result']['text'])}"
    elif step["kind"] == "steer":
        said = [part["text"] for event in step["request"] for part in event["content"]]
        yield f"    {_short(' / '.join(said))}"


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
