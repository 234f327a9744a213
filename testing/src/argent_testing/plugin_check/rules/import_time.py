"""Whether importing the plugin is quick."""

from __future__ import annotations

from argent_testing.plugin_check.report import Found, Rule
from argent_testing.plugin_check.rules.fresh import import_afresh
from argent_testing.plugin_check.subject import Subject

LIMIT = 0.1
"""Seconds of processor time over those of importing the contract."""


def _look(subject: Subject) -> Found:
    problems, seen = [], []
    for point in subject.points:
        measured = import_afresh(point.module)
        cost, control = 1000 * measured.seconds, 1000 * measured.control
        seen.append(f"{cost:.0f} ms over the contract's {control:.0f} ms")
        if measured.seconds > LIMIT:
            problems.append(
                f"importing {point.module} takes {cost:.0f} ms, and may take {1000 * LIMIT:.0f}; "
                "import what is heavy inside of the functions that use it"
            )
    return Found(tuple(problems), ", ".join(seen))


RULE = Rule(
    "import-time", "bronze", "importing it takes at most 100 ms more than the contract", _look
)
