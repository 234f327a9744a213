"""Holds the plugin to the contracts of what it brings."""

from __future__ import annotations

from argent_testing import ContextProviderContract, PluginContract


class TestPlugin(PluginContract):
    plugin = "moon"


class TestContext(ContextProviderContract):
    plugin = "moon"
