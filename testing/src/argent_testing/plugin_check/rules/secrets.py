"""Whether settings that hold secrets are marked as such."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from argent_core.config.structure import SECRETIVE
from argent_testing.plugin_check.report import Found, Rule
from argent_testing.plugin_check.rules.fields import fields, made_of
from argent_testing.plugin_check.subject import Subject

_MORE = re.compile(r"(?:^|_)keys?$|^pin$|bearer", re.IGNORECASE)
_OPEN = re.compile(r"public|sort|primary|foreign|shortcut", re.IGNORECASE)


def _look(subject: Subject) -> Found:
    problems = [
        f"{name}: the setting {path} looks like a secret and is text, which would stand in a file "
        "and could be shown; make it a Secret, and ask for its value with ctx.secrets.reveal"
        for name, kind in subject.settings_classes.items()
        for path in _bare(kind)
    ]
    return Found(tuple(problems))


def _bare(kind: type[Any]) -> Iterator[str]:
    """Find the settings that are called as secrets are, and are plain text."""
    for path, field in fields(kind):
        name = field.name
        secretive = SECRETIVE.search(name) or _MORE.search(name)
        if secretive and not _OPEN.search(name) and {str, bytes} & set(made_of(field.type)):
            yield path


RULE = Rule("secrets", "bronze", "settings such as tokens and passwords are Secrets", _look)
