"""What a check of a plugin found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import asdict, field, frozen

from argent_testing.plugin_check.subject import Subject

LEVELS = ("bronze", "silver", "gold")
"""From the least to the best; each asks for everything of those before it."""


@frozen
class Found:
    """What a rule found.

    Args:
        problems: Each says what is wrong and what to do; none if the rule is kept.
        seen: What was measured or looked at, in a few words.
    """

    problems: tuple[str, ...] = ()
    seen: str = ""


@frozen
class Rule:
    """Something that a plugin should keep to.

    Args:
        id: What it is called.
        level: The level that asks for it.
        about: What it asks for, in one line.
        look: Looks at a plugin.
    """

    id: str
    level: str
    about: str
    look: Callable[[Subject], Found]


@frozen(kw_only=True)
class Verdict:
    """How a plugin stands with one rule."""

    rule: str
    level: str
    about: str
    problems: tuple[str, ...] = ()
    seen: str = ""

    @property
    def ok(self) -> bool:
        """Whether the rule is kept."""
        return not self.problems


@frozen(kw_only=True)
class Report:
    """How a plugin stands with all rules.

    Args:
        name: Name of its distribution.
        version: Its version.
    """

    name: str
    version: str
    verdicts: tuple[Verdict, ...] = field(factory=tuple)

    @property
    def level(self) -> str:
        """The best level that it reaches; empty if it reaches none."""
        reached = ""
        for level in LEVELS:
            if not all(v.ok for v in self.verdicts if v.level == level):
                break
            reached = level
        return reached

    def reaches(self, level: str) -> bool:
        """Tell whether it is at least of a level."""
        return bool(self.level) and LEVELS.index(self.level) >= LEVELS.index(level)

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        verdicts = [{**asdict(verdict), "ok": verdict.ok} for verdict in self.verdicts]
        return {
            "name": self.name,
            "version": self.version,
            "level": self.level or None,
            "rules": verdicts,
        }
