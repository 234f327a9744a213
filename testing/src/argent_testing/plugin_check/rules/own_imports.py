"""Whether the plugin imports the contract only, of all that is Argent's or another plugin's."""

from __future__ import annotations

from importlib.metadata import entry_points

from argent_core.plugins import GROUP
from argent_testing.plugin_check.report import Found, Rule
from argent_testing.plugin_check.subject import Subject, top_names

_KERNEL = {
    "argent_core": "the kernel, which changes without notice; what you need of it is in ctx",
    "argent_testing": "the test kit, which only tests may need; move that into them",
}


def _look(subject: Subject) -> Found:
    others = {point.module.partition(".")[0] for point in entry_points(group=GROUP)}
    others -= {*subject.packages}
    problems = []
    for file in subject.source:
        for line, name in top_names(file.tree):
            if name in _KERNEL:
                problems.append(f"{file.name}:{line} imports {name}, {_KERNEL[name]}")
            elif name in others:
                problems.append(
                    f"{file.name}:{line} imports {name}, another plugin; plugins meet by services: "
                    "see argent_services and ctx.services"
                )
    return Found(tuple(problems))


RULE = Rule("own-imports", "bronze", "it imports neither the kernel nor another plugin", _look)
