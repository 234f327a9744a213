"""Whether the plugin can be found and loaded, and its hooks are known ones."""

from __future__ import annotations

from argent_core.plugins import compatible
from argent_testing.plugin_check.report import Found, Rule
from argent_testing.plugin_check.subject import Subject, loaded


def _look(subject: Subject) -> Found:
    problems = list(loaded(subject))
    if not problems:
        for plugin in subject.plugins:
            if not compatible(plugin.record):
                problems.append(
                    f"{plugin.name} was written for contract {plugin.record.contract}; move it to "
                    "the contract of the argent-hookspecs that is installed"
                )
            if not plugin.record.summary.strip():
                problems.append(f"{plugin.name} has no summary; say in one line what it adds")
    names = ", ".join(f"{point.name} = {point.value}" for point in subject.points)
    return Found(tuple(problems), names)


RULE = Rule("entry-point", "bronze", "it can be found and loaded; its hooks are known ones", _look)
