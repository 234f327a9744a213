"""Whether the distribution says what others need to know of it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageMetadata, version

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from argent_testing.plugin_check.report import Found, Rule
from argent_testing.plugin_check.subject import Subject

_CONTRACT = "argent-hookspecs"


def _look(subject: Subject) -> Found:
    return Found(tuple(_problems(subject.distribution.metadata)))


def _problems(metadata: PackageMetadata) -> Iterator[str]:
    given = {key.lower() for key in metadata}
    classified = any("License ::" in one for one in metadata.get_all("Classifier") or ())
    if not ({"license", "license-expression"} & given or classified):
        yield 'it has no licence; write one into pyproject.toml, as in license = "MIT"'
    if "requires-python" not in given:
        yield 'it does not say which Python it needs: requires-python = ">=3.11"'
    if "summary" not in given:
        yield "it has no description of one line in pyproject.toml"
    needs = [Requirement(line) for line in metadata.get_all("Requires-Dist") or ()]
    contract = [one for one in needs if canonicalize_name(one.name) == _CONTRACT]
    here = version(_CONTRACT)
    if not contract:
        yield f'it does not require the contract: dependencies = ["{_CONTRACT}=={here}"]'
    elif not contract[0].specifier:
        yield f"it takes any version of the contract; name one: {_CONTRACT}=={here}"
    elif not contract[0].specifier.contains(here, prereleases=True):
        yield f"it requires {contract[0]}, and {here} is installed; install what it requires"


RULE = Rule("metadata", "bronze", "licence, requires-python, the version of the contract", _look)
