"""A check of one plugin by all rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from argent_testing.plugin_check.report import Found, Report, Rule, Verdict
from argent_testing.plugin_check.rules import (
    entry_point,
    import_time,
    metadata,
    own_imports,
    readme,
    records,
    secrets,
    settings,
    top_imports,
    type_check,
    typed,
    under_contract,
)
from argent_testing.plugin_check.subject import Subject, find

RULES: tuple[Rule, ...] = (
    entry_point.RULE,
    import_time.RULE,
    own_imports.RULE,
    metadata.RULE,
    records.RULE,
    secrets.RULE,
    top_imports.RULE,
    settings.RULE,
    under_contract.RULE,
    typed.RULE,
    readme.RULE,
    type_check.RULE,
)
"""All rules, those of bronze first."""

_UNSEEN = Found(("this cannot be looked at before it can be loaded; see entry-point",))


def check(
    target: str, settings: Mapping[str, Any] | None = None, *, rules: Sequence[Rule] = RULES
) -> Report:
    """Check a plugin that is installed.

    Args:
        target: Its distribution, its name, or the folder of its project.
        settings: Its settings, if it needs some.

    Raises:
        ConfigError: It is not installed.
    """
    subject = find(target, settings)
    verdicts = list(_verdicts(subject, rules))
    version = subject.distribution.version
    return Report(name=subject.name, version=version, verdicts=tuple(verdicts))


def _verdicts(subject: Subject, rules: Sequence[Rule]) -> Iterator[Verdict]:
    loads = True
    for rule in rules:
        found = rule.look(subject) if loads else _UNSEEN
        if rule is entry_point.RULE:
            loads = not found.problems
        yield Verdict(
            rule=rule.id,
            level=rule.level,
            about=rule.about,
            problems=found.problems,
            seen=found.seen,
        )
