"""Whether finding the plugin imports nothing but itself and the contract."""

from __future__ import annotations

import sys
from importlib.metadata import packages_distributions

from argent_testing.plugin_check.report import Found, Rule
from argent_testing.plugin_check.rules.fresh import import_afresh, tops
from argent_testing.plugin_check.subject import Subject

LIGHT = {"argent_hookspecs", "attr", "attrs", "pluggy"}


def _look(subject: Subject) -> Found:
    own = {
        package for package, names in packages_distributions().items() if subject.name in names
    } | {*subject.packages}
    problems = []
    count = 0
    for point in subject.points:
        modules = import_afresh(point.module, times=1).modules
        count += len(modules)
        strange = sorted(tops(modules) - own - LIGHT - sys.stdlib_module_names)
        problems += [
            f"{point.module} brings {name} ({sum(m.partition('.')[0] == name for m in modules)} "
            "modules) as soon as it is found; import it inside of the function that uses it"
            for name in strange
        ]
    return Found(tuple(problems), f"{count} modules")


RULE = Rule("top-imports", "silver", "finding it imports no library besides the contract", _look)
