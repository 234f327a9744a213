"""Whether finding the plugin imports nothing but itself and the contract."""

from __future__ import annotations

import sys
from importlib.metadata import packages_distributions

from packaging.utils import canonicalize_name

from argent_testing.plugin_check.report import Found, Rule
from argent_testing.plugin_check.rules.fresh import import_afresh, tops
from argent_testing.plugin_check.subject import Subject

LIGHT = {"argent_hookspecs", "attr", "attrs", "pluggy"}


def _look(subject: Subject) -> Found:
    name = canonicalize_name(subject.name)
    own = {
        package
        for package, brought_by in packages_distributions().items()
        if name in map(canonicalize_name, brought_by)
    } | {*subject.packages}
    problems = []
    count = 0
    for point in subject.points:
        modules = import_afresh(point.module, times=1).modules
        count += len(modules)
        strange = sorted(tops(modules) - own - LIGHT - sys.stdlib_module_names)
        problems += [
            f"{point.module} brings {top} as soon as it is found; import it inside of the function "
            "that uses it"
            for top in strange
        ]
    return Found(tuple(problems), f"{count} modules")


RULE = Rule("top-imports", "silver", "finding it imports no library besides the contract", _look)
