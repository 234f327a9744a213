"""What is right setting by setting, and still cannot work."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from argent_core.config.problems import Problem, shown, suggestion
from argent_core.config.settings import AgentSettings, KernelSettings
from argent_core.config.tiers import BELOW
from argent_core.remedies import remedy
from argent_hookspecs import ModelTier

_ID = re.compile(r"\w(?:[\w .@-]{0,62}\w)?")


def impossible(home: Path, agent: AgentSettings) -> Iterator[Problem]:
    """Find what no agent can start with."""
    if not _ID.fullmatch(agent.id):
        words = "expected a name of 1 to 64 letters, digits, spaces and . _ @ -"
        yield Problem("agent.id", words, shown(agent.id))
    workspace = home / agent.workspace
    try:
        workspace.lstat()
        in_the_way = not workspace.is_dir()
    except FileNotFoundError:
        return
    except NotADirectoryError:
        in_the_way = True
    except OSError as error:
        place = shown(str(agent.workspace))
        yield Problem("agent.workspace", f"{error.strerror}: {place}", hint=remedy(error))
        return
    if in_the_way:
        found = f"the file {workspace}"
        yield Problem("agent.workspace", "expected a folder", found, "Choose another place")


def doubtful(
    settings: KernelSettings, *, tiers: Sequence[ModelTier], installed: Iterable[str]
) -> Iterator[Problem]:
    """Find what does nothing as things are.

    Args:
        tiers: The person's own.
        installed: Names of the plugins that are.
    """
    known = sorted({*BELOW, *(tier.name for tier in tiers)})
    for path, wanted, otherwise in _tiers_named(settings):
        if wanted not in known:
            words = f"no tier {shown(wanted)} is known; unless a plugin brings one, {otherwise}"
            hint = suggestion(wanted, known) or f"There are: {', '.join(known)}"
            yield Problem(path, words, hint=hint)
    names = set(installed)
    for index, name in enumerate(settings.agent.plugins or ()):
        if name not in names:
            words = f"no plugin {shown(name)} is installed"
            yield Problem(f"agent.plugins[{index}]", words, hint=suggestion(name, names))


def idle(
    settings: KernelSettings,
    *,
    tools: Collection[str],
    tiers: Collection[str],
    sources: Collection[str],
) -> Iterator[Problem]:
    """Find what concerns no tool, no tier and no event source of those that are there."""
    for pattern in settings.tools.policy:
        if not any(fnmatch(tool, pattern) for tool in tools):
            words = "no tool that is there is called so"
            yield Problem(f"tools.policy.{pattern}", words, hint=suggestion(pattern, tools))
    for path, wanted, otherwise in _tiers_named(settings):
        if wanted not in {*BELOW, *tiers}:
            words = f"no tier that is there is called {shown(wanted)}; {otherwise}"
            yield Problem(path, words, hint=suggestion(wanted, {*BELOW, *tiers}))
    for name in settings.budget.sources:
        if name not in sources:
            words = f"no event source that is there is called {shown(name)}; this limits nothing"
            yield Problem(f"budget.sources.{name}", words, hint=suggestion(name, sources))
    people = settings.people
    named = {"owners": people.owners, "allow": people.allow, "groups.allow": people.groups.allow}
    for path, channels in named.items():
        for name in channels:
            if name not in sources:
                words = f"no channel that is there is called {shown(name)}; this lets nobody in"
                yield Problem(f"people.{path}.{name}", words, hint=suggestion(name, sources))
    for trust in ("paired", "outside"):
        for pattern in getattr(settings.tools.people, trust) or ():
            if not any(fnmatch(tool, pattern) for tool in tools):
                words = f"no tool that is there is called {shown(pattern)}"
                yield Problem(f"tools.people.{trust}", words, hint=suggestion(pattern, tools))


def _tiers_named(settings: KernelSettings) -> Iterator[tuple[str, str, str]]:
    """Return where a setting names a tier, which, and what happens if there is none."""
    yield "models.default", settings.models.default, "another answers"
    for topic, tier in settings.models.routing.floors.items():
        yield f"models.routing.floors.{topic}", tier, "it counts as balanced"
    for tier in settings.budget.tiers:
        yield f"budget.tiers.{tier}", tier, "this limits nothing"
