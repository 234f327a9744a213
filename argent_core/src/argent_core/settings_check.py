"""What is wrong or odd in the settings of a home, those of the installed plugins too."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from argent_core import config as configuration
from argent_core.config import Config, Inspection, Problem, SettingsClasses
from argent_core.config.problems import KERNEL_FILE, shown, suggestion
from argent_core.paths import Home
from argent_core.plugin_trust.approval import waiting
from argent_core.plugins import installed_plugins, plugin_settings_classes
from argent_core.tier_remarks import meant

_MODELS_FILE = "models.json: "


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
    providers: Sequence[str],
    sources: Sequence[str],
) -> Iterator[Problem]:
    """Find what is odd beside the tools, tiers, providers and event sources that are there.

    Args:
        tools: Their names.
        tiers: What the agent says of each; see ``Models.named``.
        providers: Ids of the model providers; one that waits for approval is known by its plugin.
    """
    settings = configuration.inspect(home).config
    if settings is None:
        return
    names = [tier["tier"] for tier in tiers]
    yield from configuration.idle(settings, tools=tools, tiers=names, sources=sources)
    known = {*providers, *(plugin.name for plugin in installed_plugins())}
    for tier in tiers:
        if tier["provider"] not in known and _is_chosen(settings, tier["setting"]):
            yield _of_no_provider(tier, known, providers)
        # Until the provider is asked, a model counts as misspelt only where one is spelt alike.
        if "near" in tier and not tier.get("price_known", not tier["near"]):
            yield _of_no_price(tier)


def provider_setting(path: str) -> str:
    """Return the setting of a tier's provider, given that of its model.

    >>> provider_setting("tiers[0].model")
    'tiers[0].provider'
    """
    return f"{path.removesuffix('model')}provider"


def _is_chosen(settings: Config, setting: str) -> bool:
    """Tell whether the person has named a tier's provider, given the setting of its model."""
    first, _, rest = setting.partition(".")
    own = settings.plugin(rest.rpartition(".")[0]).section
    return setting.startswith(_MODELS_FILE) or (first == "plugins" and "provider" in own)


def _of_no_provider(
    tier: Mapping[str, Any], known: Collection[str], providers: Sequence[str]
) -> Problem:
    file, _, path = tier["setting"].rpartition(": ")
    words = f"no model provider is called {shown(tier['provider'])}"
    there = f"There are: {', '.join(sorted(providers)) or 'none'}; others come with their packages"
    hint = suggestion(tier["provider"], known) or there
    return Problem(provider_setting(path), words, hint=hint, file=file or KERNEL_FILE)


def _of_no_price(tier: Mapping[str, Any]) -> Problem:
    file, _, path = tier["setting"].rpartition(": ")
    words = f"the table of prices has no model {shown(tier['model'])}"
    hint = f"{meant(tier['near'])} What has no price counts as the dearest that is known".lstrip()
    if not path:
        file = f"tier {tier['tier']}"
    return Problem(path, words, hint=hint, file=file or KERNEL_FILE)
