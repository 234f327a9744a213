"""What is wrong or odd in the settings of a home, those of the installed plugins too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from argent_core import config as configuration
from argent_core.config import Inspection, Problem, SettingsClasses
from argent_core.config.problems import KERNEL_FILE, shown
from argent_core.paths import Home
from argent_core.plugin_trust.approval import waiting
from argent_core.plugins import installed_plugins, plugin_settings_classes
from argent_core.tier_remarks import meant


def settings_classes(home: Home) -> SettingsClasses:
    """Return the settings classes of the installed plugins; imports all that may load."""
    installed = installed_plugins()
    settings = configuration.inspect(home).config
    named = (settings.agent.plugins if settings else None) or ()
    held_back = waiting(home, installed, named=named)
    unknown = {plugin.name: None for plugin in installed}
    return {**unknown, **plugin_settings_classes(held_back)}


def check_settings(home: Home) -> Inspection:
    """Find what the files of settings say of themselves."""
    return configuration.inspect(home, classes=settings_classes(home))


def beside(
    home: Home,
    *,
    tools: Sequence[str],
    tiers: Sequence[Mapping[str, Any]],
    sources: Sequence[str],
) -> Iterator[Problem]:
    """Find what is odd beside the tools, tiers and event sources that are there.

    Args:
        tools: Their names.
        tiers: What the agent says of each; see ``Models.named``.
    """
    settings = configuration.inspect(home).config
    if settings is None:
        return
    names = [tier["tier"] for tier in tiers]
    yield from configuration.idle(settings, tools=tools, tiers=names, sources=sources)
    for tier in tiers:
        # Until the provider is asked, a model counts as misspelt only where one is spelt alike.
        if "near" in tier and not tier.get("price_known", not tier["near"]):
            yield _of_no_price(tier)


def _of_no_price(tier: Mapping[str, Any]) -> Problem:
    file, _, path = tier["setting"].rpartition(": ")
    words = f"the table of prices has no model {shown(tier['model'])}"
    hint = f"{meant(tier['near'])} What has no price counts as the dearest that is known".lstrip()
    if not path:
        file = f"tier {tier['tier']}"
    return Problem(path, words, hint=hint, file=file or KERNEL_FILE)
