"""What the agent tells about itself, cut to what a person in a conversation wants of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from argent_terminal.text import call_text, cut, in_one_line

MODELS = 3
TOOLS_USED = 4
TROUBLES = 2

STOPPED_BY_PERSON = "stopped by the person"
"""The kernel's reason for the common case, which goes without saying."""

Facts = Mapping[str, Any]


def stopped_text(reason: str) -> str:
    """Say that an answer was stopped, and why unless the person did it."""
    return "Stopped." if reason in ("", STOPPED_BY_PERSON) else f"Stopped: {reason}"


def status_text(status: Facts) -> str:
    """Say in a few lines how the agent is."""
    return "\n".join(_status_lines(status))


def trace_text(trace: Facts) -> str:
    """Say in a few lines why an answer is what it is."""
    return "\n".join(line for line in _trace_lines(trace) if line)


def history_text(exchanges: Sequence[Facts], prompt: str) -> str:
    """Lay out what was said; long messages are cut."""
    said = (f"{prompt}{cut(one['asked'])}\n{cut(one['answered'])}" for one in exchanges)
    return "\n\n".join(said)


def _status_lines(status: Facts) -> Iterator[str]:
    yield f"{status.get('agent', 'The agent')} is {status['state']}."
    if status.get("refusing"):
        yield f"! It takes no messages: {status['refusing']}"
    models = status.get("models", ())
    yield from (f"Model: {_model(model)}" for model in models[:MODELS])
    if len(models) > MODELS:
        yield f"and {len(models) - MODELS} more models"
    if not models:
        yield "! There is no model; see: argent doctor"
    yield in_one_line(f"Tools: {', '.join(status.get('tools', ())) or 'none'}")
    yield from _plugins(status.get("plugins", ()))
    yield from _waiting(status)
    yield "All of it: argent status"


def _model(model: Facts) -> str:
    words = f"{model['model']} of {model['provider']} (tier {model['tier']})"
    return in_one_line(f"{words} ! {model['problem']}" if model.get("problem") else words)


def _plugins(plugins: Sequence[Facts]) -> Iterator[str]:
    others = [plugin for plugin in plugins if plugin["state"] != "running"]
    yield f"Plugins: {len(plugins) - len(others)} running, {len(others)} not"
    for plugin in others[:TROUBLES]:
        reason = f": {plugin['reason']}" if plugin["reason"] else ""
        yield in_one_line(f"! {plugin['name']} {plugin['state']}{reason}")


def _waiting(status: Facts) -> Iterator[str]:
    events, replies = status.get("events", {}), status.get("replies", {})
    under_way = sum(events.get(state, 0) for state in ("ready", "leased", "waiting"))
    if under_way:
        yield f"Under way or waiting: {under_way}"
    if events.get("dead"):
        yield f"! {events['dead']} failed; see: argent events list --state dead"
    if status.get("approvals"):
        yield f"! {status['approvals']} tool calls wait for your word; see: argent approvals list"
    if shown := ", ".join(f"{count} {state}" for state, count in replies.items() if count):
        yield f"Replies not delivered: {shown}; see: argent replies list"


def _trace_lines(trace: Facts) -> Iterator[str]:
    reason = f" ({trace['reason']})" if trace.get("reason") else ""
    yield in_one_line(f"The last answer here: {trace['state']}{reason}{_duration(trace)}")
    asked = _asked(trace)
    yield in_one_line(f"Asked: {asked}") if asked else ""
    yield in_one_line(_route(trace.get("route", {})))
    yield from _tools(trace.get("steps", ()))
    known = [block["source"] for block in trace.get("context", ()) if not block["left_out"]]
    yield in_one_line(f"Given to know: {', '.join(known)}") if known else ""
    usage = trace.get("usage", {})
    if usage:
        tokens = f"{usage['input_tokens']} tokens in, {usage['output_tokens']} out"
        yield f"Used: {tokens}" + (f", ${usage['cost']:.4f}" if usage["cost"] else "")
    for reply in islice(trace.get("replies", ()), TROUBLES):
        yield in_one_line(f"Reply: {reply['state']} {reply.get('reason') or ''}")
    yield f"All of it: argent trace {trace['turn']}"


def _duration(trace: Facts) -> str:
    if not trace.get("started_at") or not trace.get("finished_at"):
        return ""
    began, ended = (datetime.fromisoformat(trace[key]) for key in ("started_at", "finished_at"))
    return f", in {(ended - began).total_seconds():.1f} s"


def _asked(trace: Facts) -> str:
    parts = [part for event in trace.get("events", ()) for part in event["event"]["content"]]
    return " ".join(part["text"] for part in parts if part.get("text"))


def _route(route: Facts) -> str:
    if not route.get("model"):
        return "Model: none was chosen"
    words = f"Model: {route['model']} of {route['provider']} (tier {route['tier']})"
    if route.get("why"):
        words += f", {route['why']}"
    weighed = {name: value for name, value in (route.get("factors") or {}).items() if value}
    if not weighed:
        return words
    factors = ", ".join(f"{name} {value}" for name, value in weighed.items())
    return f"{words}; the message weighs {route['score']}: {factors}"


def _tools(steps: Sequence[Facts]) -> Iterator[str]:
    calls = [step for step in steps if step["kind"] == "tool"]
    for step in calls[:TOOLS_USED]:
        result = step["result"]["text"] if step.get("result") else step["state"]
        call = call_text(step["name"], step["request"]["arguments"])
        yield f"· {in_one_line(call, 70)} → {in_one_line(result, 40)}"
    if len(calls) > TOOLS_USED:
        yield f"· and {len(calls) - TOOLS_USED} more tool calls"
