"""Whether what the plugin registers can be worked with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from argent_core.guard import attempt
from argent_core.outcome import shown
from argent_hookspecs import ArgentError, ContextProvider
from argent_testing.plugin_check.report import Found, Rule
from argent_testing.plugin_check.subject import Subject

_LONGEST = 86_400.0
_LONGEST_CONTEXT = 30.0


def _look(subject: Subject) -> Found:
    outcome = attempt(lambda: subject.records)
    if outcome.error is not None:
        mine = isinstance(outcome.error, ArgentError)
        words = str(outcome.error) if mine else shown(outcome.error)
        hint = "if it needs settings, give them: --settings '{…}'"
        return Found((f"what it registers cannot be seen: {words} ({hint})",))
    found = [record for records in outcome.get().values() for record in records]
    problems = [f"{type(r).__name__} {r.id!r}: {words}" for r in found for words in _problems(r)]
    seen = ", ".join(f"{type(record).__name__} {record.id}" for record in found)
    return Found(tuple(problems), seen or "it registers nothing")


def _problems(record: Any) -> Iterator[str]:
    if not record.id or record.id.split() != [record.id]:
        yield "its id is empty or has spaces in it; give it one word"
    longest = _LONGEST_CONTEXT if isinstance(record, ContextProvider) else _LONGEST
    timeout = getattr(record, "timeout", 1.0)
    if not (0 < timeout <= longest) or math.isnan(timeout):
        yield f"its timeout is {timeout:g} s; take one from above 0 to {longest:g}"
    idle = getattr(record, "idle_timeout", timeout)
    if not 0 < idle <= max(timeout, longest):
        yield f"its idle_timeout is {idle:g} s; take one from above 0 to {longest:g}"


RULE = Rule("records", "bronze", "ids are usable and unique, timeouts make sense", _look)
