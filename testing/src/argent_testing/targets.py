"""What a test names as a plugin, made into what the kernel's loader takes."""

from __future__ import annotations

import importlib
import sys
from functools import partial
from importlib.metadata import entry_points
from types import ModuleType
from typing import TypeAlias

from argent_core.plugins import GROUP, InstalledPlugin, installed_plugins

PluginTarget: TypeAlias = "str | ModuleType | object"
"""A plugin: the name of its entry point or module, the module, or any object with its hooks."""


def as_installed(target: PluginTarget) -> InstalledPlugin:
    """Make a plugin that the kernel can load of whatever a test names.

    A module or a name is imported by the loader, and not before. An object is called by its
    attribute ``name``, else by its class.
    """
    if isinstance(target, InstalledPlugin):
        return target
    if isinstance(target, str):
        known = {plugin.name: plugin for plugin in installed_plugins()}
        if target in known:
            return known[target]
        return InstalledPlugin(plugin_name(target), partial(importlib.import_module, target))
    return InstalledPlugin(plugin_name(target), lambda: target)


def plugin_name(target: PluginTarget) -> str:
    """Return the name that a plugin has in the kernel and in the settings.

    >>> plugin_name("argent_basics")
    'basics'
    """
    if isinstance(target, InstalledPlugin):
        return target.name
    if isinstance(target, str | ModuleType):
        module = target if isinstance(target, str) else target.__name__
        return module.rpartition(".")[2].removeprefix("argent_").replace("_", "-")
    return str(getattr(target, "name", type(target).__name__.lower()))


def module_of(target: PluginTarget) -> str | None:
    """Return the name of a plugin's module, or None if it is an object."""
    if isinstance(target, ModuleType):
        return target.__name__
    if isinstance(target, str):
        named = entry_points(group=GROUP, name=target)
        return next((point.module for point in named), target)
    return None


def package_of(target: PluginTarget) -> ModuleType | None:
    """Import the package of a plugin, or return None if it is an object."""
    module = module_of(target)
    if module is None:
        return None
    importlib.import_module(module)
    return sys.modules[module.partition(".")[0]]
