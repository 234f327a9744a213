"""Holds the plugin to the contracts of what it brings."""

from __future__ import annotations

from typing import ClassVar

from argent_testing import ModelProviderContract, PluginContract


class TestPlugin(PluginContract):
    plugin = "parrot"


class TestModels(ModelProviderContract):
    """Name in ``models`` what is to be asked; it is asked for real.

    Where that costs, let a ``ModelServer`` of ``argent_testing`` play the vendor's server, and
    return its address from a fixture ``plugin_settings`` of this class. With ``play`` and
    ``told``, which say what it is to answer and what it was told, tool calls are tried out too.
    """

    plugin = "parrot"
    models: ClassVar = ("grey",)
